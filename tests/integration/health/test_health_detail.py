"""/health/detail on real servers: every component is always there and says what is wrong."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import asyncpg
import nats as nats_client
import pytest
from nats.aio.msg import Msg

from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from common.clock import utc_now
from common.errors import TransientError
from common.events import ComponentState
from health.checks.registry import COMPONENTS
from integration.common.speaking import signal
from integration.health.running import HealthProcess, Speak, StartHealth, healthy_jobs, soon
from servers.waiting import subscribed


async def test_the_detailed_answer_has_its_documented_shape(health: HealthProcess, speak: Speak) -> None:
    await speak("collector", "c1")
    await soon(lambda: health.lists("collector", ["c1"]))
    detail = (await health.http.get("/health/detail")).json()
    assert list(detail) == ["status", "timestamp", "version", "components", "services"]
    assert detail["timestamp"].endswith("Z")
    assert tuple(component["name"] for component in detail["components"]) == COMPONENTS
    assert {tuple(component) for component in detail["components"]} == {
        ("name", "status", "latency_ms", "message")
    }
    assert {tuple(service) for service in detail["services"]} == {
        ("name", "instance", "status", "uptime_s", "pool", "cache", "jobs")
    }
    signaler = next(service for service in detail["services"] if service["name"] == "signaler")
    assert (signaler["instance"], signaler["status"]) == (None, "unhealthy")


async def test_a_warning_of_gemini_or_what_nats_refuses_degrades_the_stack_and_keeps_200(
    health: HealthProcess, speak: Speak
) -> None:
    collector = await speak("collector", "c1")
    signaler = await speak("signaler", "s1")
    await soon(health.is_healthy)
    sound = signaler.components
    signaler.components = (ComponentState(name="gemini_api", status="warning", message="budget spent"),)
    await soon(lambda: health.has_status("degraded", 200))
    assert (await health.component("gemini_api"))["message"] == "budget spent"
    signaler.components = sound
    await soon(health.is_healthy)

    with pytest.raises(TransientError):
        await collector.bus.publish(signal())
    await soon(lambda: health.has_status("degraded", 200))
    rows = {row["name"]: row for row in (await health.detail())["services"]}
    refusal = 'nats: permissions violation for publish to "signal.generated.krw-btc"'
    assert (rows["collector"]["status"], rows["collector"]["message"]) == ("unhealthy", refusal)
    assert "message" not in rows["signaler"]
    assert (await health.http.get("/health")).json()["flaws"] == [f"collector: c1 {refusal}"]


async def test_a_job_without_success_for_three_intervals_is_unhealthy_and_a_waiting_order_a_warning(
    health: HealthProcess, speak: Speak, database_url: str
) -> None:
    late = utc_now() - timedelta(seconds=31)
    jobs = tuple(
        job.model_copy(update={"last_success_at": late}) if job.job_name == "data_collection" else job
        for job in healthy_jobs("collector")
    )
    await speak("collector", "c1", jobs)
    await speak("signaler", "s1")
    await soon(lambda: health.blames("scheduler", "data_collection: no success"))
    assert (await health.detail())["code"] == 503

    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "INSERT INTO orders (id, symbol, side, order_type, status, identifier, created_at)"
        " VALUES (gen_random_uuid(), 'KRW-BTC', 'bid', 'limit', 'wait', 'a', now() - interval '11 minutes')"
    )
    await connection.close()
    await soon(lambda: health.blames("recent_orders", "11 min"))


async def test_two_hundred_parallel_callers_ask_the_bus_once(
    health: HealthProcess, speak: Speak, fresh_nats: NatsServer
) -> None:
    await speak("collector", "c1")
    await speak("signaler", "s1")
    await soon(health.is_healthy)
    asked: list[bytes] = []
    listener = await nats_client.connect(fresh_nats.url())

    async def on_check(message: Msg) -> None:
        asked.append(message.data)

    await listener.subscribe("health.check", cb=on_check)
    began = time.monotonic()
    await subscribed(listener)
    answers = await asyncio.gather(*(health.http.get("/health/detail") for _ in range(200)))
    await listener.flush()
    seconds = time.monotonic() - began
    await listener.close()
    # 503 where this process was too busy to let its two instances answer.
    assert {answer.status_code for answer in answers} <= {200, 503}
    # An answer is kept for 5 s.
    assert len(asked) <= 1 + seconds // 5


async def test_before_anything_is_reached_health_serves_and_says_so(
    start_health: StartHealth, database: str, postgres: PostgresServer
) -> None:
    nowhere = "127.0.0.1:9"
    health = await start_health(f"postgresql://bongsu_health@{nowhere}/bongsu", f"nats://{nowhere}")
    detail = await health.detail()
    assert detail["code"] == 503
    assert tuple(component["name"] for component in detail["components"]) == COMPONENTS
    assert "not reached yet" in (await health.component("database"))["message"]
    assert "not reached yet" in (await health.component("upbit_api"))["message"]
    assert (await health.services())["health"] != [None]
    assert (await health.http.get("/health/ready")).status_code == 503
    assert await health.stop() == 0
