"""When may a request go out to Upbit? Its limits hold for the address, which all replicas share."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
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


class RequestGate:
    """One request at a time, none before Upbit allows it.

    Upbit tells how many requests are left in this second and group, to whoever shares the address. Where none
    is, the next one waits until that second is over for certain: one after the first answer that came in it.
    429 waits a second, 418 waits the stated time, twice as long each time it comes again.

    Args:
        replicas: How many collectors ask from this address; one leaves a request to each of the others,
            which may be about to send it.
    """

    def __init__(self, *, replicas: int = 1) -> None:
        self._lock = asyncio.Lock()
        self._left_to_others = replicas - 1
        self._windows: dict[str, _Window] = {}
        self._not_before = 0.0
        self._blocked_until = 0.0
        self._length_seconds = 0.0
        self._untold = asyncio.Event()

    async def __aenter__(self) -> None:
        await self._lock.acquire()
        try:
            await self.until_allowed()
        except BaseException:
            self._lock.release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()

    async def until_allowed(self) -> None:
        """Return when a request may go out; TransientError where that is longer than a call would wait."""
        # Once more after each wait: a block may have been heard of meanwhile.
        while self.wait_seconds > 0:
            self.refuse_while_blocked(PATIENCE_SECONDS)
            await asyncio.sleep(self.wait_seconds)

    def refuse_while_blocked(self, patience_seconds: float = 0.0) -> None:
        """Raise TransientError where the address is blocked for longer than `patience_seconds`."""
        left = self.block.seconds_left
        if left > patience_seconds:
            raise TransientError(
                f"Upbit has blocked this address for another {left:.0f} s", retry_after_seconds=left
            )

    @property
    def wait_seconds(self) -> float:
        """How long no request may go out."""
        return max(0.0, self._not_before - time.monotonic(), self.block.seconds_left)

    @property
    def block(self) -> Block:
        """The block as it is now; without one no seconds are left."""
        return Block(max(0.0, self._blocked_until - time.monotonic()), self._length_seconds)

    def note(self, status: int, headers: Mapping[str, str], body: str) -> None:
        """Take over what an answer says about the next request."""
        if status == BLOCKED:
            self._begin_block(body)
        elif status == TOO_MANY:
            self._pause()
        elif not self.block.seconds_left:
            self._length_seconds = 0.0
            if remaining := _REMAINING.search(headers.get("Remaining-Req", "")):
                self._note_remaining(remaining["group"], int(remaining["sec"]))

    def take_over(self, block: Block) -> None:
        """Keep to a block that another process was told."""
        if block.seconds_left > self.block.seconds_left:
            self._blocked_until = time.monotonic() + block.seconds_left
            self._length_seconds = max(self._length_seconds, block.length_seconds)

    async def untold_block(self, within_seconds: float) -> Block | None:
        """Return a block that Upbit told this process, until `has_told`; None when none came in time."""
        try:
            await asyncio.wait_for(self._untold.wait(), within_seconds)
        except TimeoutError:
            return None
        return self.block

    def has_told(self) -> None:
        """The others know of the block."""
        self._untold.clear()

    def _begin_block(self, body: str) -> None:
        stated = _BLOCK_SECONDS.search(body)
        seconds = float(next(filter(None, stated.groups()))) if stated else 0.0
        # What was on its way when the block began is told of the same one.
        again = 1 if self.block.seconds_left else 2
        self._length_seconds = max(seconds, FIRST_BLOCK_SECONDS, again * self._length_seconds)
        self._blocked_until = max(self._blocked_until, time.monotonic() + self._length_seconds)
        self._untold.set()

    def _note_remaining(self, group: str, left: int) -> None:
        now = time.monotonic()
        known = self._windows.get(group)
        is_new = known is None or left >= known.left or now - known.first_answer >= NEXT_SECOND
        first_answer = now if is_new or known is None else known.first_answer
        self._windows[group] = _Window(first_answer, left)
        if left <= self._left_to_others:
            # From the first answer: counted from this one, ten requests would take longer than a second.
            self._pause(first_answer + NEXT_SECOND - now)

    def _pause(self, seconds: float = NEXT_SECOND) -> None:
        self._not_before = max(self._not_before, time.monotonic() + seconds)
