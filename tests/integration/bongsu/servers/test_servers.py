"""Embedded servers: start, stop, recovery, and access."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

import asyncpg
import nats as nats_client
import pytest

from bongsu.servers import ports
from bongsu.servers.nats.server import NatsServer
from bongsu.servers.pids import process_start_time
from bongsu.servers.postgres.server import PostgresServer
from servers.waiting import eventually


async def _value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


@pytest.fixture
def own_postgres(servers_folder: Path, tmp_path: Path) -> PostgresServer:
    return PostgresServer(servers_folder / tmp_path.name / "postgres", shared_buffers_mb=16)


async def test_every_role_reads_committed_rows_and_a_service_gives_up_on_locks_and_slow_statements(
    postgres: PostgresServer, database: str
) -> None:
    for role in ("bongsu_admin", "bongsu_collector", "bongsu_signaler", "bongsu_health"):
        assert await _value(postgres.url(role, database), "SHOW transaction_isolation") == "read committed"
    url = postgres.url("bongsu_collector", database)
    assert await _value(url, "SHOW lock_timeout") == "2s"
    assert await _value(url, "SHOW statement_timeout") == "5s"
    assert await _value(url, "SHOW idle_in_transaction_session_timeout") == "10s"


async def test_a_role_gets_no_more_connections_than_its_limit(
    postgres: PostgresServer, database: str
) -> None:
    url = postgres.url("bongsu_signaler", database)
    connections = [await asyncpg.connect(url) for _ in range(6)]
    with pytest.raises(asyncpg.TooManyConnectionsError):
        await asyncpg.connect(url)
    for connection in connections:
        await connection.close()


async def test_no_one_logs_in_as_superuser_or_with_a_wrong_password(postgres: PostgresServer) -> None:
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(f"postgresql://postgres@127.0.0.1:{postgres.port}/postgres")
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"postgresql://bongsu_admin:wrong@127.0.0.1:{postgres.port}/bongsu")


async def test_a_commit_is_on_the_disk_and_there_after_a_kill_and_a_stop_leaves_no_process(
    own_postgres: PostgresServer,
) -> None:
    own_postgres.start()
    port = own_postgres.port
    try:
        for setting in ("fsync", "synchronous_commit", "data_checksums"):
            assert await _value(own_postgres.url(), f"SHOW {setting}") == "on"
        await _value(own_postgres.url(), "CREATE TABLE kept AS SELECT 7 AS number")
        own_postgres.kill()
        own_postgres.start()
        assert own_postgres.port == port
        assert await _value(own_postgres.url(), "SELECT number FROM kept") == 7
        pid = own_postgres.pid
    finally:
        own_postgres.stop()
    assert pid is not None
    assert process_start_time(pid) == ""
    assert ports.is_free(port)


async def test_a_postmaster_left_by_a_killed_run_is_ended_first(own_postgres: PostgresServer) -> None:
    own_postgres.start()
    left_behind = own_postgres.pid
    successor = PostgresServer(own_postgres.directory, shared_buffers_mb=16)
    successor.start()
    try:
        assert left_behind is not None
        await eventually(lambda: not own_postgres.running)
        assert await _value(successor.url(), "SELECT 1") == 1
    finally:
        successor.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another place for the cluster")
async def test_below_a_closed_folder_roots_cluster_lives_elsewhere(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = PostgresServer(closed / "postgres", shared_buffers_mb=16)
    server.start()
    try:
        cluster = Path((closed / "postgres" / "postgres.path").read_text().strip())
        assert await _value(server.url(), "SELECT 1") == 1
        assert cluster.is_absolute()
        assert closed.stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()
        shutil.rmtree(cluster.parent)


async def test_a_killed_nats_keeps_what_it_acknowledged(fresh_nats: NatsServer) -> None:
    port = fresh_nats.port
    client = await nats_client.connect(fresh_nats.url())
    await client.jetstream().publish("market.candle.closed.KRW-BTC", b"{}")
    await client.close()
    fresh_nats.kill()
    fresh_nats.start()
    client = await nats_client.connect(fresh_nats.url())
    info = await client.jetstream().stream_info("MARKET")
    await client.close()
    assert (info.state.messages, fresh_nats.port) == (1, port)


@pytest.mark.parametrize("frozen", [False, True])
def test_a_stopped_nats_leaves_no_process_and_a_frozen_one_is_killed_in_the_end(
    servers_folder: Path, tmp_path: Path, frozen: bool
) -> None:
    server = NatsServer(servers_folder / tmp_path.name / "nats").start()
    pid = server.pid
    assert pid is not None
    if frozen:
        os.kill(pid, signal.SIGSTOP)
    server.stop()
    assert process_start_time(pid) == ""
    assert ports.is_free(server.port)
