"""What a test puts into PostgreSQL for health to show."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import nats as nats_client

from bongsu.servers.nats.server import NatsServer
from common.events import ConfigChanged

MARKET = "KRW-BTC"
START = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Store:
    """The tables, as their owners would fill them."""

    connection: asyncpg.Connection[asyncpg.Record]

    async def candles(self, start: datetime, count: int, *, market: str = MARKET) -> None:
        """Store a candle for each minute, the close a thousand higher each time."""
        await self.connection.execute(
            "INSERT INTO market_data SELECT $1, $2::timestamptz + n * interval '1 min', 95000000 + 1000 * n,"
            " 95002000 + 1000 * n, 94999000 + 1000 * n, 95001000 + 1000 * n, 0.50, 47500000.000, 1,"
            " 'simulator', $2::timestamptz + (n + 2) * interval '1 min'"
            " FROM generate_series(0, $3::int - 1) AS n",
            market,
            start,
            count,
        )

    async def gap(self, start: datetime, minutes: int, status: str, *, market: str = MARKET) -> None:
        """Write down a gap."""
        await self.connection.execute(
            "INSERT INTO candle_gaps VALUES ($1, $2::timestamptz,"
            " $2::timestamptz + $3::int * interval '1 min', $4::text, now(),"
            " CASE WHEN $4 = 'open' THEN NULL ELSE now() END, 'page')",
            market,
            start,
            minutes,
            status,
        )

    async def signal(
        self,
        candle_timestamp: datetime,
        *,
        market: str = MARKET,
        action: str = "HOLD",
        reasoning: str = "RSI 14 is 48.2; nothing agrees.",
        created_at: datetime | None = None,
        signal_id: UUID | None = None,
    ) -> UUID:
        """Store what Gemini decided, and return its id."""
        signal_id = signal_id or uuid4()
        await self.connection.execute(
            "INSERT INTO trading_signals (id, symbol, candle_timestamp, signal_type, confidence, reasoning,"
            " source, model_requested, model_served, prompt_version, snapshot, request, response,"
            " input_tokens, output_tokens, latency_ms, cost_usd, price_at_signal, config_revision, trace_id,"
            " created_at) VALUES ($1, $2, $3, $4, 0.72, $5, 'gemini', 'gemini-3.8-flash', 'gemini-3.8-flash',"
            ' \'1\', \'{"price": 95000000, "indicators": {"rsi_14": 48.2}}\', \'{"contents": "what?"}\','
            ' \'{"action": "HOLD"}\', 363, 178, 812.5, 0.00093975, 95000000.00, 3,'
            " '0af7651916cd43dd8448eb211c80319c', coalesce($6, now()))",
            signal_id,
            market,
            candle_timestamp,
            action,
            reasoning,
            created_at,
        )
        return signal_id

    async def setting(self, key: str, value: str, *, by: str = "somebody") -> None:
        """Set a runtime setting past the cache, as SQL by hand does."""
        async with self.connection.transaction():
            await self.connection.execute("SELECT set_config('bongsu.changed_by', $1, true)", by)
            await self.connection.execute(
                "INSERT INTO system_config (key, value) VALUES ($1, $2::jsonb)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                key,
                value,
            )


@asynccontextmanager
async def store(database_url: str) -> AsyncIterator[Store]:
    """Open the tables as bongsu_admin."""
    connection = await asyncpg.connect(database_url)
    try:
        yield Store(connection)
    finally:
        await connection.close()


async def tell_changes(server: NatsServer, *keys: str) -> None:
    """Say what `bongsu config set` would have said; without it a change is found within 20 s."""
    client = await nats_client.connect(server.url("cli"))
    for key in keys:
        # Of a revision that is no next one, so that the comparison with PostgreSQL stays as it is.
        event = ConfigChanged(key=key, revision=1_000_000, changed_by="test")
        await client.publish(event.subject_name(), event.model_dump_json().encode())
    await client.close()
