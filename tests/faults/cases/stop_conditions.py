"""Conditions in which a service is stopped; each holds for the length of a block."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from common.clock import utc_now
from harness.servers import frozen
from harness.stack import Stack
from servers.simulators import Simulator
from servers.waiting import eventually

# A closed minute's page comes 2 s after the next one began: then a decision is asked for.
DECIDING_SECONDS = (3, 12)
MINUTE_SECONDS = 60

# More calls than are made; counting down shows from outside that one was met.
MANY = 100_000
ASKED_SECONDS = 75.0

Block = Callable[[Stack], AbstractAsyncContextManager[None]]


@dataclass(frozen=True)
class Condition:
    """One of them.

    Attributes:
        beforehand: It begins before the services are started, and not when they are ready.
        while_starting: They are stopped before they are ready.
        until_met: Returns when one of them has met the condition; they are stopped only then.
    """

    name: str
    block: Block
    beforehand: bool = False
    while_starting: bool = False
    until_met: Callable[[Stack], Awaitable[None]] | None = None


@asynccontextmanager
async def _nothing(_: Stack) -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def _fault(
    simulator: Simulator, kind: str, *, count: int | None = None, **params: Any
) -> AsyncIterator[None]:
    await asyncio.to_thread(lambda: simulator.switch_on(kind, count=count, **params))
    try:
        yield
    finally:
        await asyncio.to_thread(simulator.switch_all_off)


@asynccontextmanager
async def _upbit_fails(stack: Stack) -> AsyncIterator[None]:
    async with _fault(stack.upbit, "http_error", status=502):
        yield


@asynccontextmanager
async def _upbit_is_slow(stack: Stack) -> AsyncIterator[None]:
    async with _fault(stack.upbit, "slow", delay_seconds=3):
        yield


@asynccontextmanager
async def _gemini_fails(stack: Stack) -> AsyncIterator[None]:
    async with _fault(stack.gemini, "http_error", count=MANY, status=503):
        await _until_decisions_are_due()
        yield


@asynccontextmanager
async def _gemini_hangs(stack: Stack) -> AsyncIterator[None]:
    async with _fault(stack.gemini, "hang", count=MANY, routes="generations"):
        await _until_decisions_are_due()
        yield


async def _until_gemini_was_asked(stack: Stack) -> None:
    async def was_asked() -> bool:
        faults = await asyncio.to_thread(stack.gemini.get, "/_control/faults")
        return any(fault["count_left"] < MANY for fault in faults["active"])

    await eventually(was_asked, ASKED_SECONDS)


async def _until_decisions_are_due() -> None:
    first, last = DECIDING_SECONDS
    if not first <= utc_now().second <= last:
        await asyncio.sleep((first - utc_now().timestamp()) % MINUTE_SECONDS)


@asynccontextmanager
async def _postgres_is_frozen(stack: Stack) -> AsyncIterator[None]:
    with frozen(stack.running.postgres.pid):
        yield


@asynccontextmanager
async def _nats_is_frozen(stack: Stack) -> AsyncIterator[None]:
    with frozen(stack.running.nats.pid):
        yield


@asynccontextmanager
async def _postgres_is_down(stack: Stack) -> AsyncIterator[None]:
    await asyncio.to_thread(stack.running.postgres.stop)
    try:
        yield
    finally:
        # Not in a thread: the server would end with it.
        stack.running.postgres.start()


@asynccontextmanager
async def _nats_is_down(stack: Stack) -> AsyncIterator[None]:
    await asyncio.to_thread(stack.running.nats.stop)
    try:
        yield
    finally:
        stack.running.nats.start()


POSTGRES_FROZEN = Condition("with PostgreSQL frozen", _postgres_is_frozen)
CONDITIONS = (
    Condition("starting", _nothing, while_starting=True),
    Condition("at rest", _nothing),
    Condition("in a slow call of Upbit", _upbit_is_slow, beforehand=True),
    Condition("in retries of Upbit", _upbit_fails),
    Condition("in retries of Gemini", _gemini_fails, beforehand=True),
    Condition(
        "in a Gemini call that hangs", _gemini_hangs, beforehand=True, until_met=_until_gemini_was_asked
    ),
    POSTGRES_FROZEN,
    Condition("with PostgreSQL down", _postgres_is_down),
    Condition("with NATS frozen", _nats_is_frozen),
    Condition("with NATS down", _nats_is_down),
)
