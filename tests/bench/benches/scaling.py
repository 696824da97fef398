"""Cost of 1, 10 and 250 markets for the whole stack, live, minute by minute.

BONGSU_BENCH_MARKETS=1,250 BONGSU_BENCH_MINUTES=5 BONGSU_BENCH_INTERVAL=60 measure something else.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from datetime import datetime

from bench.comparison import Comparison
from bench.consumption import Reading, read
from bench.stacks import ManyMarkets, many_markets
from common.clock import CLOSED_AFTER, MINUTE
from common.tasks import cancel_tasks
from faults.inputs.recording import FIRST
from harness.servers import Connection, postgres_connection

COUNTS = tuple(map(int, os.environ.get("BONGSU_BENCH_MARKETS", "1,10,250").split(",")))
MINUTES = int(os.environ.get("BONGSU_BENCH_MINUTES", "2"))
INTERVAL_MINUTES = int(os.environ.get("BONGSU_BENCH_INTERVAL", "1"))
# In the first one the services import and connect.
WARM_MINUTES = 1
POLL_SECONDS = 0.5
# Collecting a minute must be over before the next one is closed.
MOST_SECONDS = 60.0
PROCESSES = ("collector", "signaler", "health", "nats", "postgres")

_COVERED = """
SELECT min(greatest(
    (SELECT max(timestamp) + interval '1 minute' FROM market_data WHERE symbol = market),
    (SELECT max(to_time) FROM candle_gaps WHERE symbol = market AND status <> 'open')))
FROM unnest($1::text[]) AS market
"""


async def measure() -> list[Comparison]:
    """Return a row for each number of markets; what it is made of is printed."""
    return [await _measure(count) for count in COUNTS]


async def _measure(count: int) -> Comparison:
    recorded = WARM_MINUTES + MINUTES + 2
    async with (
        many_markets(count, minutes=recorded, interval_minutes=INTERVAL_MINUTES) as stack,
        postgres_connection(stack.running.postgres.url()) as connection,
    ):
        stored: dict[datetime, float] = {}
        watching = asyncio.create_task(_watch(stack, stored))
        try:
            await _until(stack, FIRST + WARM_MINUTES * MINUTE)
            before = await read(stack, connection)
            await _until(stack, FIRST + (WARM_MINUTES + MINUTES) * MINUTE)
            after = await read(stack, connection)
            # So that the last closed minute has its chance to arrive.
            await _until(stack, FIRST + (WARM_MINUTES + MINUTES + 1) * MINUTE)
            sizes = await _sizes(connection)
        finally:
            await cancel_tasks([watching])
        figures = _figures(before, after) | sizes | _outcomes(stack)
    delays = [
        stored[FIRST + number * MINUTE]
        for number in range(WARM_MINUTES, WARM_MINUTES + MINUTES)
        if FIRST + number * MINUTE in stored
    ]
    figures["last_stored_after_seconds"] = [round(delay, 1) for delay in delays]
    print(json.dumps({"markets": count} | figures), flush=True)
    return _row(count, figures, delays)


async def _watch(stack: ManyMarkets, stored: dict[datetime, float]) -> None:
    """Note how long after it was closed each minute is stored for every market, by the minute's end."""
    async with postgres_connection(stack.running.postgres.url()) as connection:
        while True:
            covered = await connection.fetchval(_COVERED, stack.markets)
            while covered > FIRST and covered not in stored:
                closed = covered - MINUTE + CLOSED_AFTER
                stored[covered] = (stack.exchange_time() - closed).total_seconds()
                covered -= MINUTE
            await asyncio.sleep(POLL_SECONDS)


async def _until(stack: ManyMarkets, moment: datetime) -> None:
    await asyncio.sleep((moment - stack.exchange_time()).total_seconds())


def _figures(before: Reading, after: Reading) -> dict[str, object]:
    """Return what a minute took: CPU seconds, requests, messages; and the bytes of a message."""
    minutes = (after.moment - before.moment) / 60
    cpu = {name: after.cpu_seconds[name] - before.cpu_seconds[name] for name in after.cpu_seconds}
    streams = {}
    for name, (last, size) in after.streams.items():
        known_last, known_size = before.streams[name]
        if fresh := last - known_last:
            streams[name] = {
                "a_minute": round(fresh / minutes, 1),
                "bytes_each": round((size - known_size) / fresh),
            }
    answers = after.answers - before.answers
    return {
        "cpu_seconds_a_minute": {name: round(seconds / minutes, 2) for name, seconds in cpu.items()},
        "streams": streams,
        "requests_a_minute": {name: round(number / minutes, 1) for name, number in answers.items()},
    }


async def _sizes(connection: Connection) -> dict[str, object]:
    candles = await connection.fetchval("SELECT count(*) FROM market_data")
    size = await connection.fetchval("SELECT pg_total_relation_size('market_data')")
    signals = await connection.fetchval("SELECT count(*) FROM trading_signals")
    signals_size = await connection.fetchval("SELECT pg_total_relation_size('trading_signals')")
    used = await connection.fetchval("SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'bongsu_%'")
    return {
        "candles": candles,
        "bytes_a_candle": round(size / candles),
        "signals": signals,
        "bytes_a_signal": round(signals_size / max(signals, 1)),
        "connections": used,
    }


def _outcomes(stack: ManyMarkets) -> dict[str, object]:
    """Return how every job ended so far, and how long the longest run of each took."""
    ends: Counter[str] = Counter()
    longest: dict[str, float] = {}
    events: Counter[str] = Counter()
    for name, process in stack.services.items():
        for line in process.log.read_text(encoding="utf-8").splitlines():
            found = json.loads(line) if line.startswith("{") else {}
            if found.get("event") == "job.finished":
                job = found["job_name"]
                ends[f"{job} {found['outcome']}{' ' + found['reason'] if found.get('reason') else ''}"] += 1
                longest[job] = max(longest.get(job, 0.0), round(found["duration_ms"] / 1000, 1))
            elif found.get("level") in ("warning", "error"):
                events[f"{name} {found['event'][:64]}"] += 1
    return {"jobs": dict(ends), "longest_run_seconds": longest, "warnings": dict(events)}


def _row(count: int, figures: dict[str, object], delays: list[float]) -> Comparison:
    cpu: dict[str, float] = figures["cpu_seconds_a_minute"]  # type: ignore[assignment]
    requests: dict[str, float] = figures["requests_a_minute"]  # type: ignore[assignment]
    refused = sum(number for route, number in requests.items() if not route.endswith(("200", "101")))
    slowest = max(delays, default=float("inf"))
    return Comparison.alone(
        f"{count} live markets, a signal each every {INTERVAL_MINUTES} min",
        f"{slowest:.1f} s until the last market's minute is stored",
        f"each minute within {MOST_SECONDS:.0f} s, none refused",
        reached=len(delays) == MINUTES and slowest <= MOST_SECONDS and not refused,
        measured=", ".join(f"{name} {cpu[name]:.1f}" for name in PROCESSES) + " CPU s a minute;"
        f" {sum(requests.values()):.0f} requests a minute, {refused:.0f} of them refused",
    )
