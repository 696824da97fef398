"""Response models: the JSON of /health, and the base of every other answer."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from common.events import CacheUsage, ComponentStatus, JobState, PoolUsage

OverallStatus = Literal["healthy", "degraded", "unhealthy"]


class Answer(BaseModel):
    """Anything that leaves over HTTP."""

    model_config = ConfigDict(frozen=True)


class ComponentHealth(Answer):
    """One component; `message` says what is wrong, or what is not due yet."""

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


class Problem(Answer):
    """An error, RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    request_id: str
