"""Recording of Upbit 1-minute candles (JSON) or ticks (CSV), plain or .gz.

Everything is checked while reading, so a replay never stumbles later.
"""

import gzip
import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from upbit_simulator.market.candles import MINUTE_MS, Candle, Trade, candles_of
from upbit_simulator.recorded.candles import parse_candles
from upbit_simulator.recorded.rules import RecordingError
from upbit_simulator.recorded.ticks import CSV_HEADER, parse_ticks

__all__ = ["Recording", "RecordingError", "load_recording"]

# A minute counts as closed 62 s after it opened, so the clock must reach that for the last one.
_AFTER_LAST_OPEN_MS = 62_000
_FIX = "give Upbit 1-minute candle JSON, or CSV with the header " + CSV_HEADER


@dataclass(frozen=True, slots=True)
class MarketRecording:
    """One market: minute candles, oldest first; ticks by Unix minute (none in a candle recording).

    `first_ms` and `last_ms` are the times of the first and the last of its `records`, Unix ms.
    """

    candles: tuple[Candle, ...]
    ticks: Mapping[int, tuple[Trade, ...]]
    first_ms: int
    last_ms: int
    records: int

    @property
    def end_ms(self) -> int:
        """The last minute's end and 2 s (Unix ms): nothing is known of later minutes."""
        return self.candles[-1].open_ms + _AFTER_LAST_OPEN_MS


@dataclass(frozen=True, slots=True)
class Recording:
    """A whole file. `first_ms` is the first record, `end_ms` the last minute's end and 2 s (Unix ms)."""

    path: Path
    sha256: str
    by_market: Mapping[str, MarketRecording]
    first_ms: int
    end_ms: int

    @property
    def markets(self) -> tuple[str, ...]:
        """Market codes, the one recorded first first."""
        return tuple(self.by_market)


def load_recording(path: Path | str) -> Recording:
    """Read and check a whole recording.

    Raises:
        RecordingError: The file is missing, unreadable, empty, in another format, or has a broken line.
    """
    path = Path(path)
    raw = _read(path)
    text = _text(path, _unpacked(path, raw))
    by_market = _parse(path, text)
    ordered = dict(sorted(by_market.items(), key=lambda item: item[1].first_ms))
    first_ms = min(market.first_ms for market in ordered.values())
    end_ms = max(market.end_ms for market in ordered.values())
    return Recording(path, hashlib.sha256(raw).hexdigest(), ordered, first_ms, end_ms)


def _parse(path: Path, text: str) -> dict[str, MarketRecording]:
    start = text.lstrip()
    if start.startswith("["):
        return {
            code: MarketRecording(tuple(candles), {}, candles[0].open_ms, candles[-1].open_ms, len(candles))
            for code, candles in parse_candles(path, text).items()
        }
    if start.partition("\n")[0].strip().replace(" ", "") == CSV_HEADER:
        return {code: _from_ticks(ticks) for code, ticks in parse_ticks(path, text).items()}
    raise RecordingError(f"{path}, line 1: not a recording; {_FIX}")


def _from_ticks(ticks: list[Trade]) -> MarketRecording:
    grouped = groupby(ticks, key=lambda tick: tick.time_ms // MINUTE_MS)
    by_minute = {minute: tuple(members) for minute, members in grouped}
    candles = tuple(candles_of(ticks, MINUTE_MS))
    return MarketRecording(candles, by_minute, ticks[0].time_ms, ticks[-1].time_ms, len(ticks))


def _read(path: Path) -> bytes:
    try:
        # A pipe can be read once only, and the simulator is another process than the one that checks.
        if path.is_fifo() or path.is_char_device():
            raise RecordingError(f"{path}: is no file that can be read again; give a plain file")
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise RecordingError(f"{path}: there is no such file; check the path given to --replay") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise RecordingError(f"{path}: can't be read ({reason}); give a file that may be read") from error
    if not raw.strip():
        raise RecordingError(f"{path}: the file is empty; {_FIX}")
    return raw


def _unpacked(path: Path, raw: bytes) -> bytes:
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise RecordingError(
            f"{path}: the gzip data is damaged ({error}); fetch or make the file again"
        ) from error


def _text(path: Path, data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RecordingError(f"{path}, line {line}: not UTF-8 text; {_FIX}") from error
    if not text.strip():
        raise RecordingError(f"{path}: the file is empty; {_FIX}")
    return text
