"""Does `bongsu migrate` make somebody else's PostgreSQL ready, and say what keeps it from doing so?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from bongsu.invocation import run as run_command
from bongsu.servers import ports
from bongsu.servers.files import write_file
from bongsu.servers.postgres_config import DATABASE, ROLES, SERVICE_ROLES
from bongsu.servers.postgres_place import find_place
from bongsu.servers.postgres_template import environment, run
from bongsu.servers.process import ChildProcess, wait_until

SUPERUSER_PASSWORD = "superuser-password"
PASSWORDS = {role: f"it's-{role}-password" for role in ROLES}
Migrate = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def port(servers_folder: Path) -> Iterator[int]:
    """The port of a server as its official image makes it: a superuser with a password, nothing of ours."""
    place = find_place(servers_folder / "foreign")
    given = servers_folder / "superuser"
    write_file(given, SUPERUSER_PASSWORD, owner=place.account)
    initdb = str(place.binaries / "initdb")
    run(place, initdb, "-D", str(place.cluster), "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={given}")
    port = ports.free_port()
    server = ChildProcess(
        [
            str(place.binaries / "postgres"),
            "-D",
            str(place.cluster),
            "-h",
            ports.HOST,
            "-p",
            str(port),
            "-k",
            "",
        ],
        log=servers_folder / "foreign.log",
        environment=environment(),
        directory=Path("/"),
        account=place.account,
    )
    server.start()
    assert wait_until(lambda: _takes_connections(port), 20)
    yield port
    server.kill()


@pytest.fixture
def urls(port: int) -> dict[str, str]:
    """What the command reads, all of it right."""
    named = dict(zip(("DATABASE_URL", *(f"{s}_DATABASE_URL" for s in _SERVICES)), ROLES, strict=True))
    return {
        "SUPERUSER_DATABASE_URL": _url(port, "postgres", SUPERUSER_PASSWORD, "postgres"),
        **{name: _url(port, role, PASSWORDS[role]) for name, role in named.items()},
    }


@pytest.fixture
def migrate(monkeypatch: pytest.MonkeyPatch) -> Migrate:
    """Run the command with these variables and no other; returns its exit code and its line on stderr."""

    def migrate(*arguments: str, **variables: str) -> tuple[int, str]:
        for name in ("SUPERUSER_DATABASE_URL", "DATABASE_URL", *(f"{s}_DATABASE_URL" for s in _SERVICES)):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return run_command(["migrate", *arguments])

    return migrate


_SERVICES = ("COLLECTOR", "SIGNALER", "HEALTH")


def test_a_bare_server_is_made_ready_and_stays_so(
    migrate: Migrate, urls: dict[str, str], port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert migrate(**urls) == (0, "")
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if line.startswith("role ")] == [
        f"role {role} is made" for role in ROLES
    ]
    assert "0001_tables.sql is applied" in said
    limits = "SELECT rolname, rolconnlimit FROM pg_roles WHERE rolname = ANY($1)"
    for role in SERVICE_ROLES:
        rows = _ask(_url(port, role, PASSWORDS[role]), limits, list(SERVICE_ROLES))
        assert {row["rolname"]: row["rolconnlimit"] for row in rows} == SERVICE_ROLES
    assert migrate(**urls) == (0, "")
    assert capsys.readouterr().out == "the database is as this version needs it\n"


def test_a_changed_password_holds_from_then_on(migrate: Migrate, urls: dict[str, str], port: int) -> None:
    assert migrate(**urls) == (0, "")
    changed = _url(port, "bongsu_health", "another-password")
    assert migrate(**urls | {"HEALTH_DATABASE_URL": changed}) == (0, "")
    assert _ask(changed, "SELECT 1")
    with pytest.raises(asyncpg.InvalidPasswordError):
        _ask(urls["HEALTH_DATABASE_URL"], "SELECT 1")


def test_the_simulated_stack_starts_with_a_signal_a_minute(migrate: Migrate, urls: dict[str, str]) -> None:
    _forget_settings(migrate, urls)
    assert migrate(**urls, MARKET_SOURCE="simulator") == (0, "")
    rows = _ask(urls["DATABASE_URL"], "SELECT value, updated_by FROM system_config WHERE key = $1", _INTERVAL)
    assert [tuple(row) for row in rows] == [("1", "bongsu migrate")]


def test_real_and_simulated_prices_never_meet(migrate: Migrate, urls: dict[str, str]) -> None:
    assert migrate(**urls) == (0, "")
    _ask(urls["DATABASE_URL"], _CANDLE)
    code, line = migrate(**urls, MARKET_SOURCE="upbit")
    _ask(urls["DATABASE_URL"], "DELETE FROM market_data")
    assert code == 1
    assert "the database holds prices of simulator, and MARKET_SOURCE is upbit" in line


def test_who_is_refused_is_told_whom_to_name(migrate: Migrate, urls: dict[str, str], port: int) -> None:
    assert migrate(**urls) == (0, "")
    wrong = _url(port, "postgres", "a-wrong-password", "postgres")
    code, line = migrate(**urls | {"SUPERUSER_DATABASE_URL": wrong})
    assert code == 77
    assert "correct user and password in SUPERUSER_DATABASE_URL" in line
    assert "a-wrong-password" not in line
    code, line = migrate(**urls | {"SUPERUSER_DATABASE_URL": urls["COLLECTOR_DATABASE_URL"]})
    assert (code, "SUPERUSER_DATABASE_URL must name a superuser" in line) == (77, True), line
    code, line = migrate(DATABASE_URL=urls["COLLECTOR_DATABASE_URL"])
    assert (code, "DATABASE_URL must name bongsu_admin" in line) == (77, True), line


def test_a_server_that_is_away_is_waited_for_as_long_as_wanted(migrate: Migrate) -> None:
    away = _url(ports.free_port(), "bongsu_admin", "some-password")
    code, line = migrate("--wait", "1", DATABASE_URL=away)
    assert (code, "PostgreSQL does not answer" in line) == (69, True), line


def test_what_is_missing_or_of_another_role_is_named(migrate: Migrate, urls: dict[str, str]) -> None:
    assert migrate() == (2, "DATABASE_URL: is missing; set it in the environment")
    code, line = migrate(**urls | {"HEALTH_DATABASE_URL": urls["COLLECTOR_DATABASE_URL"]})
    assert (code, line.partition(":")[0]) == (2, "HEALTH_DATABASE_URL"), line
    assert "must name the user bongsu_health with a password" in line


_INTERVAL = "signal_interval_minutes"
_CANDLE = """
INSERT INTO market_data
    (symbol, timestamp, open, high, low, close, volume, trade_value, source, collected_at)
VALUES ('KRW-BTC', '2026-01-01T00:00:00Z', 1, 1, 1, 1, 1, 1, 'simulator', '2026-01-01T00:02:00Z')"""


def _forget_settings(migrate: Migrate, urls: dict[str, str]) -> None:
    assert migrate(**urls) == (0, "")
    _ask(urls["DATABASE_URL"], "DELETE FROM system_config")
    _ask(urls["DATABASE_URL"], "DELETE FROM system_config_history")


def _url(port: int, user: str, password: str, database: str = DATABASE) -> str:
    return f"postgresql://{user}:{password}@{ports.HOST}:{port}/{database}"


def _takes_connections(port: int) -> bool:
    try:
        return bool(_ask(_url(port, "postgres", SUPERUSER_PASSWORD, "postgres"), "SELECT 1"))
    except (OSError, asyncpg.CannotConnectNowError):
        return False


def _ask(url: str, query: str, *arguments: object) -> list[asyncpg.Record]:
    async def ask() -> list[asyncpg.Record]:
        connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    return asyncio.run(ask())
