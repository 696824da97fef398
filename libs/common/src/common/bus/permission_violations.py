"""Permission violations: NATS reports one apart from the call it refuses, which itself only times out."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import structlog

from common.errors import PUT_RIGHT_SECONDS, TransientError
from common.masking import mask_sensitive
from common.telemetry.names import LogEvent

SHOWN_SECONDS = 60.0
SUBSCRIPTION = "permissions violation for subscription"


class PermissionViolations:
    """Those of one connection: each is one error line a minute, the newest is shown for a minute.

    That of a subscription is shown as long as the connection lasts: until then nothing is received on it.
    """

    def __init__(self) -> None:
        self._newest: tuple[str, float] | None = None
        self._refused_subscription: str | None = None
        self._logged_at: dict[str, float] = {}
        self._waits: dict[str, set[asyncio.Timeout]] = {}
        self._log = structlog.get_logger("common.bus")

    def record(self, text: str) -> None:
        """Record what the server said, and end every wait for an answer that will not come."""
        text, now = mask_sensitive(text), time.monotonic()
        self._newest = (text, now)
        if SUBSCRIPTION in text:
            self._refused_subscription = text
        self._logged_at = {known: at for known, at in self._logged_at.items() if now - at < SHOWN_SECONDS}
        if text not in self._logged_at:
            self._logged_at[text] = now
            self._log.error(LogEvent.BUS_REFUSED, error=text)
        for subject, waits in self._waits.items():
            # nats-py gives the text in small letters.
            if f'publish to "{subject.lower()}"' in text.lower():
                for wait in waits:
                    if not wait.expired():
                        wait.reschedule(asyncio.get_running_loop().time())

    def connection_ended(self) -> None:
        """Forget the subscriptions that were refused; the next connection asks for them again."""
        self._refused_subscription = None
        if self._newest and SUBSCRIPTION in self._newest[0]:
            self._newest = None

    @property
    def newest(self) -> str | None:
        """What was refused last, None when that is over."""
        if self._newest and time.monotonic() - self._newest[1] <= SHOWN_SECONDS:
            return self._newest[0]
        return self._refused_subscription

    @contextlib.asynccontextmanager
    async def raise_on_refusal(self, subject: str) -> AsyncIterator[None]:
        """Raise TransientError as soon as NATS refuses what is published to `subject` inside."""
        wait = asyncio.timeout(None)
        waits = self._waits.setdefault(subject, set())
        waits.add(wait)
        try:
            async with wait:
                yield
        except TimeoutError as error:
            if not wait.expired():
                raise
            raise TransientError(
                f"{subject}: NATS does not allow this user to publish it",
                retry_after_seconds=PUT_RIGHT_SECONDS,
            ) from error
        finally:
            waits.discard(wait)
            if not waits:
                self._waits.pop(subject, None)
