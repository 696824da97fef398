"""Export of candles to a recording in Upbit's 1-minute candle JSON, which `bongsu up --replay` reads."""

from __future__ import annotations

import contextlib
import gzip
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path
from typing import TextIO

from bongsu.database.queries import StoredCandle
from bongsu.errors import CommandError, file_error

KOREA = timedelta(hours=9)
LAST_TICK = timedelta(milliseconds=59_999)


async def write_recording(path: Path, candles: AsyncIterator[StoredCandle]) -> Counter[str]:
    """Write the candles, complete or not at all; packed where the name ends in .gz.

    Returns:
        How many there are of each market; none at all leaves no file.

    Raises:
        CommandError: The file cannot be written.
    """
    written: Counter[str] = Counter()
    with _unfinished(path) as unfinished:
        async for candle in candles:
            unfinished.file.write((",\n" if written else "[\n") + _upbit_row(candle))
            written[candle.symbol] += 1
        unfinished.file.write("\n]\n")
        if written:
            unfinished.keep()
    return written


@dataclass(frozen=True)
class _Unfinished:
    """A file that takes the place of `target` once it is kept."""

    file: TextIO
    path: Path
    target: Path

    def keep(self) -> None:
        self.file.close()
        self.path.replace(self.target)


@contextmanager
def _unfinished(path: Path) -> Iterator[_Unfinished]:
    """Open a file beside `path`, or beside what it is a link to; one that was not kept is removed."""
    target = Path(os.path.realpath(path))
    # Renaming over a device, as root may, would take it from the whole machine.
    if target.exists() and not target.is_file():
        raise CommandError(f"{path} cannot be written: it is no plain file; name a new one, as in my.json")
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with contextlib.closing(_opened(beside, packed=path.suffix == ".gz")) as file:
            yield _Unfinished(file, beside, target)
    except OSError as error:
        raise file_error(error)(
            f"{path} cannot be written: {error.strerror}; name a file in a folder that you may write to"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def _opened(path: Path, *, packed: bool) -> TextIO:
    return gzip.open(path, "wt", encoding="utf-8") if packed else path.open("w", encoding="utf-8")


def _upbit_row(row: StoredCandle) -> str:
    # Written by hand: json would turn the decimals into floats and lose digits.
    opened = row.timestamp.astimezone(UTC)
    last_tick = int((opened + LAST_TICK).timestamp() * 1000)
    return (
        f'{{"market":"{row.symbol}"'
        f',"candle_date_time_utc":"{opened:%Y-%m-%dT%H:%M:%S}"'
        f',"candle_date_time_kst":"{opened + KOREA:%Y-%m-%dT%H:%M:%S}"'
        f',"opening_price":{row.open:f},"high_price":{row.high:f},"low_price":{row.low:f}'
        f',"trade_price":{row.close:f},"timestamp":{last_tick}'
        f',"candle_acc_trade_price":{row.trade_value:f},"candle_acc_trade_volume":{row.volume:f}'
        f',"unit":1}}'
    )
