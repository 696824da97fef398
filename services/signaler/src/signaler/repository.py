"""All SQL on signals, their outbox, and the candles they are made from.

Every method raises TransientError while PostgreSQL is away, PermanentError where a statement is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from opentelemetry.trace import SpanKind

from common.database.pool import Database
from common.events import Action, Candle, SignalGenerated
from common.gaps import Gap
from common.telemetry.names import Attribute, AttributeValue, SpanName
from common.telemetry.spans import span
from signaler.domain.market.look_back import StoredCandle

# The event's fields.
_SIGNAL_COLUMNS = (
    "id::text AS signal_id, symbol AS market, candle_timestamp, signal_type, confidence, reasoning, source,"
    " cause, price_at_signal, created_at"
)

_INSERT: dict[str, str] = {
    Attribute.DATABASE: AttributeValue.POSTGRESQL,
    Attribute.ROWS_OPERATION: AttributeValue.INSERT,
    Attribute.TABLE: "trading_signals",
}


@dataclass(frozen=True)
class NewSignal:
    """A row of `trading_signals` without `created_at`; a field is a column, and `market` is `symbol`."""

    id: UUID
    market: str
    candle_timestamp: datetime
    signal_type: Action
    confidence: Decimal
    reasoning: str
    source: str
    cause: str | None
    model_requested: str | None
    model_served: str | None
    prompt_version: str
    snapshot: str
    request: str | None
    response: str | None
    input_tokens: int | None
    output_tokens: int | None
    latency_ms: Decimal | None
    cost_usd: Decimal | None
    price_at_signal: Decimal
    config_revision: int
    trace_id: str


@dataclass(frozen=True)
class Newest:
    """How far a market is known.

    Attributes:
        covered_until: End of the newest minute that is a candle or proven empty.
        collected_at: Exchange time that of the newest candle's page.
    """

    covered_until: datetime
    collected_at: datetime


class SignalRepository:
    """Signals, and the candles they are made from."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def stored_candles(self, market: str, start: datetime, end: datetime) -> list[StoredCandle]:
        """Return the candles of [start, end), oldest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT timestamp, open, high, low, close, volume, trade_value, collected_at FROM market_data"
                " WHERE symbol = $1 AND timestamp >= $2 AND timestamp < $3 ORDER BY timestamp",
                market,
                start,
                end,
            )
        return [StoredCandle(Candle.model_validate(dict(row)), row["collected_at"]) for row in rows]

    async def gaps(self, market: str, start: datetime, end: datetime) -> list[Gap]:
        """Return the gaps that touch [start, end), oldest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                "SELECT from_time, to_time, status FROM candle_gaps"
                " WHERE symbol = $1 AND from_time < $3 AND to_time > $2 ORDER BY from_time",
                market,
                start,
                end,
            )
        return [Gap(row["from_time"], row["to_time"], row["status"]) for row in rows]

    async def newest(self, market: str) -> Newest | None:
        """Return how far a market is known, None for one without candles."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT greatest(timestamp + interval '1 minute', (SELECT max(to_time) FROM candle_gaps"
                " WHERE symbol = $1 AND status <> 'open')) AS covered_until, collected_at"
                " FROM market_data WHERE symbol = $1 ORDER BY timestamp DESC LIMIT 1",
                market,
            )
        return Newest(row["covered_until"], row["collected_at"]) if row else None

    async def newest_signal_at(self, market: str) -> datetime | None:
        """Return the `candle_timestamp` of a market's newest signal, None without one."""
        async with self._database.connection() as connection:
            newest: datetime | None = await connection.fetchval(
                "SELECT max(candle_timestamp) FROM trading_signals WHERE symbol = $1", market
            )
        return newest

    async def stored_signal(self, market: str, candle_timestamp: datetime) -> SignalGenerated | None:
        """Return the signal of one interval, None when it was not decided."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(
                f"SELECT {_SIGNAL_COLUMNS} FROM trading_signals"  # noqa: S608  constant column list
                " WHERE symbol = $1 AND candle_timestamp = $2",
                market,
                candle_timestamp,
            )
        return SignalGenerated.model_validate(dict(row)) if row else None

    async def count_signals(self, market: str, start: datetime, end: datetime) -> int:
        """Return how many intervals with a candle_timestamp in [start, end) have a signal."""
        async with self._database.connection() as connection:
            count: int = await connection.fetchval(
                "SELECT count(*) FROM trading_signals"
                " WHERE symbol = $1 AND candle_timestamp >= $2 AND candle_timestamp < $3",
                market,
                start,
                end,
            )
        return count

    async def insert_signal(self, new: NewSignal) -> SignalGenerated:
        """Store a signal and return it; where the interval has one already, return that one instead."""
        columns = ["symbol" if field == "market" else field for field in vars(new)]
        places = ", ".join(f"${n}::jsonb" if c == "snapshot" else f"${n}" for n, c in enumerate(columns, 1))
        # In the outbox from the moment it is stored, wherever this process dies.
        statement = (
            f"WITH stored AS (INSERT INTO trading_signals ({', '.join(columns)}) VALUES ({places})"  # noqa: S608  own field names
            f" ON CONFLICT (symbol, candle_timestamp) DO NOTHING RETURNING {_SIGNAL_COLUMNS}),"
            " outbox AS (INSERT INTO signals_to_tell SELECT signal_id::uuid FROM stored) SELECT * FROM stored"
        )
        with span(SpanName.INSERT_SIGNAL, kind=SpanKind.CLIENT, attributes=_INSERT):
            async with self._database.connection() as connection:
                row = await connection.fetchrow(statement, *map(_storable, vars(new).values()))
        if row:
            return SignalGenerated.model_validate(dict(row))
        stored = await self.stored_signal(new.market, new.candle_timestamp)
        assert stored is not None  # noqa: S101  the conflict has just shown it; signals are never deleted
        return stored

    async def mark_published(self, signal_id: str) -> None:
        """Delete a signal's entry from the outbox: the bus has it."""
        async with self._database.connection() as connection:
            await connection.execute("DELETE FROM signals_to_tell WHERE signal_id = $1", UUID(signal_id))

    async def unpublished_signals(self, age: timedelta) -> list[SignalGenerated]:
        """Return the signals older than `age` that are in the outbox, oldest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(
                f"SELECT {_SIGNAL_COLUMNS} FROM signals_to_tell JOIN trading_signals ON id = signal_id"  # noqa: S608  constant column list
                " WHERE created_at < now() - $1::interval ORDER BY created_at",
                age,
            )
        return [SignalGenerated.model_validate(dict(row)) for row in rows]


def _storable(value: object) -> object:
    # PostgreSQL's text holds no NUL; a body that has one is broken anyway, and shows where.
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value
