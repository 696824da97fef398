"""Health as a process beside real servers: what it says of them and of the instances on the bus."""

from __future__ import annotations

import os
import signal
import time
from functools import partial

import asyncpg
import psutil

from bongsu.provisioning import migrations
from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from integration.health.running import HealthProcess, Speak, StartHealth, soon

# Whoever waits for a frozen server does so for 5 s, its time limit, each time.
UNHURRIED_SECONDS = 3.0
PATHS = (
    "/",
    "/health",
    "/health/live",
    "/health/ready",
    "/health/detail",
    "/api/v1/markets",
    "/api/v1/status",
    "/api/v1/candles?market=KRW-BTC",
    "/openapi.json",
)


async def test_a_complete_stack_is_healthy(health: HealthProcess, speak: Speak) -> None:
    await speak("collector", "c1")
    await speak("signaler", "s1")
    await soon(health.is_healthy)
    assert [(await health.http.get(path)).status_code for path in PATHS] == [200] * len(PATHS)
    assert (await health.http.get("/health")).json()["flaws"] == []


async def test_a_missing_signaler_is_named_and_makes_the_stack_unhealthy(
    health: HealthProcess, speak: Speak
) -> None:
    await speak("collector", "c1")
    await soon(lambda: health.lists("collector", ["c1"]))
    response = await health.http.get("/health")
    assert response.status_code == 503
    assert "signaler: missing" in response.json()["flaws"]
    assert (await health.component("gemini_api"))["message"] == "no signaler answers"


async def test_an_instance_that_says_goodbye_is_gone_at_once(health: HealthProcess, speak: Speak) -> None:
    first = await speak("collector", "c1")
    await speak("collector", "c2")
    await soon(lambda: health.lists("collector", ["c1", "c2"]))
    await first.presence.stop()
    # One that is merely silent is listed for a while as unhealthy, before it is gone.
    seen: set[str] = set()

    async def only_one_is_left() -> bool:
        rows = [row for row in (await health.detail())["services"] if row["name"] == "collector"]
        seen.update(row["status"] for row in rows if row["instance"] == "c1")
        return [row["instance"] for row in rows] == ["c2"]

    await soon(only_one_is_left)
    assert seen <= {"healthy"}


async def test_a_frozen_instance_shows(health: HealthProcess, speak: Speak, fresh_nats: NatsServer) -> None:
    await speak("collector", "c1")
    signaler = await speak("signaler", "s1")
    await soon(health.is_healthy)
    await signaler.fall_silent()
    await soon(lambda: health.blames("gemini_api", "s1 (signaler) is silent"))
    assert (await health.detail())["code"] == 503


async def test_a_killed_database_shows_and_comes_back(
    start_health: StartHealth, own_postgres: PostgresServer, fresh_nats: NatsServer, speak: Speak
) -> None:
    await migrations.apply(own_postgres.url())
    health = await start_health(own_postgres.url("bongsu_health"), fresh_nats.url("health"))
    await speak("collector", "c1")
    await speak("signaler", "s1")
    await soon(health.is_healthy)
    own_postgres.kill()
    await soon(lambda: health.answers("/health/ready", 503))
    assert (await health.http.get("/health/detail")).status_code == 503
    assert (await health.component("database"))["status"] == "unhealthy"
    assert (await health.http.get("/health/live")).status_code == 200
    assert (await health.http.get("/api/v1/markets")).status_code == 503
    own_postgres.start()
    await soon(health.is_healthy)


async def test_a_migration_that_was_not_applied_shows_and_health_goes_on_when_it_is(
    start_health: StartHealth, own_postgres: PostgresServer, fresh_nats: NatsServer, speak: Speak
) -> None:
    await migrations.apply(own_postgres.url())
    admin = await asyncpg.connect(own_postgres.url())
    await admin.execute("ALTER TABLE upbit_block RENAME TO kept")
    health = await start_health(own_postgres.url("bongsu_health"), fresh_nats.url("health"))
    await speak("collector", "c1")
    await speak("signaler", "s1")
    await soon(lambda: health.blames("database", "migrations/0005_upbit_block.sql"))
    assert (await health.detail())["code"] == 503
    await admin.execute("ALTER TABLE kept RENAME TO upbit_block")
    await admin.close()
    await soon(health.is_healthy)


async def test_a_killed_bus_shows_and_comes_back(
    health: HealthProcess, speak: Speak, fresh_nats: NatsServer
) -> None:
    await speak("collector", "c1")
    await speak("signaler", "s1")
    await soon(health.is_healthy)
    fresh_nats.kill()
    await soon(lambda: health.blames("upbit_api", "collector cannot be asked: NATS is away"))
    assert (await health.http.get("/health/ready")).status_code == 503
    assert (await health.http.get("/api/v1/markets")).status_code == 200
    fresh_nats.start()
    await soon(health.is_healthy)


async def test_with_both_servers_frozen_no_path_waits_for_them(
    start_health: StartHealth, own_postgres: PostgresServer, fresh_nats: NatsServer, speak: Speak
) -> None:
    await migrations.apply(own_postgres.url())
    health = await start_health(own_postgres.url("bongsu_health"), fresh_nats.url("health"))
    await speak("collector", "c1")
    await speak("signaler", "s1")
    await soon(health.is_healthy)
    frozen = [*_family(own_postgres.pid), *_family(fresh_nats.pid)]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        for component in ("database", "upbit_api"):
            await soon(partial(_is_unhealthy, health, component))
        for path in PATHS:
            await soon(partial(_is_answered_without_waiting, health, path))
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    await soon(health.is_healthy)


async def _is_unhealthy(health: HealthProcess, component: str) -> bool:
    return bool((await health.component(component))["status"] == "unhealthy")


async def _is_answered_without_waiting(health: HealthProcess, path: str) -> bool:
    began = time.monotonic()
    await health.http.get(path)
    took = time.monotonic() - began
    assert took < UNHURRIED_SECONDS, f"{path} took {took:.2f} s"
    return True


def _family(pid: int | None) -> list[int]:
    assert pid is not None
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]
