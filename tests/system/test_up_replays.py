"""A recording arrives row by row, with its holes, and the run says so."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg

from common.clock import MINUTE
from servers.simulators import HOURS, JANUARY, needs_recordings
from servers.waiting import HANG_SECONDS
from system.conftest import Run, Start
from upbit_simulator.recorded.recording import load_recording

Numbers = tuple[Decimal, ...]


@dataclass(frozen=True)
class Arrived:
    """What PostgreSQL holds of one market: numbers by minute, and the minutes of each kind of gap."""

    candles: dict[datetime, Numbers]
    gaps: dict[tuple[str, str], set[datetime]]


def recorded(path: Path) -> dict[str, dict[datetime, Numbers]]:
    """Return open, high, low, close, volume and value of every recorded minute, by market."""
    return {
        code: {
            datetime.fromtimestamp(candle.open_ms / 1000, UTC): (
                *(candle.opening, candle.high, candle.low, candle.closing),
                *(candle.volume, candle.value),
            )
            for candle in market.candles
        }
        for code, market in load_recording(path).by_market.items()
    }


async def arrived(run: Run) -> dict[str, Arrived]:
    """Return what is stored, by market."""
    connection = await asyncpg.connect(run.document["database_url"])
    candles = await connection.fetch("SELECT * FROM market_data")
    gaps = await connection.fetch("SELECT * FROM candle_gaps")
    await connection.close()
    found = {row["symbol"]: Arrived({}, {}) for row in candles}
    for row in candles:
        found[row["symbol"]].candles[row["timestamp"]] = tuple(
            row[name] for name in ("open", "high", "low", "close", "volume", "trade_value")
        )
    for row in gaps:
        kind = found[row["symbol"]].gaps.setdefault((row["status"], row["evidence"]), set())
        kind |= minutes_between(row["from_time"], row["to_time"])
    return found


def minutes_between(start: datetime, end: datetime) -> set[datetime]:
    return {start + place * MINUTE for place in range(int((end - start) / MINUTE))}


async def signals_by(run: Run) -> list[Any]:
    connection = await asyncpg.connect(run.document["database_url"])
    rows = await connection.fetch("SELECT DISTINCT source FROM trading_signals")
    await connection.close()
    return [row["source"] for row in rows]


def replayed(start: Start, path: Path, speed: int) -> tuple[Run, str]:
    """Replay a recording to its end; returns the run, which goes on serving, and the line that tells it."""
    run = start("--replay", str(path), "--speed", str(speed), "--ephemeral")
    return run, run.until("the recording has ended", within=4 * HANG_SECONDS)


def check_every_number(run: Run, line: str, path: Path) -> None:
    [(code, wanted)] = recorded(path).items()
    assert f"{code} {len(wanted)} of {len(wanted)} candles" in line
    found = asyncio.run(arrived(run))
    assert found.keys() == {code}
    assert found[code].candles == wanted
    assert asyncio.run(signals_by(run)) == ["gemini"]
    assert run.process.poll() is None
    assert run.stop() == 0


def test_a_recording_arrives_whole_and_its_end_is_said(start: Start, recording: Path) -> None:
    check_every_number(*replayed(start, recording, 600), recording)


@needs_recordings
def test_real_candles_arrive_number_by_number(start: Start) -> None:
    check_every_number(*replayed(start, HOURS, 1200), HOURS)


@needs_recordings
def test_real_holes_stay_holes_each_market_over_its_own_span(start: Start) -> None:
    run, line = replayed(start, JANUARY, 100_000)
    found = asyncio.run(arrived(run))
    assert found.keys() == {"KRW-BTC", "KRW-XRP", "KRW-SOL"}
    for code, wanted in recorded(JANUARY).items():
        assert f"{code} {len(wanted)} of {len(wanted)} candles" in line
        assert found[code].candles == wanted
        span = minutes_between(min(wanted), max(wanted) + MINUTE)
        assert found[code].gaps == {("confirmed_empty", "replay"): span - wanted.keys()}
    assert run.stop() == 0
