"""Rolling restart: a new collector and signaler take over from the old ones without an outage."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import ExitStack
from datetime import datetime, timedelta

from common.clock import MINUTE, utc_now
from common.streams import STORE_CANDLES
from harness.finding import Finding
from harness.records import missed_at_exchange, read_streams, read_tables, until_handled
from harness.servers import Connection, postgres_connection
from harness.stack import Stack, full_stack, in_background
from servers.services import ServiceProcess, until_ready
from servers.waiting import eventually

PROMISE = "restart"
MARKET = "KRW-BTC"
POLL_SECONDS = 0.2
STOP_SECONDS = 5.0
# Once while a minute is being collected and decided on, which is 62 s after its beginning, and once between.
SECONDS_OF_MINUTE = (2, 30)
NEXT_SIGNAL_SECONDS = 90.0
# A minute counts as closed 2 s after its end. Without a trade then, no tick brings the time, and the
# scheduled job collects it, every 10 s: with nothing restarted, up to 10 s were seen.
LATE_SECONDS = 15.0


async def measure() -> list[Finding]:
    """Return a row for the candles, the signals, and health; takes about four minutes."""
    async with full_stack() as stack, postgres_connection(stack.running.postgres.url()) as admin:
        began = utc_now()
        statuses: Counter[str] = Counter()
        with ExitStack() as newer:
            async with in_background(_poll(stack, statuses)):
                old = [stack.collector, stack.signaler]
                stops = []
                for second in SECONDS_OF_MINUTE:
                    new = await _started(stack, newer, f"at-{second}")
                    await _until_second(second)
                    stops += await asyncio.gather(*map(_stopped, old))
                    await _next_signal(admin)
                    old = new
            await until_handled(stack.running.nats.url(), STORE_CANDLES, within=30)
            tables = await read_tables(stack.running.postgres.url())
            missed = await missed_at_exchange(stack.upbit, tables, MARKET)
            doubled = (await read_streams(stack.running.nats.url())).doubled_signals
            latest_seconds = await _latest_candle(admin, began)
            signals, undecided = await _undecided(admin)
    longest = max(seconds for _, seconds in stops)
    return [
        Finding(
            PROMISE,
            f"the newest 200 minutes of {MARKET} after {len(SECONDS_OF_MINUTE)} take-overs",
            f"none is missing, none came later than {LATE_SECONDS:.0f} s after its minute's end",
            f"{len(missed)} missing, the latest came {latest_seconds:.1f} s after its end",
            holds=not missed and latest_seconds <= LATE_SECONDS,
        ),
        Finding(
            PROMISE,
            "signals of every minute since the start",
            "none is doubled, none is missing",
            f"{signals} signals, {len(doubled)} doubled, {len(undecided)} missing",
            holds=signals > 2 * len(SECONDS_OF_MINUTE) and not doubled and not undecided,
        ),
        Finding(
            PROMISE,
            f"/health every {POLL_SECONDS} s from before the first take-over until after the last",
            "never unhealthy",
            ", ".join(f"{count} {status}" for status, count in statuses.most_common()),
            holds=statuses["healthy"] > 0 and not set(statuses) - {"healthy", "degraded"},
        ),
        Finding(
            PROMISE,
            "the old ones after SIGTERM",
            f"exit code 0 within {STOP_SECONDS:.0f} s",
            f"codes {sorted({code for code, _ in stops})}, longest {longest:.2f} s",
            holds=longest < STOP_SECONDS and {code for code, _ in stops} == {0},
        ),
    ]


async def _poll(stack: Stack, statuses: Counter[str]) -> None:
    while True:
        try:
            statuses[(await stack.health.http.get("/health")).json()["status"]] += 1
        except Exception as error:  # noqa: BLE001  no answer is an outage too
            statuses[type(error).__name__] += 1
        await asyncio.sleep(POLL_SECONDS)


async def _started(stack: Stack, newer: ExitStack, instance: str) -> list[ServiceProcess]:
    """Start one more of each service and return when they are ready."""
    new = [newer.enter_context(stack.start(name, instance)) for name in ("collector", "signaler")]
    await until_ready(*new)
    return new


async def _until_second(second: int) -> None:
    await asyncio.sleep((second - utc_now().timestamp()) % 60)


async def _stopped(running: ServiceProcess) -> tuple[int, float]:
    began = time.monotonic()
    code = await asyncio.to_thread(running.stop)
    return code, time.monotonic() - began


async def _next_signal(admin: Connection) -> None:
    known = await admin.fetchval("SELECT max(candle_timestamp) FROM trading_signals")
    newer = "SELECT count(*) FROM trading_signals WHERE candle_timestamp > $1"
    # Two: the first may still be the work of the old one.
    await eventually(lambda: _at_least(admin, newer, known, 2), 2 * NEXT_SIGNAL_SECONDS)


async def _at_least(admin: Connection, query: str, argument: object, wanted: int) -> bool:
    return bool(await admin.fetchval(query, argument) >= wanted)


async def _latest_candle(admin: Connection, since: datetime) -> float:
    """Return how long after its minute's end the latest of the minutes since then was collected."""
    query = "SELECT max(collected_at - timestamp) FROM market_data WHERE symbol = $1 AND timestamp >= $2"
    latest: timedelta = await admin.fetchval(query, MARKET, since)
    return (latest - MINUTE).total_seconds()


async def _undecided(admin: Connection) -> tuple[int, list[datetime]]:
    """Return how many signals there are, and the minutes between the first and the last without one."""
    rows = await admin.fetch("SELECT candle_timestamp FROM trading_signals ORDER BY candle_timestamp")
    decided = [row["candle_timestamp"] for row in rows]
    every = [decided[0] + number * MINUTE for number in range(int((decided[-1] - decided[0]) / MINUTE))]
    return len(decided), sorted(set(every) - set(decided))
