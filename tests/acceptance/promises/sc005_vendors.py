"""SC-005, what health knows from Upbit and Gemini; the whole stack frozen; two hundred callers a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from acceptance.component_states import PROMISE, StateSampler, Transitions, sampled_states
from common.clock import utc_now
from harness.finding import Finding
from harness.servers import frozen, postgres_connection
from harness.stack import Stack, full_stack, in_thread
from servers.simulators import Simulator, simulator
from servers.waiting import eventually

PATHS = ("/health", "/health/detail", "/health/live", "/health/ready", "/api/v1/markets", "/")
FROZEN_SECONDS = 15.0
FROZEN_ANSWER_SECONDS = 1.2
RATE, LOAD_SECONDS, P99_MS = 200, 10, 100.0
# A minute is collected, and decided on, once a minute.
NEXT_MINUTE_SECONDS = 90.0


async def measure() -> list[Finding]:
    """Return the rows of upbit_api and gemini_api, of the load, and of the frozen answer."""
    async with full_stack() as stack:
        load = await _load(stack)
        async with sampled_states(stack.health) as states:
            upbit, gemini = await asyncio.gather(_upbit(stack, states), _gemini(stack, states))
        return [upbit, gemini, load, await _frozen(stack)]


async def _upbit(stack: Stack, states: StateSampler) -> Finding:
    transitions = Transitions("upbit_api", states)
    with _fault(stack.upbit, "http_error", status=503, route="candles"):
        await transitions.expect("warning", "a call for candles failed", since=await _first_retry(stack))
    await transitions.expect("healthy", "candles came again", since=time.monotonic())
    with _fault(stack.upbit, "http_error", status=503, route="ticker"):
        await transitions.expect("unhealthy", "the ping failed", since=time.monotonic())
    await transitions.expect("healthy", "it came through", since=time.monotonic())
    return transitions.finding()


async def _gemini(stack: Stack, states: StateSampler) -> Finding:
    transitions = Transitions("gemini_api", states)
    with _fault(stack.gemini, "unavailable"):
        since = await _decided_by(stack, "rule")
        await transitions.expect("warning", "the rule had to decide", since=since)
    await transitions.expect("healthy", "Gemini decided", since=await _decided_by(stack, "gemini"))
    port = urlsplit(stack.gemini.url).port
    stack.gemini.process.kill()
    await transitions.expect("unhealthy", "its host was killed", since=time.monotonic())
    async with in_thread(simulator("gemini_simulator", port=port)):
        await transitions.expect("healthy", "it was back", since=time.monotonic())
    return transitions.finding()


async def _load(stack: Stack) -> Finding:
    async with aiohttp.ClientSession(str(stack.health.http.base_url)) as session:
        began = time.monotonic()
        asked = [
            asyncio.create_task(_ask(session, began + number / RATE)) for number in range(RATE * LOAD_SECONDS)
        ]
        took_ms = sorted(1000 * seconds for seconds in await asyncio.gather(*asked))
    p50, p99 = took_ms[len(took_ms) // 2], took_ms[int(len(took_ms) * 0.99)]
    return Finding(
        PROMISE,
        f"/health/detail at {RATE} requests/s for {LOAD_SECONDS} s, counted from when each was due",
        f"p99 at most {P99_MS:.0f} ms",
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {took_ms[-1]:.1f} ms",
        holds=p99 <= P99_MS,
    )


async def _ask(session: aiohttp.ClientSession, due: float) -> float:
    await asyncio.sleep(due - time.monotonic())
    async with session.get("/health/detail") as answer:
        await answer.read()
        answer.raise_for_status()
    return time.monotonic() - due


async def _frozen(stack: Stack) -> Finding:
    processes = (stack.upbit, stack.gemini, stack.collector, stack.signaler)
    longest, count = 0.0, 0
    servers = (stack.running.postgres.pid, stack.running.nats.pid)
    with frozen(*servers, *(each.process.pid for each in processes)):
        until = time.monotonic() + FROZEN_SECONDS
        while time.monotonic() < until:
            for path in PATHS:
                began = time.monotonic()
                await stack.health.http.get(path)
                longest, count = max(longest, time.monotonic() - began), count + 1
        detail = await stack.health.detail()
    return Finding(
        PROMISE,
        f"PostgreSQL, NATS, simulators, collector and signaler frozen (SIGSTOP) for {FROZEN_SECONDS:.0f} s",
        f"every path answers within {FROZEN_ANSWER_SECONDS} s and the status is unhealthy",
        f"longest of {count} answers {longest:.2f} s, then {detail['status']}",
        holds=longest <= FROZEN_ANSWER_SECONDS and detail["status"] == "unhealthy",
    )


@contextmanager
def _fault(simulator: Simulator, kind: str, **params: Any) -> Iterator[None]:
    simulator.switch_on(kind, **params)
    try:
        yield
    finally:
        simulator.switch_all_off()


async def _first_retry(stack: Stack) -> float:
    """Wait for the collector's next failed call and return its monotonic time."""
    known = len(stack.collector.events("retry.scheduled"))
    await eventually(lambda: stack.collector.events("retry.scheduled")[known:], NEXT_MINUTE_SECONDS)
    failed = stack.collector.events("retry.scheduled")[known]
    return _monotonic(datetime.fromisoformat(failed["timestamp"]))


async def _decided_by(stack: Stack, source: str) -> float:
    """Wait for the next signal of that source and return when it was made, as monotonic time."""
    since = utc_now()
    newest = "SELECT min(created_at) FROM trading_signals WHERE created_at > $1 AND source = $2"
    async with postgres_connection(stack.running.postgres.url()) as connection:
        moment = await eventually(lambda: connection.fetchval(newest, since, source), NEXT_MINUTE_SECONDS)
    return _monotonic(moment)


def _monotonic(moment: datetime) -> float:
    return time.monotonic() - (utc_now() - moment).total_seconds()
