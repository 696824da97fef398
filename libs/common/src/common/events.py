"""The events: every message on the bus, with its subject, its stream, its senders and its readers.

Rights, streams, AsyncAPI and the docs' tables are made from these classes, so that none of them can differ.
Prices and volumes are Decimals written as strings, times are aware UTC. A breaking change is a new subject
ending in `.v2`; fields may be added, so unknown ones are ignored.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from common.clock import closed_until, is_whole_minute
from common.masking import CUT, mask_sensitive

MARKET_PATTERN = r"^[A-Z0-9]{2,10}-[A-Z0-9]{1,20}$"
MAX_PAGE_CANDLES = 200
MAX_MESSAGE_BYTES = 256 * 1024
MAX_TEXT_CHARACTERS = 4096
# An outage that is already over is reported for so long: health keeps an answer for 5 s, and all must be well
# again within 10 s.
INTERRUPTION_SHOWN_SECONDS = 6.0


Market = Annotated[str, Field(pattern=MARKET_PATTERN)]
# Decimal fields take no NaN and no infinity, by pydantic's own rule.
# A number in JSON is still taken, but no sender writes one.
_AsText = WithJsonSchema({"type": "string", "format": "decimal"})
Price = Annotated[Decimal, Field(gt=0, max_digits=28), _AsText]
Amount = Annotated[Decimal, Field(ge=0, max_digits=38), _AsText]
# Text by a person, a model or an exception: masked, and cut to what a reader accepts.
Text = Annotated[str, AfterValidator(lambda text: _short(mask_sensitive(text)))]
Action = Literal["BUY", "SELL", "HOLD"]
Outcome = Literal["ok", "failed", "skipped"]
ComponentStatus = Literal["healthy", "warning", "unhealthy"]
# The users of NATS who send or read events; `cli` is a person's `bongsu`.
User = Literal["collector", "signaler", "health", "cli"]
SERVICES: tuple[User, ...] = ("collector", "signaler", "health")


def subject_pattern(template: str, **known: str) -> str:
    """Return a subject template with `*` for each part that is not known, for instance `market.ticker.*`."""
    return re.sub(r"{(\w+)}", lambda part: known.get(part[1], "*"), template)


def _short(text: str) -> str:
    return text if len(text) <= MAX_TEXT_CHARACTERS else text[: MAX_TEXT_CHARACTERS - len(CUT)] + CUT


class Model(BaseModel):
    """What a message is made of: frozen, and a field that a newer sender has added is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Model):
    """A frozen message whose class says where it goes, who sends it and who reads it.

    Attributes:
        subject: A template: `{market}` and the like are filled from the fields, `{service}` with the sender.
        stream: The stream that keeps it, None for one that may be lost.
        senders: The users who publish it.
        readers: The users who receive it as it is sent, or through a durable consumer (`common/streams.py`).
        stream_readers: The users who read what the stream has kept, whenever they like.
        is_reply: `subject` is the request's: the readers publish that, and the senders answer it.
    """

    subject: ClassVar[str]
    stream: ClassVar[str | None]
    senders: ClassVar[Sequence[User]]
    readers: ClassVar[Sequence[User]]
    stream_readers: ClassVar[Sequence[User]]
    is_reply: ClassVar[bool]

    def __init_subclass__(
        cls,
        *,
        subject: str,
        stream: str | None,
        senders: Sequence[User],
        readers: Sequence[User],
        stream_readers: Sequence[User] = (),
        is_reply: bool = False,
    ) -> None:
        super().__init_subclass__()
        # mypy checks no keywords of a class that has a metaclass.
        if unknown := {*senders, *readers, *stream_readers} - set(get_args(User)):
            raise TypeError(f"{cls.__name__}: {', '.join(sorted(unknown))} is no user of NATS")
        cls.subject, cls.stream, cls.is_reply = subject, stream, is_reply
        cls.senders, cls.readers, cls.stream_readers = senders, readers, stream_readers

    def subject_name(self) -> str:
        """Return the subject this very message goes to, for instance `market.ticker.KRW-BTC`."""
        return self.subject.format_map(vars(self))

    def message_id(self) -> str | None:
        """Return the `Nats-Msg-Id` that makes a repeated publish harmless; None without a stream."""
        return None


