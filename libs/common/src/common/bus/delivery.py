"""Delivery of messages to handlers: each is acknowledged, redelivered, or becomes a dead letter.

Done → ack. TransientError → nak with a delay of 1, 2, then 4 s, for as long as it lasts; it never counts
as a try. PermanentError → DEAD at once. Anything unclassified → nak, and DEAD at its 5th try. Out of memory,
which no message is to blame for → nak, and the third in a row ends the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeVar

import structlog
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from opentelemetry.trace import SpanKind

from common.bus.dead_letters import DeadCategory, DeadHeader, dead_subject
from common.bus.decoder import UnreadableError, read_event
from common.errors import PermanentError, TransientError
from common.events import Event
from common.masking import mask_sensitive
from common.streams import DEAD
from common.telemetry.instruments import messages
from common.telemetry.names import Attribute, AttributeValue, LogEvent, SpanName
from common.telemetry.spans import extract_trace, fail_span, inject_trace, span

EventT = TypeVar("EventT", bound=Event)

MAX_TRIES = 5
OUT_OF_MEMORY_TRIES = 3
IN_PROGRESS_SECONDS = 1.0
DELAYS_SECONDS = (1.0, 2.0, 4.0)
REMEMBERED = 10_000


@dataclass(frozen=True)
class Delivery:
    """Where a message stands: when it was stored, and how often it has been delivered, this time included."""

    subject: str
    sequence: int
    stored_at: datetime
    count: int


class Sender(Protocol):
    """What is needed to send a dead letter."""

    async def send(self, subject: str, body: bytes, *, headers: dict[str, str], stream: str | None) -> None:
        """Send bytes to a stream; TransientError when it was not acknowledged."""


class Dispatcher:
    """Handles messages by the rule above; the tries of a message are counted in this process."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._tries: OrderedDict[int, int] = OrderedDict()
        self._out_of_memory = 0
        self._log = structlog.get_logger("common.bus.delivery")

    async def handle(
        self, message: Msg, event_type: type[EventT], handler: Callable[[EventT, Delivery], Awaitable[None]]
    ) -> None:
        """Run `handler` on one message, reporting progress while it runs, and settle the message."""
        metadata = message.metadata
        delivery = Delivery(
            subject=message.subject,
            sequence=metadata.sequence.stream,
            stored_at=metadata.timestamp.astimezone(UTC),
            count=metadata.num_delivered,
        )
        parent = extract_trace(message.headers or {})
        name = SpanName.PROCESS.format(destination=event_type.subject)
        attributes: dict[str, str] = {
            Attribute.MESSAGING: AttributeValue.NATS,
            Attribute.MESSAGING_OPERATION: AttributeValue.PROCESS,
            Attribute.MESSAGING_TYPE: AttributeValue.PROCESS,
            Attribute.DESTINATION_TEMPLATE: event_type.subject,
            Attribute.DESTINATION: message.subject,
            Attribute.CONSUMER: metadata.consumer,
        }
        with span(name, kind=SpanKind.CONSUMER, parent=parent, attributes=attributes) as current:
            try:
                async with _in_progress(message):
                    event = read_event(message.data, event_type, subject=message.subject)
                    await handler(event, delivery)
            except TransientError as error:
                fail_span(current, error)
                await self._nak(message, delivery, error, error.retry_after_seconds)
            except MemoryError as error:
                fail_span(current, error)
                await self._nak(message, delivery, error, None)
                self._end_when_out_of_memory()
            except PermanentError as error:
                fail_span(current, error)
                await self._dead_letter(message, delivery, error)
            except asyncio.CancelledError:
                await _settle(message, message.nak(delay=0.1), "handed_back")
                raise
            except Exception as error:  # noqa: BLE001  the one edge where every handler's failure ends
                fail_span(current, error)
                await self._nak_or_dead_letter(message, delivery, error)
            else:
                self._tries.pop(delivery.sequence, None)
                self._out_of_memory = 0
                await _settle(message, message.ack(), "acknowledged")

    async def _nak(self, message: Msg, delivery: Delivery, error: Exception, delay: float | None) -> None:
        seconds = _delay_after(delivery.count) if delay is None else delay
        self._log.warning(
            LogEvent.MESSAGE_HANDED_BACK,
            subject=delivery.subject,
            sequence=delivery.sequence,
            delay_seconds=seconds,
            error=str(error) or type(error).__name__,
        )
        await _settle(message, message.nak(delay=seconds), "handed_back")

    def _end_when_out_of_memory(self) -> None:
        """Have the process stop as on SIGTERM: only a new one has memory again."""
        self._out_of_memory += 1
        if self._out_of_memory == OUT_OF_MEMORY_TRIES:
            self._log.critical(LogEvent.MEMORY_EXHAUSTED, tries=self._out_of_memory)
            signal.raise_signal(signal.SIGTERM)

    async def _nak_or_dead_letter(self, message: Msg, delivery: Delivery, error: Exception) -> None:
        tries = self._tries.get(delivery.sequence, 0) + 1
        self._tries[delivery.sequence] = tries
        while len(self._tries) > REMEMBERED:
            self._tries.popitem(last=False)
        if tries >= MAX_TRIES:
            await self._dead_letter(message, delivery, error)
        else:
            self._log.error(
                LogEvent.MESSAGE_HANDED_BACK, sequence=delivery.sequence, tries=tries, exc_info=error
            )
            await _settle(message, message.nak(delay=_delay_after(tries)), "handed_back")

    async def _dead_letter(self, message: Msg, delivery: Delivery, error: Exception) -> None:
        reason = mask_sensitive(f"{type(error).__name__}: {error}").replace("\n", " ")[:1000]
        subject = dead_subject(delivery.subject)
        headers = {
            # Without the consumer's name, so that a message which two give up is one dead letter.
            "Nats-Msg-Id": f"{subject}:{delivery.sequence}",
            DeadHeader.REASON: reason,
            DeadHeader.CATEGORY: _category(error),
            DeadHeader.CONSUMER: message.metadata.consumer,
            DeadHeader.SEQUENCE: str(delivery.sequence),
            DeadHeader.DELIVERIES: str(delivery.count),
        }
        try:
            await self._sender.send(subject, message.data, headers=inject_trace(headers), stream=DEAD)
        except TransientError as failure:
            # Not kept yet, so not given up: it is redelivered and becomes a dead letter then.
            await self._nak(message, delivery, failure, failure.retry_after_seconds)
            return
        self._log.error(
            LogEvent.MESSAGE_DEAD, subject=delivery.subject, sequence=delivery.sequence, error=reason
        )
        self._tries.pop(delivery.sequence, None)
        await _settle(message, message.term(), "dead")


