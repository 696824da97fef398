"""Facts of one moment, which the checks judge: what the probes read and what the instances report. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from common.events import INTERRUPTION_SHOWN_SECONDS, ConsumerState, InstanceState

NOT_REACHED = "not reached yet"
INTERRUPTION_SHOWN = timedelta(seconds=INTERRUPTION_SHOWN_SECONDS)


@dataclass(frozen=True)
class LiveInstance:
    """One live instance.

    Attributes:
        silent_seconds: How long it has not answered although asked; None while it answers.
    """

    state: InstanceState
    silent_seconds: float | None = None


@dataclass(frozen=True)
class StoredFacts:
    """What the database probe read, wall times, UTC.

    Attributes:
        server_started_at: PostgreSQL's own start; another one means that it was started again.
        oldest_active_order_at: When the oldest order that still waits was made; None without one.
        any_order: False when no order was ever made.
    """

    server_started_at: datetime
    newest_signal_at: datetime | None
    oldest_active_order_at: datetime | None
    any_order: bool
    signal_interval_minutes: int


@dataclass(frozen=True)
class DatabaseReading:
    """The newest result of the database probe: the time SELECT 1 took or why it failed, and what was read.

    Attributes:
        restarted_at: When the probe saw that the server had been started again; None while it never was.
    """

    latency_ms: float | None = None
    error: str | None = NOT_REACHED
    stored: StoredFacts | None = None
    stored_error: str | None = NOT_REACHED
    restarted_at: datetime | None = None


@dataclass(frozen=True)
class StreamFill:
    """What a stream holds, and how full it is, 0 to 1; 0 for one that makes room by itself.

    Attributes:
        last_sequence: Of the newest message that it ever held.
    """

    name: str
    ratio: float = 0.0
    is_missing: bool = False
    messages: int = 0
    size_bytes: int = 0
    last_sequence: int = 0


@dataclass(frozen=True)
class StreamReading:
    """The newest result of the stream probe; nothing before the first, or while the bus is away."""

    fills: tuple[StreamFill, ...] = ()
    error: str | None = None

    def last_sequence(self, stream: str) -> int | None:
        """Return that of a stream, None while it is not known."""
        return next(
            (fill.last_sequence for fill in self.fills if fill.name == stream and not fill.is_missing), None
        )


@dataclass(frozen=True)
class DiskUsage:
    """A disk that holds data, in bytes."""

    size: int
    free: int


@dataclass(frozen=True)
class InstanceSnapshot:
    """What is known of all instances at one moment.

    Attributes:
        bus_error: Why no instance can be asked; None while the bus is there.
        bus_back_since: When the bus was there again after it had been lost; None while it never was.
        stack_since: When the oldest other instance started; a restart of health does not change it.
        service_since: When each service's oldest known instance started.
        last_success: Newest success of a job over all known instances, by (service, job).
    """

    instances: tuple[LiveInstance, ...]
    bus_error: str | None
    bus_back_since: datetime | None
    stack_since: datetime
    service_since: Mapping[str, datetime]
    last_success: Mapping[tuple[str, str], datetime]

    def answering(self, service: str) -> list[InstanceState]:
        """Return the instances of a service that answer."""
        return [
            live.state
            for live in self.instances
            if live.state.service == service and live.silent_seconds is None
        ]

    def consumers(self) -> list[ConsumerState]:
        """Return each durable consumer once: replicas share it, and the one that sees it move is right."""
        seen: dict[str, ConsumerState] = {}
        for live in self.instances:
            for state in live.state.consumers if live.silent_seconds is None else ():
                best = seen.setdefault(state.name, state)
                if (state.lost, state.stuck_seconds) < (best.lost, best.stuck_seconds):
                    seen[state.name] = state
        return list(seen.values())

    def why_no_report(self, service: str) -> str:
        """Return the sentence that stands for a report that only this service could have sent."""
        if self.bus_error:
            return f"{service} cannot be asked: {self.bus_error}"
        for live in self.instances:
            if live.state.service == service and live.silent_seconds is not None:
                return f"{live.state.instance} ({service}) is silent for {live.silent_seconds:.0f} s"
        return f"no {service} answers"


@dataclass(frozen=True)
class Facts(InstanceSnapshot):
    """Everything the checks judge: the instances, and what the probes read."""

    now: datetime
    database: DatabaseReading
    streams: StreamReading
    disk: DiskUsage | None

    @property
    def exchange_runs_until(self) -> datetime:
        """Now, or when a recording's clock came to its end: from then on no signal is due."""
        stood = [live.state.exchange_stands_since for live in self.instances]
        return min((moment for moment in stood if moment), default=self.now)

    def seconds_since_interruption(self, moment: datetime | None) -> int | None:
        """Return how long ago an outage was noticed, None where that is too long ago to be shown."""
        age = self.now - moment if moment else INTERRUPTION_SHOWN
        return max(0, round(age.total_seconds())) if age < INTERRUPTION_SHOWN else None


def in_words(span: timedelta) -> str:
    """Return a length of time as a person says it: `45 s`, `12 min`, `3.5 h`."""
    seconds = span.total_seconds()
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def clock_time(moment: datetime) -> str:
    """Return a moment to the second, UTC, as in JSON."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
