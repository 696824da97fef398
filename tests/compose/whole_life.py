"""Does the Compose stack live as docs/operations.md says? Built, broken, scaled, renewed, saved, taken down.

One stack for all tests, in this order; each leaves it healthy.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from compose.conftest import told
from compose.engine import ROOT
from compose.stack import (
    CANDLES,
    NEWEST,
    OPEN_GAPS,
    PROJECT,
    SERVERS,
    SERVICES,
    SIGNALS,
    UNEXPLAINED,
    Stack,
    until,
)

pytestmark = pytest.mark.timeout(900)

COMPONENTS = ["database", "upbit_api", "gemini_api", "scheduler", "recent_signal", "recent_orders"]
NOTICED_SECONDS = 15.0
# Who tells of a container that is cut off, as the status page shows it.
SHOWN_BY = ("postgres", "nats", "collector", "signaler", "upbit-simulator", "gemini-simulator")


def test_all_six_components_are_healthy(stack: Stack) -> None:
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
    said = stack.try_compose("exec", "--no-TTY", service, "sh", "-c", look).stdout.decode().splitlines()
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
    document = json.loads(stack.compose("run", "--rm", "--no-TTY", "bongsu", "status", "--json"))
    assert document["health"]["status"] == "healthy"
    assert "signal_interval_minutes" in stack.compose("run", "--rm", "--no-TTY", "bongsu", "config", "list")


@pytest.mark.parametrize("service", SERVERS)
def test_a_container_that_is_killed_comes_back(stack: Stack, service: str) -> None:
    before = stack.inspect(service)
    # From outside: what `docker kill` ends is not started again, and nobody inside may end the first process.
    kill = ("run", "--rm", "--pid=host", "--privileged", "python:3.11-slim", "kill", "-9")
    stack.engine.ask(*kill, str(before["State"]["Pid"]))
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
    if service in SHOWN_BY:
        until(lambda: not stack.is_healthy(), NOTICED_SECONDS, lambda: f"nobody missed {service}")
    for network in networks:
        stack.engine.ask("network", "connect", "--alias", service, network, known["Id"])
    stack.until_healthy(90)
    assert stack.inspect(service)["Id"] == known["Id"]


def test_the_collector_is_scaled_to_two(stack: Stack) -> None:
    stack.variables["COLLECTOR_REPLICAS"] = "2"
    stack.up()
    until(
        lambda: [s["name"] for s in stack.detail().get("services", [])].count("collector") == 2,
        30,
        lambda: json.dumps(stack.detail().get("services")),
    )
    stack.until_healthy()
    assert len(stack.ids("collector")) == 2
    del stack.variables["COLLECTOR_REPLICAS"]
    stack.up()
    stack.until_healthy()


def test_a_renewal_one_by_one_misses_no_candle(stack: Stack) -> None:
    newest, gaps = stack.sql(NEWEST), {}
    for service in SERVICES:
        before = stack.inspect(service)["Id"]
        with stack.probed() as longest:
            stack.up("--no-deps", "--force-recreate", service)
            gaps[service] = longest()
        assert stack.inspect(service)["Id"] != before
    told(f"health was not to be reached for, at most: {gaps}")
    # Only its own renewal interrupts it.
    assert max(gaps["collector"], gaps["signaler"]) < 1
    until(lambda: stack.sql(NEWEST) > newest, 90, lambda: "no newer candle came")
    stack.until_healthy()


def test_a_password_is_renewed(stack: Stack) -> None:
    folder = str(stack.secrets)
    before = (stack.secrets / "collector_database_url").read_text()
    environment = {"PATH": "/usr/bin:/bin", "SECRETS_DIR": folder}
    subprocess.run(["sh", "deploy/secrets.sh", "--renew", "collector"], cwd=ROOT, env=environment, check=True)
    assert (stack.secrets / "collector_database_url").read_text() != before
    stack.compose(
        "up", "--detach", "--no-build", "--no-deps", "--force-recreate", "migrate", "nats", "collector"
    )
    stack.until_healthy(90)


def test_a_backup_brings_a_lost_database_back(stack: Stack, tmp_path: Path) -> None:
    dumped = stack.try_compose("exec", "-T", "postgres", "pg_dump", "-U", "postgres", "-Fc", "bongsu")
    assert dumped.returncode == 0, dumped.stderr
    counted = int(stack.sql(CANDLES))
    stack.compose("stop", "signaler", "collector", "health")
    stack.compose("exec", "-T", "postgres", "dropdb", "-U", "postgres", "--force", "bongsu")
    stack.compose("exec", "-T", "postgres", "createdb", "-U", "postgres", "-O", "bongsu_admin", "bongsu")
    restored = stack.try_compose(
        "exec",
        "-T",
        "postgres",
        "pg_restore",
        "-U",
        "postgres",
        "-d",
        "bongsu",
        "--exit-on-error",
        text=dumped.stdout,
    )
    assert restored.returncode == 0, restored.stderr
    stack.up()
    stack.until_healthy(90)
    assert int(stack.sql(CANDLES)) >= counted


def test_nothing_was_missed_in_all_of_this(stack: Stack) -> None:
    until(lambda: stack.sql(OPEN_GAPS) == "0", 90, lambda: stack.sql("SELECT * FROM candle_gaps"))
    assert stack.sql(UNEXPLAINED) == "0"
    told(f"{stack.sql(CANDLES)} candles, {stack.sql(SIGNALS)} signals of Gemini")


def test_it_goes_down_and_leaves_nothing(stack: Stack) -> None:
    stack.compose("down", "--volumes")
    of_ours = ("--quiet", "--filter", f"label=com.docker.compose.project={PROJECT}")
    for kind in (("ps", "--all"), ("network", "ls"), ("volume", "ls")):
        assert stack.engine.ask(*kind, *of_ours) == ""
