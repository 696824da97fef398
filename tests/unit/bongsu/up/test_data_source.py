"""Simulated, recorded and real prices never meet in one data dir."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bongsu.errors import CommandError
from bongsu.up.data_source import Market, check_market, live, simulated, write_market
from bongsu.up.options import Options
from bongsu.up.seeding import first_settings

REPLAY = Market("replay", "ab" * 32, "the recording hour.json", ("KRW-BTC", "KRW-XRP"))


def test_a_data_dir_takes_its_own_market_again(tmp_path: Path) -> None:
    check_market(tmp_path, REPLAY, Options())
    write_market(tmp_path, REPLAY)
    check_market(tmp_path, REPLAY, Options())


@pytest.mark.parametrize("other", [simulated(), live(), Market("replay", "cd" * 32, "another recording")])
def test_a_data_dir_refuses_every_other_market(tmp_path: Path, other: Market) -> None:
    write_market(tmp_path, REPLAY)
    with pytest.raises(CommandError, match="never mix; use a folder of its own: make run ARGS="):
        check_market(tmp_path, other, Options())


def test_a_damaged_note_is_not_taken_for_a_new_folder(tmp_path: Path) -> None:
    (tmp_path / "market.json").write_text("{")
    with pytest.raises(CommandError, match="the market of this data dir is unknown"):
        check_market(tmp_path, simulated(), Options())


def test_a_recording_sets_the_markets_to_its_own_and_the_real_one_starts_with_the_defaults() -> None:
    settings = first_settings(REPLAY)
    assert settings["markets"] == ["KRW-BTC", "KRW-XRP"]
    assert settings["signal_interval_minutes"] == 1
    assert first_settings(live()) == {}


def test_a_recording_is_backfilled_over_its_whole_length() -> None:
    long, short = (replace(REPLAY, days=days) for days in (11, 1))
    assert first_settings(long)["backfill_days"] == 11
    assert first_settings(short)["backfill_days"] == 3
