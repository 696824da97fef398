"""Optional imports: a service imports only what it needs, however much is installed beside it."""

from __future__ import annotations

import subprocess
import sys

import pytest

OTHERS = ("aiohttp.", "cryptography.", "greenlet.", "rich.")
LISTED = "import sys, {service}.__main__; print(*sorted(sys.modules))"


@pytest.mark.parametrize("service", ["collector", "signaler", "health"])
def test_a_service_does_not_load_what_only_others_need(service: str) -> None:
    listed = subprocess.run(
        [sys.executable, "-c", LISTED.format(service=service)], capture_output=True, text=True, check=True
    ).stdout.split()
    assert [name for name in listed if name.startswith(OTHERS)] == []
    assert f"{service}.app" in listed
