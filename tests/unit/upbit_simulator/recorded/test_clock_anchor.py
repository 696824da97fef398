"""A replay's clock runs, stops and goes on after a restart."""

import json
from pathlib import Path

import pytest

from upbit_simulator.recorded.clock_anchor import replay_clock
from upbit_simulator.recorded.recording import Recording, RecordingError, load_recording

LINES = (
    "exchange_time_utc,market,price_krw\n"
    "2026-01-13T09:59:00.000Z,KRW-BTC,135895000\n"
    "2026-01-13T10:08:59.000Z,KRW-BTC,135890000\n"
)
MINUTE = 60_000


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    path = tmp_path / "ticks.csv"
    path.write_text(LINES)
    return load_recording(path)


def test_the_clock_starts_at_the_first_record_runs_faster_and_stops(recording: Recording) -> None:
    wall = [1000.0]
    clock = replay_clock(recording, speed=120, path=None, wall=lambda: wall[0])
    assert clock.now_ms() == recording.first_ms
    wall[0] += 1
    assert clock.now_ms() == recording.first_ms + 2 * MINUTE
    wall[0] += 1000
    assert clock.now_ms() == recording.first_ms + 10 * MINUTE + 2000 == recording.end_ms


@pytest.mark.parametrize("speed", [60, 1])
def test_a_restart_goes_on_where_real_time_has_taken_it_also_at_another_speed(
    recording: Recording, tmp_path: Path, speed: float
) -> None:
    anchor = tmp_path / "anchor.json"
    replay_clock(recording, speed=60, path=anchor, wall=lambda: 1000.0)
    restarted = replay_clock(recording, speed=speed, path=anchor, wall=lambda: 1003.0)
    assert restarted.now_ms() == recording.first_ms + 3 * MINUTE


def test_the_anchor_says_what_it_belongs_to(recording: Recording, tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.json"
    replay_clock(recording, speed=60, path=anchor, wall=lambda: 1000.0)
    saved = json.loads(anchor.read_text())
    assert saved == {
        "recording_sha256": recording.sha256,
        "first_record": recording.first_ms,
        "wall_start": 1000.0,
        "speed": 60,
    }


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{", "not a clock anchor"),
        ("[]", "not a clock anchor"),
        (
            '{"recording_sha256": "x", "first_record": 1, "wall_start": 1, "speed": 1}',
            "belongs to another recording",
        ),
    ],
)
def test_a_wrong_anchor_is_refused(recording: Recording, tmp_path: Path, text: str, rule: str) -> None:
    anchor = tmp_path / "anchor.json"
    anchor.write_text(text)
    with pytest.raises(RecordingError, match=rule):
        replay_clock(recording, speed=60, path=anchor)


def test_an_anchor_that_cannot_be_written_is_refused(recording: Recording, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="can't be written"):
        replay_clock(recording, speed=60, path=tmp_path / "no" / "anchor.json")
