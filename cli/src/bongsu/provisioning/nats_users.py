"""Who may say and hear what on NATS? A user per service, with what the table of events says of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from common.bus.inbox import inbox_of
from common.events import (
    CandlesClosed,
    ComponentReport,
    ConfigChanged,
    JobFinished,
    ServiceHeartbeat,
    SignalGenerated,
    TickerUpdated,
)
from common.streams import (
    CLAIM_SUBJECT,
    CLAIMS,
    DEAD,
    DEAD_PREFIX,
    DECIDE_ON_CANDLES,
    STORE_CANDLES,
    STREAMS,
    Consumer,
)

# The reconciler, and whoever operates the stack: may do everything.
ADMIN = "admin"
_API = "$JS.API"


@dataclass(frozen=True)
class Rights:
    """All that a user may publish and subscribe to; `answers`: also one reply to what it was asked."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    answers: bool = False


def _every(template: str, **known: str) -> str:
    """Return a subject template with `*` for each part that is not known."""
    return re.sub(r"{(\w+)}", lambda part: known.get(part[1], "*"), template)


def _own_inbox(user: str) -> str:
    return f"{inbox_of(user)}.>"


def _reading(consumer: Consumer) -> tuple[str, ...]:
    """Return what is published to read a durable consumer, to settle its messages and to bury them."""
    name = f"{consumer.stream}.{consumer.name}"
    return (
        f"{_API}.CONSUMER.INFO.{name}",
        f"{_API}.CONSUMER.MSG.NEXT.{name}",
        f"$JS.ACK.{name}.>",
        f"{DEAD_PREFIX}{consumer.subject}",
    )


def _looking_through(stream: str) -> tuple[str, ...]:
    """Return what is published to read a whole stream through a consumer that the server names.

    A durable one cannot be made so: the server refuses one whose name is not in the subject.
    """
    return (
        f"{_API}.CONSUMER.CREATE.{stream}",
        *(f"{_API}.CONSUMER.{call}.{stream}.*" for call in ("INFO", "MSG.NEXT", "DELETE")),
    )


def _service(user: str, *, publish: tuple[str, ...], subscribe: tuple[str, ...] = ()) -> Rights:
    """Return what every service may, and what this one may besides."""
    return Rights(
        publish=(
            _every(JobFinished.subject, service=user),
            _every(CLAIM_SUBJECT, service=user),
            f"{_API}.STREAM.MSG.GET.{CLAIMS}",
            _every(ServiceHeartbeat.subject, service=user),
            # The message by which it knows that it hears.
            _own_inbox(user),
            *publish,
        ),
        subscribe=(_own_inbox(user), ConfigChanged.subject, ComponentReport.subject, *subscribe),
        answers=True,
    )


RIGHTS: Mapping[str, Rights] = {
    "collector": _service(
        "collector",
        publish=(
            _every(CandlesClosed.subject),
            _every(TickerUpdated.subject),
            *_reading(STORE_CANDLES),
        ),
    ),
    "signaler": _service(
        "signaler",
        publish=(_every(SignalGenerated.subject), *_reading(DECIDE_ON_CANDLES)),
    ),
    "health": _service(
        "health",
        publish=(
            ComponentReport.subject,
            # How full each stream is.
            *(f"{_API}.STREAM.INFO.{stream.name}" for stream in STREAMS),
            # Why each dead message is dead, for whoever is notified.
            f"{_API}.STREAM.MSG.GET.{DEAD}",
        ),
        subscribe=(
            _every(ServiceHeartbeat.subject),
            _every(TickerUpdated.subject),
            _every(SignalGenerated.subject),
            _every(JobFinished.subject),
        ),
    ),
    "cli": Rights(
        publish=(ConfigChanged.subject, *_looking_through(str(JobFinished.stream))),
        subscribe=(_own_inbox("cli"), ConfigChanged.subject),
    ),
}
USERS = (ADMIN, *RIGHTS)