class Candle(Model):
    """One closed 1-minute candle as Upbit's REST API gave it; `timestamp` is the minute's open time."""

    timestamp: AwareDatetime
    open: Price
    high: Price
    low: Price
    close: Price
    volume: Amount
    trade_value: Amount

    @model_validator(mode="after")
    def _check_range(self) -> Candle:
        if not is_whole_minute(self.timestamp):
            raise ValueError("timestamp must be the start of a minute")
        if not (self.low <= self.open <= self.high and self.low <= self.close <= self.high):
            raise ValueError("low <= open, close <= high must hold")
        return self


class CandlesClosed(
    Event,
    subject="market.candle.closed.{market}",
    stream="MARKET",
    senders=["collector"],
    readers=["collector", "signaler"],
):
    """A page: the closed candles of one market in the minutes that Upbit was asked for.

    A minute of [covers_from, covers_to) without a candle is proven empty.

    Attributes:
        covers_from: First minute asked for.
        covers_to: End of the minutes asked for, exclusive.
        candles: 0 to 200, oldest first, each inside the range.
        collected_at: Exchange time when Upbit answered; decides which of two values is the newer one.
        source: Where the values come from: `upbit`, `simulator` or `replay`.
        repair_run_id: Set on a page fetched again by a repair, so the stream does not take it for a repeat.
    """

    market: Market
    covers_from: AwareDatetime
    covers_to: AwareDatetime
    candles: tuple[Candle, ...] = Field(max_length=MAX_PAGE_CANDLES)
    collected_at: AwareDatetime
    source: Literal["upbit", "simulator", "replay"]
    repair_run_id: str | None = None

    @model_validator(mode="after")
    def _check_order(self) -> CandlesClosed:
        if not (is_whole_minute(self.covers_from) and is_whole_minute(self.covers_to)):
            raise ValueError("covers_from and covers_to must be the start of a minute")
        if self.covers_from >= self.covers_to:
            raise ValueError("covers_from must be before covers_to")
        if self.covers_to > closed_until(self.collected_at):
            raise ValueError("no minute may be covered that was not closed at collected_at")
        times = [candle.timestamp for candle in self.candles]
        if any(later <= earlier for earlier, later in itertools.pairwise(times)):
            raise ValueError("candles must be oldest first, one per minute")
        if times and not (self.covers_from <= times[0] and times[-1] < self.covers_to):
            raise ValueError("every candle must lie in [covers_from, covers_to)")
        return self

    def message_id(self) -> str:
        """Return market + hash of times and values, so that the same page published twice is kept once."""
        body = self.model_dump_json(include={"covers_from", "covers_to", "candles"})
        digest = hashlib.sha256(body.encode()).hexdigest()[:32]
        suffix = f":repair:{self.repair_run_id}" if self.repair_run_id else ""
        return f"{self.market}:{digest}{suffix}"


class TickerUpdated(
    Event, subject="market.ticker.{market}", stream=None, senders=["collector"], readers=["health"]
):
    """The newest trade price of a market, for the status page. May be lost."""

    market: Market
    price: Price
    exchange_time: AwareDatetime


class SignalGenerated(
    Event, subject="signal.generated.{market}", stream="SIGNALS", senders=["signaler"], readers=["health"]
):
    """A decision for one interval of one market.

    Attributes:
        signal_id: `trading_signals.id`; the same decision always has the same id.
        candle_timestamp: Open time of the interval's last minute.
        source: `gemini`, or `rule` when Gemini could not answer; `cause` then says why.
    """

    signal_id: str
    market: Market
    candle_timestamp: AwareDatetime
    signal_type: Action
    confidence: float = Field(ge=0, le=1)
    reasoning: Text
    source: Literal["gemini", "rule"]
    cause: Text | None
    price_at_signal: Price
    created_at: AwareDatetime

    def message_id(self) -> str:
        """Return the signal id."""
        return self.signal_id


class ConfigChanged(
    Event, subject="config.changed", stream="CONFIG", senders=["cli"], readers=[*SERVICES, "cli"]
):
    """A runtime setting has a new committed value; every instance reads it.

    It carries no value: readers drop their copy and ask PostgreSQL.
    """

    key: str
    revision: int
    changed_by: Text

    def message_id(self) -> str:
        """Return the key and its revision."""
        return f"{self.key}:{self.revision}"


