"""Schema check: every table and column that this build uses, and the migration that makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.errors import PermanentError

if TYPE_CHECKING:
    from common.database.pool import Connection

# Table -> the migration that makes it, and its columns.
TABLES: dict[str, tuple[str, str]] = {
    "market_data": (
        "0001_tables.sql",
        "symbol timestamp open high low close volume trade_value revision source collected_at",
    ),
    "candle_gaps": ("0001_tables.sql", "symbol from_time to_time status detected_at resolved_at evidence"),
    "trading_signals": (
        "0001_tables.sql",
        "id symbol candle_timestamp signal_type confidence reasoning source cause model_requested"
        " model_served prompt_version snapshot request response input_tokens output_tokens latency_ms"
        " cost_usd price_at_signal config_revision trace_id created_at",
    ),
    "gemini_usage": ("0001_tables.sql", "day model requests cost_usd blocked_until"),
    "orders": (
        "0001_tables.sql",
        "id signal_id symbol side order_type status requested_amount requested_price executed_price"
        " executed_amount fee exchange_uuid identifier error_message created_at updated_at executed_at",
    ),
    "system_config": ("0001_tables.sql", "key value revision updated_at updated_by"),
    "system_config_history": ("0001_tables.sql", "revision key value updated_at updated_by"),
    "repair_progress": ("0003_repair_progress.sql", "symbol looked_until"),
    "signals_to_tell": ("0004_signals_to_tell.sql", "signal_id"),
    "upbit_block": ("0005_upbit_block.sql", "is_only blocked_until length_seconds"),
}

# The catalogue is open to every role, whatever its rights on the table itself are.
_MISSING = """
SELECT needed.relation, needed.field, to_regclass(needed.relation) IS NOT NULL AS has_table
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS needed (relation, field, place)
WHERE NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = to_regclass(needed.relation) AND attname = needed.field AND NOT attisdropped
)
ORDER BY needed.place LIMIT 1
"""
_NEEDED = [(table, column) for table, (_, columns) in TABLES.items() for column in columns.split()]


async def require_schema(connection: Connection) -> None:
    """Return if nothing is missing; one question of the catalogue.

    Raises:
        PermanentError: A table or a column is missing; it names the first and the migration that makes it.
    """
    row = await connection.fetchrow(_MISSING, [table for table, _ in _NEEDED], [name for _, name in _NEEDED])
    if row is None:
        return
    table, column = row["relation"], row["field"]
    missing = f"table {table} has no column {column}" if row["has_table"] else f"there is no table {table}"
    raise PermanentError(
        f"PostgreSQL is not as this build needs it: {missing}, which migrations/{TABLES[table][0]} makes;"
        " apply the migrations, then start the services"
    )
