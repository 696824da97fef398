"""Life of the Compose stack as docs/operations.md says: built, broken, scaled, renewed, saved, taken down.

One stack for all tests, in this order; each leaves it healthy.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from compose.conftest import log
from compose.stack import (
    ANYBODY_MAY_CONNECT,
    CANDLES,
    CONTENTS,
    NEWEST,
    OPEN_GAPS,
    SERVERS,
    SERVICES,
    SIGNALS,
    SOME_TIME_AGO,
    UNEXPLAINED,
    Stack,
    until,
)
from health.checks.registry import COMPONENTS
from servers.commands import bongsu
from servers.fixtures import passable_folder
from servers.foreign_postgres import ask, foreign_postgres

pytestmark = pytest.mark.timeout(900)

NOTICED_SECONDS = 15.0


def test_every_component_is_healthy(stack: Stack) -> None:
    stack.until_healthy(90)
    components = stack.detail()["components"]
    assert [(c["name"], c["status"]) for c in components] == [(name, "healthy") for name in COMPONENTS]


def test_a_signal_is_made(stack: Stack) -> None:
    until(lambda: int(stack.sql(SIGNALS)) > 0, 90, lambda: stack.compose("logs", "--tail=20", "signaler"))
    assert int(stack.sql(CANDLES)) > 1000


@pytest.mark.parametrize("service", SERVERS)
def test_a_container_can_do_nothing_but_its_work(stack: Stack, service: str) -> None:
    known = stack.inspect(service)
    host: dict[str, Any] = known["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    look = (
        "id -u; grep -E '^(CapEff|CapPrm|CapBnd|NoNewPrivs)' /proc/1/status; touch /x 2>&1; touch /usr/x 2>&1"
    )
    said = stack.said_in(service, look)
    assert said[0] != "0"
    assert {line.split()[0]: int(line.split()[1], 16) for line in said[1:5]} == {
        **dict.fromkeys(("CapPrm:", "CapEff:", "CapBnd:"), 0),
        "NoNewPrivs:": 1,
    }
    assert [("Read-only" in line or "Permission" in line) for line in said[5:]] == [True, True], said


def test_only_health_is_published_and_only_here(stack: Stack) -> None:
    bound = {name: stack.inspect(name)["HostConfig"]["PortBindings"] for name in SERVERS}
    assert {name for name, ports in bound.items() if ports} == {"health"}
    assert bound["health"] == {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(stack.port)}]}


def test_no_password_is_in_a_variable_or_a_log(stack: Stack) -> None:
    text = "".join(json.dumps(stack.inspect(name)["Config"]["Env"]) for name in (*SERVERS, "migrate"))
    assert "not-a-secret" not in text + stack.compose("logs", "--no-color")


def test_the_command_works_in_a_container_of_its_own(stack: Stack) -> None:
    said = stack.documented("Every day")
    assert "healthy" in said
    assert "signal_interval_minutes" in said
    assert '"event": "service.ready"' in said or '"event":"service.ready"' in said


@pytest.mark.parametrize("service", SERVERS)
def test_a_container_that_is_killed_comes_back(stack: Stack, service: str) -> None:
    before = stack.inspect(service)
    # From outside: what `docker kill` ends is not started again, and inside no one may end the first.
    kill = ("run", "--rm", "--pid=host", "python:3.11-slim", "sh", "-c")
    stack.engine.ask(*kill, f"kill -9 {before['State']['Pid']}")
    until(
        lambda: stack.inspect(service)["RestartCount"] > before["RestartCount"],
        30,
        lambda: f"{service} was not started again",
    )
    stack.until_healthy()


@pytest.mark.parametrize("service", SERVERS)
def test_a_container_that_is_cut_off_comes_back(stack: Stack, service: str) -> None:
    known = stack.inspect(service)
    networks = sorted(known["NetworkSettings"]["Networks"])
    for network in networks:
        stack.engine.ask("network", "disconnect", network, known["Id"])
    until(lambda: _is_missed(stack, service), NOTICED_SECONDS, lambda: f"{service} was not missed")
    for network in networks:
        stack.engine.ask("network", "connect", "--alias", service, network, known["Id"])
    stack.until_healthy(90)
    assert stack.inspect(service)["Id"] == known["Id"]


def _is_missed(stack: Stack, service: str) -> bool:
    """Return whether the page says so; of the reconciler, which health does not watch, its own log does."""
    if service == "reconciler":
        return "dependency.waiting" in stack.compose("logs", "--since=15s", service)
    return not stack.is_healthy()


def test_the_collector_is_scaled_to_two(stack: Stack) -> None:
    stack.documented("Scale")
    until(
        lambda: [s["name"] for s in stack.detail().get("services", [])].count("collector") == 2,
        30,
        lambda: json.dumps(stack.detail().get("services")),
    )
    assert len(stack.ids("collector")) == 2
    stack.up()
    stack.until_healthy()


def test_an_upgrade_renews_one_by_one_and_misses_no_candle(stack: Stack) -> None:
    before = {name: stack.inspect(name) for name in SERVERS}
    newest = stack.sql(NEWEST)
    stack.variables["BONGSU_VERSION"] = "0.1.1"
    with stack.probed() as longest:
        stack.documented("Upgrade")
        gap = longest()
    log(f"upgraded; health's HTTP was away for {gap:.1f} s")
    # Once, for its own renewal.
    assert gap < 6
    after = {name: stack.inspect(name) for name in SERVERS}
    renewed = {name for name in SERVERS if before[name]["Id"] != after[name]["Id"]}
    assert renewed == set(SERVERS) - {"postgres"}
    started = [after[name]["State"]["StartedAt"] for name in SERVICES]
    assert started == sorted(started)
    until(lambda: stack.sql(NEWEST) > newest, 90, lambda: "no newer candle came")
    stack.until_healthy()


@pytest.mark.parametrize("service", SERVICES)
def test_renewing_another_service_does_not_interrupt_health(stack: Stack, service: str) -> None:
    with stack.probed() as longest:
        stack.up("--force-recreate", service)
        gap = longest()
    log(f"health's HTTP was away for {gap:.2f} s while {service} was renewed")
    assert service == "health" or gap < 1
    stack.until_healthy()


@pytest.mark.parametrize(
    "heading", ["A service's passwords", "The administrator's passwords", "The superuser's password"]
)
def test_passwords_are_renewed(stack: Stack, heading: str) -> None:
    before = {path.name: path.read_text() for path in stack.secrets.iterdir()}
    stack.documented(heading)
    assert {path.name: path.read_text() for path in stack.secrets.iterdir()} != before
    stack.until_healthy(90)


def test_a_backup_brings_a_lost_database_back(stack: Stack) -> None:
    contents = CONTENTS.format(until=stack.sql(SOME_TIME_AGO))
    saved = stack.sql(contents)
    stack.documented("Back up")
    stack.documented("Restore")
    stack.until_healthy(90)
    assert stack.sql(contents) == saved
    # It is closed to all but Bongsu's roles, as before.
    assert stack.sql(ANYBODY_MAY_CONNECT) == "f"


def test_a_backup_is_restored_by_a_newer_postgresql(stack: Stack) -> None:
    dump = stack.folder / "bongsu.dump"
    with passable_folder() as folder, foreign_postgres(folder) as newer:
        assert bongsu("migrate", **newer.variables).code == 0
        newer.run("dropdb", "--force", "bongsu")
        newer.run("pg_restore", "-d", "postgres", "--create", "--exit-on-error", str(dump))
        assert bongsu("migrate", **newer.variables, MARKET_SOURCE="simulator").code == 0
        [(version, counted)] = ask(
            newer.superuser_url("bongsu"), "SELECT version(), count(*) FROM market_data"
        )
    log(f"{counted} candles restored by {version.partition(' on ')[0]}")
    assert not version.startswith("PostgreSQL 15")
    assert counted > 1000


def test_nothing_was_missed_in_all_of_this(stack: Stack) -> None:
    until(lambda: stack.sql(OPEN_GAPS) == "0", 90, lambda: stack.sql("SELECT * FROM candle_gaps"))
    assert stack.sql(UNEXPLAINED) == "0"
    log(f"{stack.sql(CANDLES)} candles, {stack.sql(SIGNALS)} signals of Gemini")


def test_it_goes_down_and_leaves_nothing(stack: Stack) -> None:
    stack.compose("down", "--volumes")
    assert stack.remains() == ""
