"""SQL on the one row of `upbit_block`: until when the address is blocked, by PostgreSQL's own clock."""

from __future__ import annotations

from collector.upbit.rate_limiter import Block
from common.database.pool import Database

_RECORD = """
INSERT INTO upbit_block AS known (blocked_until, length_seconds)
VALUES (now() + $1 * interval '1 second', $2)
ON CONFLICT (is_only) DO UPDATE
SET blocked_until = excluded.blocked_until, length_seconds = excluded.length_seconds
WHERE known.blocked_until < excluded.blocked_until
"""
_READ = """
SELECT extract(epoch FROM blocked_until - now())::float8 AS seconds_left, length_seconds
FROM upbit_block WHERE blocked_until > now()
"""


class BlockRepository:
    """`upbit_block`, which every collector reads and writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, block: Block) -> None:
        """Store a block; one that ends later stays."""
        async with self._database.connection() as connection:
            await connection.execute(_RECORD, block.seconds_left, block.length_seconds)

    async def read(self) -> Block | None:
        """Return the block that holds now, None without one."""
        async with self._database.connection() as connection:
            row = await connection.fetchrow(_READ)
        return Block(row["seconds_left"], row["length_seconds"]) if row else None
