"""Waits for what another process or task does."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, overload

from nats.aio.client import Client

T = TypeVar("T")

POLL_SECONDS = 0.02
# A bound on hanging, not on speed: a busy machine is no failure.
HANG_SECONDS = 60.0


@overload
async def eventually(predicate: Callable[[], Coroutine[Any, Any, T]], within: float = HANG_SECONDS) -> T: ...


@overload
async def eventually(predicate: Callable[[], T], within: float = HANG_SECONDS) -> T: ...


async def eventually(predicate: Callable[[], Any], within: float = HANG_SECONDS) -> Any:
    """Return the first true value of `predicate`, asked again and again; AssertionError after `within` s.

    An AssertionError that the predicate raises counts as "not yet" and is shown when time is up.
    """
    deadline = time.monotonic() + within
    while True:
        reason: AssertionError | None = None
        try:
            answer = predicate()
            value = await answer if inspect.isawaitable(answer) else answer
            if value:
                return value
        except AssertionError as error:
            reason = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {within} s: {_source(predicate)}") from reason
        await asyncio.sleep(POLL_SECONDS)


def eventually_sync(predicate: Callable[[], T], within: float = HANG_SECONDS) -> T:
    """The same for a test without an event loop."""
    return asyncio.run(eventually(predicate, within))


async def subscribed(client: Client) -> None:
    """Return once the server knows what `client` has subscribed to.

    nats-py sends the ping of a flush ahead of what it still holds; only a second one comes after it.
    """
    await client.flush()
    await client.flush()


def _source(predicate: Callable[..., object]) -> str:
    try:
        return inspect.getsource(predicate).strip()
    except (OSError, TypeError):
        return repr(predicate)
