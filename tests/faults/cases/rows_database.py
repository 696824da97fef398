"""Rows of the fault matrix on a real PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from bongsu.provisioning import migrations
from bongsu.servers.postgres.server import PostgresServer
from common.database.pool import Database, Share
from common.errors import TransientError
from harness.servers import postgres_connection, scratch_folder, servers
from servers.waiting import eventually

DISK_MB = 160
GIVEN_UP_SECONDS = 7.0
BACK_SECONDS = 15.0
USAGE = "INSERT INTO gemini_usage (day, model, requests) VALUES (current_date, $1, 1)"
SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(10); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON gemini_usage FOR EACH ROW EXECUTE FUNCTION slow()
"""


@asynccontextmanager
async def signaler(server: PostgresServer) -> AsyncIterator[Database]:
    """Open a pool with the rights of the signaler."""
    pool = Database(server.url("bongsu_signaler"), service="signaler", share=Share(1, 2))
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


async def write(pool: Database, model: str) -> None:
    """Write one row."""
    async with pool.transaction() as connection:
        await connection.execute(USAGE, model)


async def slow_statement() -> str:
    """Write a row whose trigger takes longer than a statement may."""
    async with servers() as running, signaler(running.postgres) as pool:
        async with postgres_connection(running.postgres.url()) as admin:
            await admin.execute(SLOW)
            began = time.monotonic()
            with pytest.raises(TransientError) as given_up:
                await write(pool, "slow")
            took = time.monotonic() - began
            await admin.execute("DROP TRIGGER slow ON gemini_usage")
        assert took < GIVEN_UP_SECONDS, f"it took {took:.1f} s"
        await write(pool, "slow")
        return f"given up after {took:.1f} s ({given_up.value}), and done when it was fast again"


async def disk_full() -> str:
    """Fill the disk under a PostgreSQL until it cannot write, and free it again."""
    if os.geteuid() != 0:
        raise AssertionError("not measured: only root may make a small disk")
    with scratch_folder() as folder, small_disk(folder / "disk") as disk:
        server = PostgresServer(disk / "postgres", shared_buffers_mb=16)
        server.start()
        try:
            await migrations.apply(server.url())
            async with signaler(server) as pool:
                return await _fill_and_free(pool, disk)
        finally:
            server.stop()


async def _fill_and_free(pool: Database, disk: Path) -> str:
    ballast = disk / "ballast"
    subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=64k"], capture_output=True, check=False)  # noqa: ASYNC221
    written, refused = await until_refused(pool)
    ballast.unlink()
    began = time.monotonic()
    await eventually(lambda: is_written(pool), BACK_SECONDS)
    took = time.monotonic() - began
    async with pool.connection() as connection:
        rows = await connection.fetchval("SELECT count(*) FROM gemini_usage")
    assert rows == written + 1, f"{rows} rows of {written + 1} that were acknowledged"
    return f"{written} rows, then {refused}; {took:.1f} s after it was freed all goes on"


async def until_refused(pool: Database) -> tuple[int, str]:
    """Write rows until one is refused; returns how many were acknowledged, and the refusal."""
    written = 0
    try:
        while True:
            await write(pool, "x" * 7000 + str(written))
            written += 1
    except TransientError as error:
        return written, str(error)


async def is_written(pool: Database) -> bool:
    """Return whether a row can be written."""
    try:
        await write(pool, "after")
    except TransientError:
        return False
    return True


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a disk of a few megabytes, for as long as the block runs."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0711", "tmpfs", str(folder)]
    subprocess.run(mount, check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)
