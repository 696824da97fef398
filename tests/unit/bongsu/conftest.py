"""No stack around a test of the command."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _no_stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "NATS_URL", "HEALTH_URL", "HEALTH_PORT"):
        monkeypatch.delenv(name, raising=False)
