"""SC-003: each of the five indexes is used by the query it was made for, which is faster with it."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from typing import Any

from harness.finding import Finding
from harness.servers import Connection, postgres_connection, servers

ROUNDS = 7
FASTER = 0.2
CANDLES, SIGNALS, ORDERS = 1_000_000, 200_000, 200_000

# Four markets, minute by minute up to now.
FILL_CANDLES = """
INSERT INTO market_data (symbol, timestamp, open, high, low, close, volume, trade_value, source, collected_at)
SELECT market, date_trunc('minute', now(), 'UTC') - minute * interval '1 minute',
       100 + minute % 50, 160, 90, 100 + (minute + 7) % 50, 1.5, 150, 'simulated', now()
FROM unnest(ARRAY['KRW-BTC', 'KRW-ETH', 'KRW-XRP', 'KRW-SOL']) AS market, generate_series(1, $1) AS minute
"""
# One in twenty is a BUY, one in twenty a SELL.
FILL_SIGNALS = """
INSERT INTO trading_signals (id, symbol, candle_timestamp, signal_type, confidence, reasoning, source,
                             prompt_version, snapshot, price_at_signal, config_revision, trace_id, created_at)
SELECT gen_random_uuid(), 'KRW-BTC', date_trunc('minute', now(), 'UTC') - number * interval '1 minute',
       CASE number % 20 WHEN 0 THEN 'BUY' WHEN 1 THEN 'SELL' ELSE 'HOLD' END, 0.7, repeat('because ', 20),
       'gemini', 'v1', '{"rsi_14": 55.1}', 100, 1, md5(number::text), now() - number * interval '1 minute'
FROM generate_series(1, $1) AS number
"""
# All but the ten newest are over, as on any day of trading.
FILL_ORDERS = """
INSERT INTO orders (id, symbol, side, order_type, status, identifier, created_at)
SELECT gen_random_uuid(), 'KRW-BTC', 'bid', 'limit',
       CASE WHEN number <= 10 THEN 'wait' WHEN number % 10 = 0 THEN 'cancel' ELSE 'done' END,
       'order-' || number, now() - number * interval '1 minute'
FROM generate_series(1, $1) AS number
"""


@dataclass(frozen=True)
class Made:
    """An index and the query it was made for."""

    index: str
    asked_by: str
    query: str


QUERIES = (
    Made(
        "idx_market_data_symbol_timestamp",
        "the signaler's look-back",
        "SELECT timestamp, open, high, low, close, volume, trade_value, collected_at FROM market_data"
        " WHERE symbol = 'KRW-BTC' AND timestamp >= now() - interval '1500 minutes' AND timestamp < now()"
        " ORDER BY timestamp",
    ),
    Made(
        "idx_signal_created_desc",
        "health's newest signal",
        "SELECT created_at FROM trading_signals ORDER BY created_at DESC LIMIT 1",
    ),
    Made(
        "idx_signal_type_created",
        "a month's BUYs",
        "SELECT created_at FROM trading_signals WHERE signal_type = 'BUY'"
        " AND created_at >= now() - interval '30 days' ORDER BY created_at DESC",
    ),
    Made(
        "idx_order_status",
        "health's oldest active order",
        "SELECT min(created_at) FROM orders WHERE status = ANY("
        "ARRAY['pending', 'submitted', 'wait', 'watch', 'open', 'partially_filled'])",
    ),
    Made(
        "idx_order_created_desc",
        "the newest orders",
        "SELECT id, status, created_at FROM orders ORDER BY created_at DESC LIMIT 100",
    ),
)


async def measure() -> list[Finding]:
    """Return a row per index: EXPLAIN (ANALYZE) with it and without it, alternating."""
    async with (
        servers() as running,
        postgres_connection(running.postgres.url(), command_timeout=300) as connection,
    ):
        await _fill(connection)
        return [await _compare(connection, made) for made in QUERIES]


async def _fill(connection: Connection) -> None:
    # The administrator's sessions have a limit for statements too.
    await connection.execute("SET statement_timeout = 0")
    await connection.execute(FILL_CANDLES, CANDLES // 4)
    await connection.execute(FILL_SIGNALS, SIGNALS)
    await connection.execute(FILL_ORDERS, ORDERS)
    await connection.execute("VACUUM ANALYZE market_data, trading_signals, orders")


async def _compare(connection: Connection, made: Made) -> Finding:
    with_it, without = [], []
    used = True
    for _ in range(ROUNDS):
        plan = await _explained(connection, made.query)
        used = used and made.index in json.dumps(plan)
        with_it.append(plan["Execution Time"])
        without.append((await _without(connection, made))["Execution Time"])
    fast, slow = statistics.median(with_it), statistics.median(without)
    return Finding(
        "SC-003",
        f"`{made.index}`, {made.asked_by}, on {CANDLES:,} candles, {SIGNALS:,} signals, {ORDERS:,} orders",
        f"used, at least {FASTER:.0%} faster",
        f"{'used' if used else 'NOT used'}, {fast:.2f} ms with it, {slow:.1f} ms without"
        f" ({1 - fast / slow:.1%} faster)",
        holds=used and fast <= (1 - FASTER) * slow,
    )


async def _without(connection: Connection, made: Made) -> dict[str, Any]:
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(f"DROP INDEX {made.index}")
        return await _explained(connection, made.query)
    finally:
        await transaction.rollback()


async def _explained(connection: Connection, query: str) -> dict[str, Any]:
    document = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}"))
    return dict(document[0])
