"""Migration under load: tables are expanded while collector and signaler store, and no write waits long."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bongsu.provisioning import migrations
from common.database.pool import COMMAND_SECONDS
from common.streams import STORE_CANDLES
from harness.finding import Finding
from harness.records import read_streams, read_tables, until_handled
from harness.servers import Connection, postgres_connection
from harness.stack import SETTINGS, Stack, full_stack, in_background
from servers.waiting import eventually

PROMISE = "migration"
# About a thousand pages of 200 candles, at Upbit's ten requests a second.
BACKFILL = {"markets": ["KRW-BTC", "KRW-ETH", "KRW-XRP", "KRW-SOL"], "backfill_days": 35}
STORED_BEFORE = 50_000
STORED_SECONDS = 90.0
WRITE_EVERY_SECONDS = 0.01
EXPAND = """
ALTER TABLE market_data ADD COLUMN note text, ADD COLUMN weight numeric NOT NULL DEFAULT 1;
ALTER TABLE trading_signals ADD COLUMN tags jsonb NOT NULL DEFAULT '[]';
CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, symbol text NOT NULL, text text);
CREATE INDEX idx_market_data_collected ON market_data (collected_at);
CREATE INDEX idx_signal_model ON trading_signals (model_served);
"""
PROBE = """
INSERT INTO market_data (symbol, timestamp, open, high, low, close, volume, trade_value, source, collected_at)
VALUES ('KRW-PROBE', date_trunc('minute', now()), 1, 1, 1, 1, 1, 1, 'simulator', now())
ON CONFLICT (symbol, timestamp) DO UPDATE SET collected_at = excluded.collected_at
"""


async def measure() -> list[Finding]:
    """Return one row for what was lost and one for the wait; takes about a minute."""
    async with (
        full_stack({**SETTINGS, **BACKFILL}) as stack,
        postgres_connection(stack.running.postgres.url()) as admin,
    ):
        await eventually(lambda: _has_stored(admin, STORED_BEFORE), STORED_SECONDS)
        waits: list[float] = []
        async with _writing(stack, waits):
            quiet = await _longest_without_migration(waits)
            began = time.monotonic()
            applied = await _migrate(stack)
            took = time.monotonic() - began
            during = await admin.fetchval("SELECT count(*) FROM market_data")
            await eventually(lambda: _has_stored(admin, during + STORED_BEFORE // 5), STORED_SECONDS)
        blocked = max(waits)
        await until_handled(stack.running.nats.url(), STORE_CANDLES, within=STORED_SECONDS)
        streams = await read_streams(stack.running.nats.url())
        published, doubled = streams.minutes, streams.doubled_signals
        stored = (await read_tables(stack.running.postgres.url())).minutes
        errors = [line for service in (stack.collector, stack.signaler) for line in _errors(service.log)]
    lost = published - stored
    return [
        Finding(
            PROMISE,
            f"{', '.join(applied)} (three columns, a table, two indexes) while {during} candles become"
            f" {len(stored)}",
            "no published candle is lost, no signal is doubled, no service logs an error",
            f"{len(lost)} of {len(published)} lost, {len(doubled)} doubled, {len(errors)} errors",
            holds=bool(applied) and not lost and not doubled and not errors,
        ),
        Finding(
            PROMISE,
            f"longest wait of a write to market_data, one every {WRITE_EVERY_SECONDS * 1000:.0f} ms",
            f"below the {COMMAND_SECONDS:.0f} s after which a service gives a statement up",
            f"{blocked:.2f} s, {quiet:.2f} s before the migration, which took {took:.2f} s",
            holds=blocked < COMMAND_SECONDS,
        ),
    ]


async def _migrate(stack: Stack) -> list[str]:
    folder = stack.running.folder / "migrations"
    shutil.copytree(migrations.default_folder(), folder)
    (folder / "9001_expand.sql").write_text(EXPAND)
    return await migrations.apply(stack.running.postgres.url(), folder=folder)


@asynccontextmanager
async def _writing(stack: Stack, waits: list[float]) -> AsyncIterator[None]:
    """Write as a service does, one small row after another, and note how long each took."""
    async with postgres_connection(stack.running.database_url("collector")) as connection:

        async def write() -> None:
            while True:
                began = time.monotonic()
                await connection.execute(PROBE)
                waits.append(time.monotonic() - began)
                await asyncio.sleep(WRITE_EVERY_SECONDS)

        try:
            async with in_background(write()):
                yield
        finally:
            await connection.execute("DELETE FROM market_data WHERE symbol = 'KRW-PROBE'")


async def _longest_without_migration(waits: list[float]) -> float:
    await eventually(lambda: len(waits) >= 200, STORED_SECONDS)
    return max(waits)


async def _has_stored(admin: Connection, wanted: int) -> bool:
    return bool(await admin.fetchval("SELECT count(*) FROM market_data") >= wanted)


def _errors(log: Path) -> list[str]:
    return [line for line in log.read_text(encoding="utf-8").splitlines() if '"level": "error"' in line]
