"""Does a recording arrive row by row, and does the run say so?"""

from __future__ import annotations

from pathlib import Path

from system.conftest import Start


def test_a_recording_arrives_whole_and_its_end_is_told(start: Start, recording: Path) -> None:
    run = start("--replay", str(recording), "--speed", "300", "--ephemeral")
    line = run.until("the recording has ended", within=90)
    assert "KRW-BTC 60 of 60 candles" in line
    assert run.process.poll() is None
    assert run.stop() == 0
