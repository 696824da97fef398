"""Pool of PostgreSQL connections, one per process, within the share that its service has.

Every wait has a limit, a connection is checked before use, and every error comes out
as a TransientError or a PermanentError.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
import structlog

from common.database.errors import CONNECTION_ERRORS, classify, classify_refusal, is_out_of_connections
from common.errors import PoolExhaustedError, TransientError
from common.events import PoolUsage
from common.telemetry.names import LogEvent

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record]
else:
    Connection = Any

# Of all services together: open at least, and how many more at most.
DB_POOL_SIZE = 10
DB_POOL_MAX_OVERFLOW = 10

CONNECT_SECONDS = 3.0
COMMAND_SECONDS = 5.0
ACQUIRE_SECONDS = 2.0
# A check is one round trip, which takes half a second or more on a bad line.
PING_SECONDS = 1.0
CLOSE_SECONDS = 1.0
# Longer than a check or a new connection takes: from then on a caller waits for another one's.
WAITING_SECONDS = 0.25
OPEN_AGAIN_SECONDS = 0.2
# A full role is asked for one more connection once a second; one that this pool gets back is lent at once.
REFUSED_SECONDS = 1.0
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Share:
    """How many connections one service holds at least and at most, over all its replicas."""

    min: int
    max: int

    def divided_by(self, replicas: int) -> Share:
        """Return one replica's part, at least one connection."""
        return Share(max(1, self.min // replicas), max(1, self.max // replicas))


def checked_shares(shares: dict[str, Share]) -> dict[str, Share]:
    """Return `shares`; ValueError where they do not add up to what the pool's two constants allow."""
    least = sum(share.min for share in shares.values())
    most = sum(share.max for share in shares.values())
    if (least, most) != (DB_POOL_SIZE, DB_POOL_SIZE + DB_POOL_MAX_OVERFLOW):
        raise ValueError(
            f"the shares of {', '.join(shares)} add up to {least} connections at least and {most} at most;"
            f" DB_POOL_SIZE and DB_POOL_MAX_OVERFLOW make {DB_POOL_SIZE} and"
            f" {DB_POOL_SIZE + DB_POOL_MAX_OVERFLOW}"
        )
    return shares


SHARES = checked_shares({"collector": Share(4, 8), "signaler": Share(3, 6), "health": Share(3, 6)})


class Database:
    """The pool of one process. `open` before use, `close` ends within about a second."""

    def __init__(self, dsn: str, *, service: str, share: Share) -> None:
        self._dsn = dsn
        self._service = service
        self._share = share
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._waiting_since: set[float] = set()
        self._refused_until = 0.0

    async def open(self) -> None:
        """Connect; TransientError while the server can't be reached, PermanentError when it refuses."""
        try:
            self._pool = await asyncpg.create_pool(
                self._dsn,
                min_size=self._share.min,
                max_size=self._share.max,
                timeout=CONNECT_SECONDS,
                command_timeout=COMMAND_SECONDS,
                max_inactive_connection_lifetime=60,
                connect=self._connect,
                reset=_keep_session,
                server_settings={
                    "application_name": f"bongsu.{self._service}",
                    "default_transaction_isolation": "read committed",
                    "TimeZone": "UTC",
                },
            )
        except (asyncpg.PostgresError, *CONNECTION_ERRORS) as error:
            raise classify_refusal(error) from error

    async def close(self) -> None:
        """Give every connection back; one that is still in use after a second is cut."""
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        try:
            await asyncio.wait_for(pool.close(), CLOSE_SECONDS)
        except (TimeoutError, *CONNECTION_ERRORS):
            pool.terminate()

    def usage(self) -> PoolUsage:
        """Return how many connections are open, in use and waited for."""
        now = time.monotonic()
        size = self._pool.get_size() if self._pool else 0
        idle = self._pool.get_idle_size() if self._pool else 0
        return PoolUsage(
            min=self._share.min,
            max=self._share.max,
            size=size,
            in_use=size - idle,
            waiting=sum(now - since > WAITING_SECONDS for since in self._waiting_since),
        )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a checked connection.

        Raises:
            PoolExhaustedError: None became free within 2 s.
            TransientError: The server is away, slow, or out of something; also from inside the block.
            PermanentError: The statement itself is wrong or not allowed.
        """
        async with self._lend("SELECT 1") as connection:
            yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside one READ COMMITTED transaction; same errors as `connection`."""
        # The check begins the transaction: the same round trip as a ping.
        async with self._lend("BEGIN ISOLATION LEVEL READ COMMITTED") as connection:
            try:
                yield connection
            except BaseException:
                with contextlib.suppress(asyncpg.PostgresError, *CONNECTION_ERRORS):
                    await connection.execute("ROLLBACK")
                raise
            await connection.execute("COMMIT")

    async def _connect(self, *args: Any, **options: Any) -> asyncpg.Connection[asyncpg.Record]:
        """Make one more connection, unless the role was full less than a second ago."""
        if time.monotonic() < self._refused_until:
            raise asyncpg.TooManyConnectionsError("the role was full a moment ago")
        try:
            return await asyncpg.connect(*args, **options)
        except asyncpg.TooManyConnectionsError:
            self._refused_until = time.monotonic() + REFUSED_SECONDS
            raise

    @asynccontextmanager
    async def _lend(self, check: str) -> AsyncIterator[Connection]:
        try:
            connection = await self._acquire(check)
            try:
                yield connection
            finally:
                await self._release(connection)
        except (asyncpg.PostgresError, *CONNECTION_ERRORS) as error:
            raise classify(error) from error

    async def _acquire(self, check: str) -> Connection:
        pool = self._pool
        if pool is None:
            raise TransientError("the database pool is not open")
        started = time.monotonic()
        dead = 0
        role_is_full = False
        self._waiting_since.add(started)
        try:
            while True:
                left = ACQUIRE_SECONDS - (time.monotonic() - started)
                if left <= 0:
                    raise self._exhausted(started)
                try:
                    connection = await pool.acquire(timeout=left)
                    await _check(connection, check)
                    return connection
                except asyncpg.TooManyConnectionsError:
                    # The role's limit, reached by other replicas: wait as at a full pool.
                    role_is_full = True
                    await asyncio.sleep(LOOK_SECONDS)
                except TimeoutError as error:
                    if role_is_full or self.usage().in_use >= self._share.max:
                        raise self._exhausted(started) from error
                    raise
                except OSError:  # a new connection was refused: the server is away
                    raise
                except CONNECTION_ERRORS:
                    # The check found a dead connection and the pool has dropped it; each one may be dead.
                    dead += 1
                    if dead > self._share.max or time.monotonic() - started > PING_SECONDS:
                        raise
        finally:
            self._waiting_since.discard(started)

    def _exhausted(self, started: float) -> PoolExhaustedError:
        return PoolExhaustedError(
            waited_seconds=time.monotonic() - started, in_use=self.usage().in_use, maximum=self._share.max
        )

    async def _release(self, connection: Connection) -> None:
        # An error on the way back must not hide the one that the statement raised.
        if self._pool is None:
            return
        with contextlib.suppress(asyncpg.PostgresError, *CONNECTION_ERRORS):
            await self._pool.release(connection, timeout=COMMAND_SECONDS)


async def _check(connection: Connection, statement: str) -> None:
    """Run a statement that takes no time; a broken connection is cut at once, its close could hang."""
    try:
        await connection.execute(statement, timeout=PING_SECONDS)
    except BaseException:
        connection.terminate()
        raise


async def _keep_session(_: object) -> None:
    """Give a connection back as it is: nothing here changes its session, and a reset is a round trip."""


async def open_when_ready(database: Database, *, within_seconds: float) -> None:
    """Open the pool, waiting for a server that starts later or a full role; one log line every 5 s.

    Raises:
        PermanentError: The server refuses (wrong password, missing database).
        TransientError: It did not come up in time.
    """
    log = structlog.get_logger("common.database")
    deadline = time.monotonic() + within_seconds
    next_line = time.monotonic()
    while True:
        try:
            await database.open()
        except TransientError as error:
            if time.monotonic() > deadline:
                raise
            if time.monotonic() >= next_line:
                log.warning(LogEvent.DEPENDENCY_WAITING, dependency="database", error=str(error))
                next_line = time.monotonic() + 5
            await asyncio.sleep(REFUSED_SECONDS if is_out_of_connections(error) else OPEN_AGAIN_SECONDS)
        else:
            log.info(LogEvent.DATABASE_CONNECTED, **database.usage().model_dump())
            return
