"""No secret leaves a process by its log, its spans, its last words, or on the bus."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from common.bus.broker import Bus
from common.events import (
    ComponentState,
    ConfigChanged,
    Event,
    JobFinished,
    JobState,
    ServiceHeartbeat,
)
from integration.common.speaking import BASE, Speak, kept, signal
from integration.common.telemetry import leaking
from servers.otlp import SpanReceiver, span_receiver
from servers.surroundings import surroundings
from servers.waiting import eventually, subscribed

TESTS = Path(__file__).parents[3]
LEAKED = f"refused with api_key={'k' * 12} by Upbit"


@pytest.fixture
def canary() -> str:
    """A secret that is new."""
    return secrets.token_urlsafe(30)


async def leak(canary: str) -> tuple[str, str, SpanReceiver]:
    """Return what the leaking process wrote to standard output and error, and what it exported."""
    async with span_receiver() as receiver:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", leaking.__name__),
            env=surroundings(
                PYTHONPATH=str(TESTS),
                CANARY=canary,
                OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
                OTEL_RESOURCE_ATTRIBUTES=f"deployment.token={canary}",
            ),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
    assert process.returncode == 1
    return out.decode(), err.decode(), receiver


async def test_no_log_line_span_or_last_word_holds_a_secret_and_an_uncaught_error_is_one_line(
    canary: str,
) -> None:
    out, err, receiver = await leak(canary)
    assert canary not in out
    assert err == ""
    exported = b"".join(receiver.bodies)
    assert canary.encode() not in exported
    # All of it was there, but for the secret.
    logged = {record.body: record for record in receiver.logs}
    assert logged["leaked"].attributes | {"instance": ""} == {
        "token": "***",
        "text": "it is ***",
        "nested": [{"deep": "***"}],
        "service": "collector",
        "instance": "",
    }
    assert logged["leaked ***"].logger == "library"
    assert any(record.logger == "py.warnings" and "leaked ***" in record.body for record in receiver.logs)
    assert "ValueError: logged: ***" in logged["failed"].attributes["exception.stacktrace"]
    for piece in (b"to ***", b"event ***", b"recorded ***", b"status ***", b"deployment.token", b"plain"):
        assert piece in exported
    assert b"abc" not in exported

    lines: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    uncaught = {line["where"]: line for line in lines if line["event"] == "error.uncaught"}
    assert set(uncaught) == {"main", "worker", "a finalizer"}
    assert {line["level"] for line in uncaught.values()} == {"critical"}
    assert "ValueError: in the end: ***" in uncaught["main"]["exception"]
    assert "ValueError: in a thread: ***" in uncaught["worker"]["exception"]
    assert "ValueError: finalized: ***" in uncaught["a finalizer"]["exception"]
    (task,) = [line for line in lines if line["logger"] == "asyncio"]
    assert "ValueError: in a task: ***" in task["exception"]


@pytest.fixture
async def bus(speak: Speak) -> Bus:
    """A bus that may publish everything a signaler does."""
    return await speak("signaler")


def finished(job_name: str = "signal_generation") -> JobFinished:
    """Return a failed run whose error tells a secret."""
    return JobFinished(
        service="signaler",
        instance="s-1",
        job_name=job_name,
        run_id="r1",
        outcome="failed",
        reason=LEAKED,
        duration_ms=1.0,
        attempts=1,
        error=LEAKED,
        finished_at=BASE,
        trace_id="0" * 32,
    )


def heartbeat() -> ServiceHeartbeat:
    """Return an instance's word with a secret in a component and in a job."""
    return ServiceHeartbeat(
        service="signaler",
        instance="s-1",
        version="1",
        started_at=BASE,
        uptime_s=1,
        sent_at=BASE,
        jobs=(JobState(job_name="j", interval_seconds=1, next_run_at=None, last_error=LEAKED),),
        components=(ComponentState(name="gemini_api", status="warning", message=LEAKED),),
    )


async def test_no_event_on_a_stream_holds_a_secret_and_a_text_without_end_is_cut(
    bus: Bus, jetstream: JetStreamContext
) -> None:
    events: dict[str, Event] = {
        "JOBS": finished(),
        "SIGNALS": signal(reasoning=f"{LEAKED} " + "up " * 200_000),
    }
    for stream, event in events.items():
        await bus.publish(event)
        (message,) = await kept(jetstream, stream)
        assert message.data is not None
        assert b"kkkk" not in message.data
        assert b"refused with api_key=*** by Upbit" in message.data
    cut = message.data or b""
    assert "… (cut)".encode() in cut
    assert len(cut) < 34 * 1024


async def test_no_heartbeat_holds_a_secret(bus: Bus, admin: Client) -> None:
    received: list[bytes] = []

    async def on_message(message: Msg) -> None:
        received.append(message.data)

    await admin.subscribe("service.heartbeat.>", cb=on_message)
    await subscribed(admin)
    await bus.publish(heartbeat())
    await eventually(lambda: bool(received))
    assert b"kkkk" not in received[0]
    assert received[0].count(b"api_key=***") == 2


def test_a_secret_someone_else_put_into_an_event_is_gone_when_it_is_read() -> None:
    body = json.dumps({"key": "markets", "revision": 1, "changed_by": LEAKED})
    assert ConfigChanged.model_validate_json(body).changed_by == "refused with api_key=*** by Upbit"
