"""Every statement of the API goes by an index, whatever the size of the tables."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from common.clock import MINUTE
from health.api import repository as statements
from health.api.service import FIRST, LAST, NEWEST
from integration.health.stored import MARKET, START, store

CANDLES, SIGNALS, GAPS = 40_000, 20_000, 5_000
MIDDLE = START + timedelta(days=20)
# Beyond what an answer shows, one statement may look at what it sorts for one moment, or adds up.
MOST_LOOKED_AT = 600
ASKED: dict[str, tuple[str, tuple[Any, ...]]] = {
    "candles": (statements.CANDLES, (MARKET, START, LAST, 361)),
    "all candles": (statements.CANDLES, (MARKET, FIRST, LAST, 361)),
    "gaps": (statements.GAPS, (MARKET, MIDDLE, MIDDLE + timedelta(hours=1), None, 101)),
    "all gaps": (statements.GAPS, (MARKET, FIRST, LAST, None, 101)),
    "signals": (statements.SIGNALS, (NEWEST.moment, NEWEST.id, 51)),
    "later signals": (statements.SIGNALS, (START + 9000 * MINUTE, UUID(int=0), 51)),
    "signals of a market": (statements.SIGNALS_OF_MARKET, (MARKET, LAST, None, 51)),
    "signals of an action": (statements.SIGNALS_OF_ACTION, (NEWEST.moment, NEWEST.id, 51, "BUY")),
    "signal": (statements.SIGNAL, (UUID(int=1),)),
    "markets": (statements.MARKETS, ([MARKET, "KRW-ETH"],)),
}


async def test_no_statement_reads_a_whole_table(database_url: str) -> None:
    async with store(database_url) as stored:
        connection = stored.connection
        for market in (MARKET, "KRW-ETH"):
            await stored.candles(START, CANDLES, market=market)
        await connection.execute(
            "INSERT INTO trading_signals (id, symbol, candle_timestamp, signal_type, confidence, reasoning,"
            " source, prompt_version, snapshot, price_at_signal, config_revision, trace_id, created_at)"
            " SELECT gen_random_uuid(), 'KRW-BTC', $1::timestamptz + n * interval '1 min',"
            " (ARRAY['HOLD', 'BUY', 'SELL'])[n % 3 + 1], 0.5, 'flat', 'gemini', '1', '{}', 1, 0, '',"
            " $1::timestamptz + n * interval '1 min' FROM generate_series(1, $2::int) AS n",
            START,
            SIGNALS,
        )
        await connection.execute(
            "INSERT INTO candle_gaps SELECT $1, $2::timestamptz + n * interval '10 min',"
            " $2::timestamptz + n * interval '10 min' + interval '2 min', 'repaired', now(), now(), ''"
            " FROM generate_series(1, $3::int) AS n",
            MARKET,
            START,
            GAPS,
        )
        await connection.execute("ANALYZE")
        for name, (statement, arguments) in ASKED.items():
            _check(name, await _plan(connection, statement, arguments))


async def _plan(
    connection: asyncpg.Connection[asyncpg.Record], statement: str, arguments: tuple[Any, ...]
) -> str:
    rows = await connection.fetch(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {statement}", *arguments)
    return "\n".join(row[0] for row in rows)


def _check(name: str, plan: str) -> None:
    for line in plan.splitlines():
        looked_at = line.split("rows=")[-1].split()[0].split(".")[0] if "actual rows=" in line else "0"
        removed = line.split("Removed by Filter: ")[-1] if "Removed by Filter: " in line else "0"
        if "Seq Scan" in line or max(int(looked_at), int(removed)) > MOST_LOOKED_AT:
            pytest.fail(f"{name} reads more than it shows:\n{plan}")
