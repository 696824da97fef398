"""The NATS configuration of the Compose stack is made from the rights as they are now."""

from __future__ import annotations

from pathlib import Path

from bongsu.provisioning.nats_config import compose_configuration

CHECKED_IN = Path(__file__).parents[4] / "deploy/nats.conf"


def test_the_file_has_the_rights_of_the_code() -> None:
    assert CHECKED_IN.read_text(encoding="utf-8") == compose_configuration(), "out of date: run `make docs`"


def test_what_is_acknowledged_is_on_the_disk() -> None:
    assert "sync_interval: always" in compose_configuration()
