"""Does health tell the truth about real servers and about who speaks on the bus?"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from datetime import timedelta

import asyncpg
import nats as nats_client
import psutil
import pytest
from nats.aio.msg import Msg

from bongsu import migrations
from bongsu.servers.nats import NatsServer
from bongsu.servers.postgres import PostgresServer
from common.clock import utc_now
from common.events import ComponentState
from integration.health.running import HealthProcess, Speak, StartHealth, healthy_jobs, soon

COMPONENTS = ["database", "upbit_api", "gemini_api", "scheduler", "recent_signal", "recent_orders"]
# Waiting for a frozen server takes its time limit, 5 s.
UNHURRIED_SECONDS = 3.0
PATHS = ("/", "/health", "/health/live", "/health/ready", "/health/detail", "/api/overview", "/openapi.json")


async def test_a_complete_stack_is_healthy(health: HealthProcess, speak: Speak) -> None:
    await speak("collector", "c1")
    await speak("signaler", "s1")
    await soon(health.is_healthy, within=10)
    assert [(await health.http.get(path)).status_code for path in PATHS] == [200] * len(PATHS)
    assert (await health.http.get("/health")).json()["flaws"] == []


async def test_the_detailed_answer_has_its_documented_shape(health: HealthProcess, speak: Speak) -> None:
    await speak("collector", "c1")
    await soon(lambda: _lists(health, "collector", ["c1"]), within=10)
    detail = (await health.http.get("/health/detail")).json()
    assert list(detail) == ["status", "timestamp", "version", "components", "services"]
    assert detail["timestamp"].endswith("Z")
    assert [component["name"] for component in detail["components"]] == COMPONENTS
    assert {tuple(component) for component in detail["components"]} == {
        ("name", "status", "latency_ms", "message")
    }
    assert {tuple(service) for service in detail["services"]} == {
        ("name", "instance", "status", "uptime_s", "pool", "cache", "jobs")
    }
    signaler = next(service for service in detail["services"] if service["name"] == "signaler")
    assert (signaler["instance"], signaler["status"]) == (None, "unhealthy")


async def test_a_missing_signaler_is_named_and_makes_the_stack_unhealthy(
    health: HealthProcess, speak: Speak
) -> None:
    await speak("collector", "c1")
    await soon(lambda: _lists(health, "collector", ["c1"]), within=10)
    response = await health.http.get("/health")
    assert response.status_code == 503
    assert "signaler: missing" in response.json()["flaws"]
    assert (await health.component("gemini_api"))["message"] == "no signaler is heard"


async def test_an_instance_that_says_goodbye_is_gone_at_once(health: HealthProcess, speak: Speak) -> None:
    first = await speak("collector", "c1")
    await speak("collector", "c2")
    await soon(lambda: _lists(health, "collector", ["c1", "c2"]), within=10)
    await first.presence.stop()
    await soon(lambda: _lists(health, "collector", ["c2"]), within=1)


async def test_a_warning_of_gemini_degrades_the_stack_and_keeps_200(
    health: HealthProcess, speak: Speak
) -> None:
    await speak("collector", "c1")
    signaler = await speak("signaler", "s1")
    await soon(health.is_healthy, within=10)
    signaler.components = (ComponentState(name="gemini_api", status="warning", message="budget spent"),)
    await soon(lambda: _status(health, "degraded", 200), within=10)
    assert (await health.component("gemini_api"))["message"] == "budget spent"


async def test_a_job_without_success_for_three_intervals_is_unhealthy(
    health: HealthProcess, speak: Speak
) -> None:
    late = utc_now() - timedelta(seconds=31)
    jobs = tuple(
        job.model_copy(update={"last_success_at": late}) if job.job_name == "data_collection" else job
        for job in healthy_jobs("collector")
    )
    await speak("collector", "c1", jobs)
    await speak("signaler", "s1")
    await soon(lambda: _blames(health, "scheduler", "data_collection: no success"), within=10)
    assert (await health.detail())["code"] == 503


async def test_a_frozen_instance_shows_within_ten_seconds(
    health: HealthProcess, speak: Speak, fresh_nats: NatsServer
) -> None:
    await speak("collector", "c1")
    signaler = await speak("signaler", "s1")
    await soon(health.is_healthy, within=10)
    await signaler.fall_silent()
    await soon(lambda: _blames(health, "gemini_api", "s1 (signaler) is silent"), within=10)
    assert (await health.detail())["code"] == 503


async def test_two_hundred_parallel_callers_ask_the_bus_once(
    health: HealthProcess, speak: Speak, fresh_nats: NatsServer
) -> None:
    await speak("collector", "c1")
    await speak("signaler", "s1")
    # Readiness asks nobody, so the two hundred are the first who want to know.
    await soon(lambda: _code(health, "/health/ready", 200), within=10)
    asked: list[bytes] = []
    listener = await nats_client.connect(fresh_nats.url())

    async def on_check(message: Msg) -> None:
        asked.append(message.data)

    await listener.subscribe("health.check", cb=on_check)
    await listener.flush()
    answers = await asyncio.gather(*(health.http.get("/health/detail") for _ in range(200)))
    await listener.flush()
    await listener.close()
    assert {answer.status_code for answer in answers} == {200}
    assert len(asked) == 1


async def test_a_killed_database_shows_and_comes_back(
    start_health: StartHealth, own_postgres: PostgresServer, fresh_nats: NatsServer, speak: Speak
) -> None:
    await migrations.apply(own_postgres.url())
    health = await start_health(own_postgres.url("bongsu_health"), fresh_nats.url("health"))
    await speak("collector", "c1")
    await speak("signaler", "s1")
    await soon(health.is_healthy, within=10)
    own_postgres.kill()
    await soon(lambda: _code(health, "/health/ready", 503), within=5)
    assert (await health.http.get("/health/detail")).status_code == 503
    assert (await health.component("database"))["status"] == "unhealthy"
    assert (await health.http.get("/health/live")).status_code == 200
    assert (await health.http.get("/api/overview")).status_code == 503
    own_postgres.start()
    await soon(health.is_healthy, within=10)


async def test_a_killed_bus_shows_and_comes_back(
    health: HealthProcess, speak: Speak, fresh_nats: NatsServer
) -> None:
    await speak("collector", "c1")
    await speak("signaler", "s1")
    await soon(health.is_healthy, within=10)
    fresh_nats.kill()
    await soon(lambda: _blames(health, "upbit_api", "collector is not heard: NATS is away"), within=10)
    assert (await health.http.get("/health/ready")).status_code == 503
    assert (await health.http.get("/api/overview")).status_code == 200
    fresh_nats.start()
    await soon(health.is_healthy, within=10)


async def test_with_both_servers_frozen_no_path_waits_for_them(
    start_health: StartHealth, own_postgres: PostgresServer, fresh_nats: NatsServer, speak: Speak
) -> None:
    await migrations.apply(own_postgres.url())
    health = await start_health(own_postgres.url("bongsu_health"), fresh_nats.url("health"))
    await speak("collector", "c1")
    await speak("signaler", "s1")
    await soon(health.is_healthy, within=10)
    frozen = [*_family(own_postgres.pid), *_family(fresh_nats.pid)]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        await soon(lambda: _answers_quickly(health, "database"), within=10)
        await soon(lambda: _answers_quickly(health, "upbit_api"), within=10)
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    await soon(health.is_healthy, within=15)


async def test_before_anything_is_reached_health_serves_and_says_so(
    start_health: StartHealth, database: str, postgres: PostgresServer
) -> None:
    nowhere = "127.0.0.1:9"
    health = await start_health(f"postgresql://bongsu_health@{nowhere}/bongsu", f"nats://{nowhere}")
    detail = await health.detail()
    assert detail["code"] == 503
    assert [component["name"] for component in detail["components"]] == COMPONENTS
    assert "not reached yet" in (await health.component("database"))["message"]
    assert "not reached yet" in (await health.component("upbit_api"))["message"]
    assert (await health.services())["health"] != [None]
    assert (await health.http.get("/health/ready")).status_code == 503
    assert await health.stop() == 0


async def test_a_waiting_order_is_a_warning(health: HealthProcess, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "INSERT INTO orders (id, symbol, side, order_type, status, identifier, created_at)"
        " VALUES (gen_random_uuid(), 'KRW-BTC', 'bid', 'limit', 'wait', 'a', now() - interval '11 minutes')"
    )
    await connection.close()
    await soon(lambda: _blames(health, "recent_orders", "11 min"), within=10)


async def _status(health: HealthProcess, status: str, code: int) -> bool:
    detail = await health.detail()
    return (detail["status"], detail["code"]) == (status, code)


async def _code(health: HealthProcess, path: str, code: int) -> bool:
    return (await health.http.get(path)).status_code == code


async def _lists(health: HealthProcess, service: str, instances: list[str | None]) -> bool:
    assert (await health.services())[service] == instances
    return True


async def _blames(health: HealthProcess, component: str, words: str) -> bool:
    found = await health.component(component)
    assert words in (found["message"] or ""), found
    return bool(found["status"] != "healthy")


async def _answers_quickly(health: HealthProcess, unhealthy: str) -> bool:
    for path in PATHS:
        began = time.monotonic()
        await health.http.get(path)
        if (took := time.monotonic() - began) > UNHURRIED_SECONDS:
            pytest.fail(f"{path} took {took:.2f} s")
    return bool((await health.component(unhealthy))["status"] == "unhealthy")


def _family(pid: int | None) -> list[int]:
    assert pid is not None
    process = psutil.Process(pid)
    return [pid, *(child.pid for child in process.children(recursive=True))]
