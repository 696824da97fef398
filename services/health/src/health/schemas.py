"""What does health answer? The shapes of its JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from common.events import CacheUsage, ComponentStatus, JobState, PoolUsage

OverallStatus = Literal["healthy", "degraded", "unhealthy"]


class Answer(BaseModel):
    """Anything that leaves over HTTP."""

    model_config = ConfigDict(frozen=True)


class ComponentHealth(Answer):
    """One of the six components; `message` says what is wrong, or what is not due yet."""

    name: str
    status: ComponentStatus
    latency_ms: float | None = None
    message: str | None = None


class ServiceHealth(Answer):
    """One live instance; a service without any is one row whose `instance` is null.

    `message` is there only where the instance itself found something wrong.
    """

    name: str
    instance: str | None
    status: ComponentStatus
    uptime_s: float | None = None
    pool: PoolUsage | None = None
    cache: CacheUsage | None = None
    jobs: tuple[JobState, ...] = ()
    message: str | None = Field(default=None, exclude_if=lambda message: message is None)


class DetailedHealthResponse(Answer):
    """Everything that is known, components always in the same order."""

    status: OverallStatus
    timestamp: AwareDatetime
    version: str
    components: tuple[ComponentHealth, ...]
    services: tuple[ServiceHealth, ...]


class HealthSummary(Answer):
    """The overall status and one short sentence per flaw."""

    status: OverallStatus
    timestamp: AwareDatetime
    version: str
    flaws: tuple[str, ...]


class Liveness(Answer):
    """The process answers; that is all it says."""

    status: Literal["alive"] = "alive"


class Readiness(Answer):
    """Whether this very instance has what it needs."""

    status: Literal["ready", "not ready"]
    bus: bool
    database: bool


class NewestCandle(Answer):
    """Open time and closing price."""

    timestamp: AwareDatetime
    close: Decimal


class NewestSignal(Answer):
    """The newest decision of a market; `cause` says why the rule spoke."""

    candle_timestamp: AwareDatetime
    signal_type: str
    confidence: float
    source: str
    cause: str | None
    created_at: AwareDatetime


class GapMinutes(Answer):
    """How many minutes are missing, and how many are proven to be without trades."""

    open: int
    confirmed_empty: int


class MarketOverview(Answer):
    """What is stored of one market."""

    market: str
    newest_candle: NewestCandle | None
    candles: int
    newest_signal: NewestSignal | None
    signals: int
    gaps: GapMinutes


class Overview(Answer):
    """Every market of the settings, and the newest time seen from the exchange."""

    exchange_time: AwareDatetime | None
    markets: tuple[MarketOverview, ...]


class Problem(Answer):
    """An error, RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    request_id: str
