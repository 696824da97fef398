"""A recording is read from any plain file, and what cannot be one is refused."""

import os
from pathlib import Path

import pytest

from unit.ordinary_user import as_an_ordinary_user
from upbit_simulator.recorded.recording import RecordingError, load_recording

TICKS = "exchange_time_utc,market,price_krw\n2026-01-13T09:59:00.461Z,KRW-BTC,135895000\n"
CANDLES = """[
{"market": "KRW-BTC", "unit": 1, "candle_date_time_utc": "2020-02-20T11:19:00", "timestamp": 1582197598691,
 "opening_price": 11509000, "high_price": 11511000, "low_price": 11489000, "trade_price": 11498000,
 "candle_acc_trade_price": 30279009.54681, "candle_acc_trade_volume": 2.63267824}
]
"""


@pytest.mark.parametrize("text", [TICKS, CANDLES])
def test_a_file_that_went_through_windows_is_the_same_recording(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recording"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    recording = load_recording(path)
    assert (recording.markets, recording.by_market["KRW-BTC"].records) == (("KRW-BTC",), 1)


def test_a_pipe_is_refused_since_it_can_be_read_once_only(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RecordingError, match="no file that can be read again; give a plain file"):
        load_recording(tmp_path / "pipe")


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_text(TICKS)
    path.chmod(0)
    with (
        as_an_ordinary_user(),
        pytest.raises(RecordingError, match=r"can't be read \(Permission denied\); give a file that may"),
    ):
        load_recording(path)
