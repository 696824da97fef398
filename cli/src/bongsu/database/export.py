"""Export of candles to a recording in Upbit's 1-minute candle JSON, which `bongsu up --replay` reads."""

from __future__ import annotations

import contextlib
import gzip
import os
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, timedelta
from pathlib import Path
from typing import TextIO, cast

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
    target = _target(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    open_text = gzip.open if path.suffix == ".gz" else open
    written: Counter[str] = Counter()
    try:
        with cast("TextIO", open_text(draft, "wt", encoding="utf-8")) as file:
            async for candle in candles:
                file.write((",\n" if written else "[\n") + _upbit_row(candle))
                written[candle.symbol] += 1
            file.write("\n]\n")
        if written:
            draft.replace(target)
    except OSError as error:
        raise file_error(error)(
            f"{path} cannot be written: {error.strerror}; name a file in a folder that you may write to"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
    return written


def _target(path: Path) -> Path:
    """Return the file that is meant, where `path` is a link to it too."""
    target = Path(os.path.realpath(path))
    # Renaming over a device, as root may, would take it from the whole machine.
    if target.exists() and not target.is_file():
        raise CommandError(f"{path} cannot be written: it is no plain file; name a new one, as in my.json")
    return target


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
