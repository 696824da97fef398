"""Is the NATS configuration of the Compose stack made from today's table of rights?"""

from __future__ import annotations

from pathlib import Path

from bongsu.provisioning.nats_config import compose_configuration

CHECKED_IN = Path(__file__).parents[4] / "deploy/nats.conf"


def test_the_file_is_what_the_table_of_rights_makes() -> None:
    fix = ".venv/bin/python -m bongsu.provisioning.nats_config > deploy/nats.conf"
    assert CHECKED_IN.read_text(encoding="utf-8") == compose_configuration(), f"out of date; run {fix}"


def test_what_is_acknowledged_is_on_the_disk() -> None:
    assert "sync_interval: always" in compose_configuration()
