"""End of a command: the right exit code and at most one line, however it ends."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from bongsu.servers.postgres.server import PostgresServer
from integration.bongsu.rows import store_candles
from servers.commands import COMMAND, bongsu, started
from servers.surroundings import surroundings
from servers.waiting import HANG_SECONDS, eventually_sync

if TYPE_CHECKING:
    from integration.bongsu.conftest import Admin, Command

Stack = dict[str, str]
# More than a pipe holds.
MANY = 2000


@pytest.fixture
def mute() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(HANG_SECONDS)
        yield server


@pytest.mark.parametrize("form", [[], ["--json"]])
async def test_a_reader_that_leaves_is_no_failure(stack: Stack, admin: Admin, form: list[str]) -> None:
    await store_candles(admin, "KRW-BTC", list(range(MANY)))
    with started("candles", "--limit", str(MANY), *form, environment=stack) as process:
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
        process.stdout.close()
        _, err = await asyncio.to_thread(process.communicate, timeout=HANG_SECONDS)
    assert (process.returncode, err) == (0, b"")


def test_an_output_that_is_full_is_named(stack: Stack) -> None:
    with (
        Path("/dev/full").open("wb") as full,
        started("config", "get", "markets", environment=stack, stdout=full) as process,
    ):
        _, err = process.communicate(timeout=HANG_SECONDS)
    assert process.returncode == 1
    assert err.startswith(b"bongsu: the output cannot be written: No space left on device; make room")
    assert len(err.splitlines()) == 1


def test_a_closed_output_is_no_failure(stack: Stack) -> None:
    result = subprocess.run(
        ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *COMMAND, "config", "list"], env=surroundings(**stack)
    )
    assert result.returncode == 0


def test_ctrl_c_ends_with_130_and_without_a_word(mute: socket.socket) -> None:
    url = f"postgresql://bongsu_admin:hunter2secret@127.0.0.1:{mute.getsockname()[1]}/bongsu"
    with started("config", "list", "--json", environment={"DATABASE_URL": url}) as process:
        mute.accept()[0].recv(1)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=HANG_SECONDS) == (b"", b"")
    assert process.returncode == 130


@pytest.mark.parametrize(
    "arguments",
    ["config set backfill_days 7", "config get markets", "config list", "config history", "signals --json"],
)
async def test_a_database_that_is_away_is_named_without_its_password(
    command: Command, admin: Admin, monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://bongsu_admin:hunter2secret@127.0.0.1:9/bongsu")
    ended = await command(*arguments.split())
    assert (ended.code, ended.out) == (69, "")
    assert ended.line.startswith("bongsu: PostgreSQL cannot be used now (ConnectionRefusedError: ")
    assert ended.line.endswith("; start the stack with `make run`, or correct DATABASE_URL\n")
    assert "hunter2" not in ended.err
    assert await admin.fetchval("SELECT count(*) FROM system_config_history") == 0


async def test_a_wrong_password_is_named_and_not_shown(
    command: Command, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgresql://bongsu_admin:hunter2secret@127.0.0.1:{postgres.port}/bongsu_migrated"
    monkeypatch.setenv("DATABASE_URL", url)
    ended = await command("signals")
    assert (ended.code, ended.out) == (77, "")
    assert ended.line == (
        'bongsu: PostgreSQL says 28P01: password authentication failed for user "bongsu_admin";'
        " check that DATABASE_URL names Bongsu's database and bongsu_admin\n"
    )


async def test_a_role_that_may_not_is_named(
    command: Command, postgres: PostgresServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.url("bongsu_collector", database))
    ended = await command("signals")
    assert (ended.code, ended.out) == (77, "")
    assert ended.line.startswith(
        "bongsu: PostgreSQL says 42501: permission denied for table trading_signals;"
    )


def test_a_run_is_stopped_while_it_still_reads_its_recording(tmp_path: Path) -> None:
    recording = tmp_path / "long.csv"
    tick = "2026-01-13T09:59:00.461Z,KRW-BTC,135895000\n"
    recording.write_text("exchange_time_utc,market,price_krw\n" + tick * 500_000)
    size = recording.stat().st_size
    with started("up", "--replay", str(recording), "--data-dir", str(tmp_path / "data")) as process:
        eventually_sync(lambda: psutil.Process(process.pid).io_counters().read_chars >= size)
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=HANG_SECONDS) == (b"", b"")
    assert process.returncode == 0
    assert not (tmp_path / "data").exists()


def test_bongsu_alone_prints_its_usage() -> None:
    ended = bongsu()
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("Usage: bongsu [OPTIONS] COMMAND")


@pytest.mark.parametrize("arguments", ["candles", "candles --export my.json", "gaps", "signals --json"])
async def test_a_market_that_is_not_collected_is_answered_with_those_there_are(
    command: Command, admin: Admin, arguments: str
) -> None:
    await store_candles(admin, "KRW-BTC", [0])
    await store_candles(admin, "KRW-ETH", [0])
    ended = await command(*arguments.split(), "--market", "KRW-DOGE")
    assert (ended.code, ended.out) == (1, "")
    assert ended.line == (
        "bongsu: --market KRW-DOGE: no candle of it is stored; there are KRW-BTC, KRW-ETH\n"
    )
    assert (await command(*arguments.split(), "--market", "KRW-ETH")).code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("candles", "no candle is stored yet"),
        ("gaps", "no candle is stored yet"),
        ("signals", "no signal is stored yet; `bongsu status` tells whether one is due"),
    ],
)
async def test_before_the_first_row_that_is_said(command: Command, arguments: str, said: str) -> None:
    ended = await command(arguments)
    assert (ended.code, ended.out, ended.err) == (0, f"{said}\n", "")
