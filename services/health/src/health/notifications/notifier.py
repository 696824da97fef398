"""Who hears of a change without looking? Whoever NOTIFY_URL names, once of each.

That is each change of the overall state, and each new dead message. Two loops: one looks and queues, the
other posts in order and notes what is out; health waits for neither. Of several health instances one tells
(`turn.py`). What is not noted when a process ends is told by the next one, where it still holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog

from common.bus.broker import Bus
from common.errors import PermanentError, TransientError
from common.streams import DEAD
from common.tasks import cancel_tasks, run_forever
from common.telemetry.names import LogEvent
from health.checks.aggregate import summarize
from health.instances.registry import Registry
from health.notifications import messages as notices
from health.notifications.checkpoint import Told
from health.notifications.dead_reader import next_dead
from health.notifications.debounce import Settling
from health.notifications.leader import Turn
from health.notifications.messages import Notice
from health.probes.streams import StreamProbe
from health.service import HealthService

if TYPE_CHECKING:
    from health.notifications.webhook import Webhook

LOOK_SECONDS = 1.0
# Behind the adapter's own retries.
AGAIN_SECONDS = 30.0
QUEUE_SIZE = 100
# So many dead messages at once are told one by one.
DEAD_ONE_BY_ONE = 20


class Notifier:
    """Tells; `count` hears how each notice ended: `sent`, `failed`, `dropped`."""

    def __init__(
        self,
        *,
        instance: str,
        bus: Bus,
        answers: HealthService,
        registry: Registry,
        streams: StreamProbe,
        webhook: Webhook,
        count: Callable[[str], None],
        settle_seconds: float,
    ) -> None:
        self._bus = bus
        self._answers = answers
        self._streams = streams
        self._webhook = webhook
        self._count = count
        self._settling = Settling(settle_seconds)
        self._turn = Turn(bus, registry, instance=instance, on_lost=self._on_lost)
        self._tasks: list[asyncio.Task[None]] = []
        self._log = structlog.get_logger("health.notifications.notifier")
        self._queue: deque[Notice] = deque()
        self._is_waiting = asyncio.Event()
        # What will have been told once the queue is empty.
        self._ahead = Told()

    def start(self) -> None:
        """Begin to look and to tell."""
        loops: tuple[tuple[str, Callable[[], Awaitable[None]]], ...] = (
            ("notifier", self._look_always),
            ("notifier_posts", self._post_all),
        )
        self._tasks = [asyncio.create_task(run_forever(name, work)) for name, work in loops]

    async def stop(self) -> None:
        """Stop at once."""
        await cancel_tasks(self._tasks)
        await self._webhook.close()

    async def _look_always(self) -> None:
        while True:
            # The bus that is away says so itself, and the next look is a second away.
            with contextlib.suppress(TransientError):
                await self._look()
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        detail = await self._answers.detail()
        settled = self._settling.observe(detail.status, time.monotonic())
        if settled and self._bus.is_connected:
            had_it = self._turn.is_ours
            await self._turn.take(status=settled, dead_sequence=self._newest_dead())
            if not had_it:
                self._ahead = self._turn.told
        if not self._turn.is_ours:
            return
        before = self._ahead.status
        if settled and settled != before:
            self._settling.note_told(time.monotonic())
            self._add(notices.of_change(settled, summarize(detail), before))
        if self._bus.is_connected and not self._queue:
            await self._add_dead()

    def _newest_dead(self) -> int | None:
        fills = self._streams.reading.fills
        return next((fill.last_sequence for fill in fills if fill.name == DEAD and not fill.is_missing), None)

    async def _add_dead(self) -> None:
        last, after = self._newest_dead(), self._ahead.dead_sequence
        if last is None:
            return
        if after is None:
            # Nobody knows what was told: from now on.
            self._ahead = self._ahead.model_copy(update={"dead_sequence": last})
            return
        if last < after:
            # The stream was made anew.
            after = 0
        if last - after > DEAD_ONE_BY_ONE:
            self._add(notices.of_many_dead(after, last))
            return
        while after < last and (found := await next_dead(self._bus, after)):
            after = found.seq or last
            self._add(notices.of_dead(found.subject or "", after, dict(found.headers or {}), found.time))

    def _add(self, notice: Notice) -> None:
        if len(self._queue) >= QUEUE_SIZE:
            self._queue.popleft()
            self._count("dropped")
            self._log.error(LogEvent.NOTIFICATION_DROPPED, error=f"{QUEUE_SIZE} wait")
        self._queue.append(notice)
        self._ahead = _behind(self._ahead, notice)
        self._is_waiting.set()

    def _on_lost(self, told: Told, newest: Told) -> None:
        """Leave the rest to another; what only this instance saw, it takes back itself."""
        self._queue.clear()
        status = newest.telling or newest.status
        if status and status != told.status:
            self._add(notices.of_return(status))
        self._ahead = newest

    async def _post_all(self) -> None:
        while True:
            await self._is_waiting.wait()
            while self._queue:
                await self._tell(self._queue[0])
            self._is_waiting.clear()

    async def _tell(self, notice: Notice) -> None:
        if not (notice.is_correction or await self._may_tell(notice)):
            self._leave(notice)
            return
        try:
            await self._webhook.post(notice.text)
        except TransientError as error:
            self._log.warning(LogEvent.NOTIFICATION_FAILED, error=str(error), again_seconds=AGAIN_SECONDS)
            await asyncio.sleep(AGAIN_SECONDS)
            return
        except PermanentError as error:
            self._count("failed")
            self._log.error(LogEvent.NOTIFICATION_FAILED, error=str(error))
        else:
            self._count("sent")
            self._log.info(LogEvent.NOTIFICATION_SENT, status=notice.status, dead=notice.dead_sequence)
        self._leave(notice)
        if not notice.is_correction:
            await self._turn.note(_behind(self._turn.told, notice))

    async def _may_tell(self, notice: Notice) -> bool:
        """Write down that a state is being told; return whether it is this instance that tells."""
        if await self._turn.is_still_ours() and notice.status:
            await self._turn.note(self._turn.told.model_copy(update={"telling": notice.status}))
        return self._turn.is_ours

    def _leave(self, notice: Notice) -> None:
        # While it was posted, it may have been dropped.
        with contextlib.suppress(ValueError):
            self._queue.remove(notice)


def _behind(told: Told, notice: Notice) -> Told:
    """Return what has been told once a notice is out."""
    if notice.status:
        return told.model_copy(update={"status": notice.status, "telling": None})
    return told.model_copy(update={"dead_sequence": notice.dead_sequence})