def _delay_after(tries: int) -> float:
    return DELAYS_SECONDS[min(tries, len(DELAYS_SECONDS)) - 1]


def _category(error: Exception) -> DeadCategory:
    if isinstance(error, UnreadableError):
        return DeadCategory.SCHEMA if error.is_json else DeadCategory.JSON
    return DeadCategory.REFUSED if isinstance(error, PermanentError) else DeadCategory.FAILED


@contextlib.asynccontextmanager
async def _in_progress(message: Msg) -> AsyncIterator[None]:
    """Tell the server every second that a handler lives; without it a long one would be delivered twice."""

    async def report() -> None:
        while True:
            await asyncio.sleep(IN_PROGRESS_SECONDS)
            with _ignore_lost_answer():
                await message.in_progress()

    reporter = asyncio.create_task(report())
    try:
        yield
    finally:
        reporter.cancel()


async def _settle(message: Msg, answer: Awaitable[None], outcome: str) -> None:
    messages().add(1, {Attribute.CONSUMER: message.metadata.consumer, Attribute.OUTCOME: outcome})
    with _ignore_lost_answer():
        await answer


def _ignore_lost_answer() -> contextlib.suppress:
    """Ignore that an answer is lost: the message comes again after ack_wait, and its effect is idempotent."""
    return contextlib.suppress(NatsError, OSError, TimeoutError)