class JobFinished(
    Event,
    subject="job.finished.{service}.{job_name}",
    stream="JOBS",
    senders=SERVICES,
    readers=["health"],
    stream_readers=["cli"],
):
    """One run of a job ended; `bongsu jobs` adds them up.

    Attributes:
        attempts: 1 + retries.
        reason: Why a run was skipped: `stale_data`, `late`, `stopping`; None otherwise.
        count: How many runs this record stands for (a late page skips several intervals at once).
    """

    service: str
    instance: str
    job_name: str
    run_id: str
    outcome: Outcome
    reason: Text | None = None
    duration_ms: float = Field(ge=0, allow_inf_nan=False)
    attempts: int = Field(ge=1)
    error: Text | None
    count: int = Field(default=1, ge=1)
    finished_at: AwareDatetime
    trace_id: str

    def message_id(self) -> str:
        """Return the run id."""
        return self.run_id


class PoolUsage(Model):
    """A database pool's connections: open now, in use, callers waiting, and the share's limits."""

    min: int
    max: int
    size: int
    in_use: int
    waiting: int


class CacheUsage(Model):
    """The config cache's counters, exactly as `TTLCache.stats()` gives them, and what is not as stored.

    Attributes:
        stale_keys: Served as last known, because PostgreSQL could not be asked.
        invalid_keys: Served as last known, because the row was changed by hand into what breaks its rule.
    """

    hits: int
    misses: int
    hit_rate: float
    waits: int
    stale_keys: tuple[str, ...] = ()
    invalid_keys: tuple[str, ...] = ()


class JobState(Model):
    """One scheduled job of one instance as its scheduler sees it."""

    job_name: str
    interval_seconds: float
    interval_since: AwareDatetime | None = None
    next_run_at: AwareDatetime | None
    last_outcome: Outcome | None = None
    last_finished_at: AwareDatetime | None = None
    last_success_at: AwareDatetime | None = None
    last_error: Text | None = None
    running_since: AwareDatetime | None = None


class ConsumerState(Model):
    """A durable consumer as its reader sees it.

    Attributes:
        lost: It is gone from the server.
        pending: Messages that wait or are in flight.
        stuck_seconds: How long none of them was finished; 0 while nothing waits.
        patience_seconds: How long that may be.
    """

    name: str
    lost: bool
    pending: int
    stuck_seconds: float
    patience_seconds: float


class ComponentState(Model):
    """What an instance itself knows of one component of the health answer."""

    name: str
    status: ComponentStatus
    latency_ms: float | None = None
    message: Text | None = None


class InstanceState(Model):
    """What one instance says of itself; the body of heartbeats and of health.check replies.

    Attributes:
        exchange_stands_since: When a recording's clock came to its end, so that nothing is due any more.
        bus_refusal: What NATS did not let it publish in the last minute, or does not let it read; else None.
        bus_problem: Which streams do not take what it publishes, and why; else None.
    """

    service: str
    instance: str
    version: str
    started_at: AwareDatetime
    uptime_s: float
    sent_at: AwareDatetime
    pool: PoolUsage | None = None
    cache: CacheUsage | None = None
    jobs: tuple[JobState, ...] = ()
    components: tuple[ComponentState, ...] = ()
    consumers: tuple[ConsumerState, ...] = ()
    exchange_stands_since: AwareDatetime | None = None
    bus_refusal: Text | None = None
    bus_problem: Text | None = None


class ServiceHeartbeat(
    InstanceState,
    Event,
    subject="service.heartbeat.{service}",
    stream=None,
    senders=SERVICES,
    readers=["health"],
):
    """That an instance lives: sent every 5 s, and once when it stops."""

    goodbye: bool = False


class ComponentReport(
    InstanceState,
    Event,
    subject="health.check",
    stream=None,
    senders=SERVICES,
    readers=["health"],
    is_reply=True,
):
    """One instance's answer to a health.check request."""


# All of them, in the order of this module.
EVENTS: tuple[type[Event], ...] = tuple(Event.__subclasses__())
