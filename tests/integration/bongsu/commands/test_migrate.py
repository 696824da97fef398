"""`bongsu migrate` makes a PostgreSQL that others run ready, and says what keeps it from doing so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import asyncpg
import pytest

from bongsu.invocation import run as run_command
from bongsu.provisioning.roles import ROLES, SERVICE_ROLES
from bongsu.servers import ports
from servers.foreign_postgres import URL_NAMES, ForeignPostgres, ask, foreign_postgres

Migrate = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def server(servers_folder: Path) -> Iterator[ForeignPostgres]:
    """A server with nothing of ours."""
    folder = servers_folder / "foreign"
    folder.mkdir(mode=0o711)
    with foreign_postgres(folder) as running:
        yield running


@pytest.fixture
def urls(server: ForeignPostgres) -> Mapping[str, str]:
    """What the command reads, all of it right."""
    return server.variables


@pytest.fixture
def migrate(monkeypatch: pytest.MonkeyPatch) -> Migrate:
    """Run the command with these variables and no other; returns its exit code and its line on stderr."""

    def migrate(*arguments: str, **variables: str) -> tuple[int, str]:
        for name in ("MARKET_SOURCE", "SUPERUSER_DATABASE_URL", *URL_NAMES):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return run_command(["migrate", *arguments])

    return migrate


def test_a_bare_server_is_made_ready_and_stays_so(
    migrate: Migrate, urls: Mapping[str, str], server: ForeignPostgres, capsys: pytest.CaptureFixture[str]
) -> None:
    assert migrate(**urls) == (0, "")
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if line.startswith("role ")] == [
        f"role {role} is made" for role in ROLES
    ]
    assert "0001_tables.sql is applied" in said
    limits = "SELECT rolname, rolconnlimit FROM pg_roles WHERE rolname = ANY($1)"
    for role in SERVICE_ROLES:
        rows = ask(server.url(role), limits, list(SERVICE_ROLES))
        assert {row["rolname"]: row["rolconnlimit"] for row in rows} == SERVICE_ROLES
    assert migrate(**urls) == (0, "")
    assert capsys.readouterr().out == "the database is as this version needs it\n"


def test_a_changed_password_holds_from_then_on(
    migrate: Migrate, urls: Mapping[str, str], server: ForeignPostgres
) -> None:
    assert migrate(**urls) == (0, "")
    changed = server.url("bongsu_health", "another-password")
    assert migrate(**{**urls, "HEALTH_DATABASE_URL": changed}) == (0, "")
    assert ask(changed, "SELECT 1")
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(urls["HEALTH_DATABASE_URL"], "SELECT 1")


def test_the_simulated_stack_starts_with_a_signal_a_minute(migrate: Migrate, urls: Mapping[str, str]) -> None:
    _forget_settings(migrate, urls)
    assert migrate(**urls, MARKET_SOURCE="simulator") == (0, "")
    rows = ask(urls["DATABASE_URL"], "SELECT value, updated_by FROM system_config WHERE key = $1", _INTERVAL)
    assert [tuple(row) for row in rows] == [("1", "bongsu migrate")]


def test_real_and_simulated_prices_never_meet(migrate: Migrate, urls: Mapping[str, str]) -> None:
    assert migrate(**urls) == (0, "")
    ask(urls["DATABASE_URL"], _CANDLE)
    code, line = migrate(**urls, MARKET_SOURCE="upbit")
    ask(urls["DATABASE_URL"], "DELETE FROM market_data")
    assert code == 1
    assert "the database holds prices of simulator, and MARKET_SOURCE is upbit" in line


def test_a_refused_user_is_answered_with_the_one_to_name(
    migrate: Migrate, urls: Mapping[str, str], server: ForeignPostgres
) -> None:
    assert migrate(**urls) == (0, "")
    wrong = server.url("postgres", "a-wrong-password")
    code, line = migrate(**{**urls, "SUPERUSER_DATABASE_URL": wrong})
    assert code == 77
    assert "correct user and password in SUPERUSER_DATABASE_URL" in line
    assert "a-wrong-password" not in line
    code, line = migrate(**{**urls, "SUPERUSER_DATABASE_URL": urls["COLLECTOR_DATABASE_URL"]})
    assert (code, "SUPERUSER_DATABASE_URL must name a superuser" in line) == (77, True), line
    code, line = migrate(DATABASE_URL=urls["COLLECTOR_DATABASE_URL"])
    assert (code, "DATABASE_URL must name bongsu_admin" in line) == (77, True), line


def test_a_server_that_is_away_is_waited_for_as_long_as_wanted(migrate: Migrate) -> None:
    away = f"postgresql://bongsu_admin:some-password@{ports.HOST}:{ports.free_port()}/bongsu"
    code, line = migrate("--wait", "1", DATABASE_URL=away)
    assert (code, "PostgreSQL does not answer" in line) == (69, True), line


def test_what_is_missing_or_of_another_role_is_named(migrate: Migrate, urls: Mapping[str, str]) -> None:
    assert migrate() == (2, "DATABASE_URL: is missing; set it in the environment")
    code, line = migrate(**{**urls, "HEALTH_DATABASE_URL": urls["COLLECTOR_DATABASE_URL"]})
    assert (code, line.partition(":")[0]) == (2, "HEALTH_DATABASE_URL"), line
    assert "must name the user bongsu_health with a password" in line


_INTERVAL = "signal_interval_minutes"
_CANDLE = """
INSERT INTO market_data
    (symbol, timestamp, open, high, low, close, volume, trade_value, source, collected_at)
VALUES ('KRW-BTC', '2026-01-01T00:00:00Z', 1, 1, 1, 1, 1, 1, 'simulator', '2026-01-01T00:02:00Z')"""


def _forget_settings(migrate: Migrate, urls: Mapping[str, str]) -> None:
    assert migrate(**urls) == (0, "")
    ask(urls["DATABASE_URL"], "DELETE FROM system_config")
    ask(urls["DATABASE_URL"], "DELETE FROM system_config_history")
