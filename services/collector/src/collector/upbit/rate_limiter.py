"""Rate limiter of requests to Upbit, whose limits hold for the address that all replicas share."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from common.errors import TransientError

# A longer wait than this is an error: the job that waits has other things to do.
PATIENCE_SECONDS = 5.0
NEXT_SECOND = 1.0
FIRST_BLOCK_SECONDS = 60.0
BLOCKED = 418
TOO_MANY = 429
_REMAINING = re.compile(r"group=(?P<group>[a-z-]+);\s*min=\d+;\s*sec=(?P<sec>\d+)")
_BLOCK_SECONDS = re.compile(r"(\d{1,5})\s*초|(\d{1,5})\s*s")


@dataclass(frozen=True)
class Block:
    """A block of the address: how long it still lasts, and how long it is in all."""

    seconds_left: float
    length_seconds: float


@dataclass(frozen=True)
class _Window:
    """One second of Upbit's: when its first answer came (monotonic s), and how many requests are left."""

    first_answer: float
    left: int


class RateLimiter:
    """One request at a time, none before Upbit allows it.

    An answer states how many requests the address has left in this second and group. Where none is left, the
    next one waits until that second is over for certain: one after the first answer that came in it.
    429 waits a second, 418 waits the stated time, twice as long each time it comes again.

    Args:
        replicas: How many collectors ask from this address; one leaves a request to each of the others,
            which may be about to send it.
        monotonic: The seconds that all waits are counted in.
    """

    def __init__(self, *, replicas: int = 1, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = asyncio.Lock()
        self._left_to_others = replicas - 1
        self._windows: dict[str, _Window] = {}
        self._not_before = 0.0
        self._blocked_until = 0.0
        self._length_seconds = 0.0
        self._unshared = asyncio.Event()

    async def __aenter__(self) -> None:
        await self._lock.acquire()
        try:
            await self.wait_until_allowed()
        except BaseException:
            self._lock.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()

    async def wait_until_allowed(self) -> None:
        """Return when a request may go out; TransientError where that is longer than a call would wait."""
        # Again after each wait: another process may have shared a block meanwhile.
        while self.wait_seconds > 0:
            self.raise_if_blocked(PATIENCE_SECONDS)
            await asyncio.sleep(self.wait_seconds)

    def raise_if_blocked(self, patience_seconds: float = 0.0) -> None:
        """Raise TransientError where the address is blocked for longer than `patience_seconds`."""
        left = self.block.seconds_left
        if left > patience_seconds:
            raise TransientError(
                f"Upbit has blocked this address for another {left:.0f} s", retry_after_seconds=left
            )

    @property
    def wait_seconds(self) -> float:
        """How long no request may go out."""
        return max(0.0, self._not_before - self._monotonic(), self.block.seconds_left)

    @property
    def block(self) -> Block:
        """The block as it is now; without one no seconds are left."""
        return Block(max(0.0, self._blocked_until - self._monotonic()), self._length_seconds)

    def record_answer(self, status: int, headers: Mapping[str, str], body: str) -> None:
        """Take over what an answer says about the next request."""
        if status == BLOCKED:
            self._begin_block(body)
        elif status == TOO_MANY:
            self._pause()
        elif not self.block.seconds_left:
            self._length_seconds = 0.0
            if remaining := _REMAINING.search(headers.get("Remaining-Req", "")):
                self._record_remaining(remaining["group"], int(remaining["sec"]))

    def adopt_block(self, block: Block) -> None:
        """Keep to a block of another process."""
        if block.seconds_left > self.block.seconds_left:
            self._blocked_until = self._monotonic() + block.seconds_left
            self._length_seconds = max(self._length_seconds, block.length_seconds)

    async def unshared_block(self, within_seconds: float) -> Block | None:
        """Return this process's own block, until `mark_shared`; None when none came in time."""
        try:
            await asyncio.wait_for(self._unshared.wait(), within_seconds)
        except TimeoutError:
            return None
        return self.block

    def mark_shared(self) -> None:
        """Record that the others can read of the block."""
        self._unshared.clear()

    def _begin_block(self, body: str) -> None:
        stated = _BLOCK_SECONDS.search(body)
        seconds = float(next(filter(None, stated.groups()))) if stated else 0.0
        # A request on its way when the block began is answered with the same one.
        again = 1 if self.block.seconds_left else 2
        self._length_seconds = max(seconds, FIRST_BLOCK_SECONDS, again * self._length_seconds)
        self._blocked_until = max(self._blocked_until, self._monotonic() + self._length_seconds)
        self._unshared.set()

    def _record_remaining(self, group: str, left: int) -> None:
        now = self._monotonic()
        known = self._windows.get(group)
        is_new = known is None or left >= known.left or now - known.first_answer >= NEXT_SECOND
        first_answer = now if is_new or known is None else known.first_answer
        self._windows[group] = _Window(first_answer, left)
        if left <= self._left_to_others:
            # From the first answer: counted from this one, ten requests would take longer than a second.
            self._pause(first_answer + NEXT_SECOND - now)

    def _pause(self, seconds: float = NEXT_SECOND) -> None:
        self._not_before = max(self._not_before, self._monotonic() + seconds)
