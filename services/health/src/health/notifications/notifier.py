"""Notifier: posts each change of the overall state and each dead letter at least once, and in order.

Two loops: one looks and queues, the other posts and records what was delivered, so a slow receiver delays no
look. Of several replicas the leader posts. The others queue the same changes and drop them once the leader
has recorded them, so what a dying leader leaves is delivered by the next one.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog
from nats.errors import Error as NatsError
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from common.bus.broker import Bus
from common.errors import PermanentError, TransientError
from common.streams import DEAD
from common.tasks import Background
from common.telemetry.names import LogEvent
from health.checks.aggregate import summarize
from health.notifications import messages
from health.notifications.debounce import Debounce
from health.notifications.leader import Leader
from health.notifications.messages import Notification
from health.schemas import DetailedHealthResponse, OverallStatus

if TYPE_CHECKING:
    from health.notifications.webhook import Webhook

LOOK_SECONDS = 1.0
# After the adapter's own retries; doubles with each failure, up to the most.
AGAIN_SECONDS = 30.0
MOST_AGAIN_SECONDS = 120.0
QUEUE_SIZE = 100
# Longer than a dead leader counts as live.
KEPT_SECONDS = 30.0
# Up to so many dead letters at once have a notification each.
DEAD_ONE_BY_ONE = 20


class Notifier(Background):
    """The notifications of one instance.

    Args:
        detail: Returns what is judged now.
        newest_dead: Returns the sequence of the newest dead letter, None while it is not known.
        count: Called with how a notification ended: `sent`, `failed`, `dropped`.
    """

    def __init__(
        self,
        *,
        bus: Bus,
        leader: Leader,
        debounce: Debounce,
        webhook: Webhook,
        detail: Callable[[], Awaitable[DetailedHealthResponse]],
        newest_dead: Callable[[], int | None],
        count: Callable[[str], None],
    ) -> None:
        super().__init__("notifier", self._look_always, self._deliver_always)
        self._bus = bus
        self._leader = leader
        self._debounce = debounce
        self._webhook = webhook
        self._detail = detail
        self._newest_dead = newest_dead
        self._count = count
        self._log = structlog.get_logger("health.notifications.notifier")
        self._queue: deque[Notification] = deque()
        self._is_due = asyncio.Event()
        # The overall state once the queue is delivered; None where a dead leader may have delivered any.
        self._announced: OverallStatus | None = None
        self._changed_at = 0.0

    async def stop(self) -> None:
        """Stop at once."""
        await super().stop()
        await self._webhook.close()

    async def look(self, now: float) -> None:
        """Queue what has changed since the last look; `now` is monotonic, in seconds."""
        detail = await self._detail()
        settled = self._debounce.observe(detail.status, now)
        if settled:
            # By now the heartbeats of a live leader have been received.
            await self._lead_or_follow(settled, now)
            if settled != self._announced:
                self._debounce.record_change(now)
                self._add(messages.of_change(settled, summarize(detail), self._announced))
                self._announced, self._changed_at = settled, now
        if self._leader.is_leader:
            if self._bus.is_connected and not self._queue:
                await self._add_dead_letters()
            if self._queue:
                self._is_due.set()

    async def deliver(self) -> None:
        """Post what is queued, in order, while this instance leads.

        Raises:
            TransientError: A post was not taken, or not answered; it stays first in the queue.
        """
        while self._queue and self._leader.is_leader:
            notification = self._queue[0]
            # Should this instance die now, the next leader must not trust the state recorded before.
            is_first_try = self._leader.checkpoint.status is not None
            if notification.status and is_first_try and not await self._leader.record(status=None):
                return
            await self._post(notification)
            await self._leader.record(**notification.delivered)
            # While it was posted, it may have been dropped.
            with contextlib.suppress(ValueError):
                self._queue.remove(notification)

    async def _look_always(self) -> None:
        while True:
            # NATS says itself that it is away, and the next look is a second away.
            with contextlib.suppress(TransientError):
                await self.look(time.monotonic())
            await asyncio.sleep(LOOK_SECONDS)

    async def _deliver_always(self) -> None:
        again_seconds = AGAIN_SECONDS
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            try:
                await self.deliver()
            except TransientError as error:
                self._log.warning(LogEvent.NOTIFICATION_FAILED, error=str(error), again_seconds=again_seconds)
                await asyncio.sleep(again_seconds)
                again_seconds = min(2 * again_seconds, MOST_AGAIN_SECONDS)
            else:
                again_seconds = AGAIN_SECONDS

    async def _lead_or_follow(self, settled: OverallStatus, now: float) -> None:
        was_leader = self._leader.is_leader
        await self._leader.acquire()
        recorded = self._leader.checkpoint.status
        # A leader that was still live so long after the last change has left nothing undelivered.
        is_delivered = recorded == settled and now - self._changed_at > KEPT_SECONDS
        if not was_leader and (not self._queue or is_delivered):
            self._queue.clear()
            self._announced = recorded

    async def _add_dead_letters(self) -> None:
        last, after = self._newest_dead(), self._leader.checkpoint.dead_sequence
        if last is None:
            return
        if after is None:
            # What was there before the first record is not new.
            await self._leader.record(dead_sequence=last)
            return
        if last < after:
            # The stream was made again.
            after = 0
        if last - after > DEAD_ONE_BY_ONE:
            self._add(messages.of_many_dead(after, last))
            return
        while after < last and (found := await _next_dead_letter(self._bus, after)):
            after = found.seq or last
            self._add(messages.of_dead(found.subject or "", after, dict(found.headers or {}), found.time))

    def _add(self, notification: Notification) -> None:
        if len(self._queue) >= QUEUE_SIZE:
            self._queue.popleft()
            self._count("dropped")
            self._log.error(LogEvent.NOTIFICATION_DROPPED, error=f"{QUEUE_SIZE} wait")
        self._queue.append(notification)

    async def _post(self, notification: Notification) -> None:
        try:
            await self._webhook.post(notification.text)
        except PermanentError as error:
            self._count("failed")
            self._log.error(LogEvent.NOTIFICATION_FAILED, error=str(error))
        else:
            self._count("sent")
            self._log.info(
                LogEvent.NOTIFICATION_SENT, status=notification.status, dead=notification.dead_sequence
            )


async def _next_dead_letter(bus: Bus, after: int) -> RawStreamMsg | None:
    """Return the oldest message in DEAD after a sequence, None without one; nothing is taken out.

    Raises:
        TransientError: DEAD cannot be read.
    """
    try:
        return await bus.jetstream.get_msg(DEAD, seq=after + 1, subject=">", next=True)
    except NotFoundError:
        return None
    except (NatsError, OSError, TimeoutError) as error:
        raise TransientError(f"{DEAD} cannot be read: {type(error).__name__}") from error
