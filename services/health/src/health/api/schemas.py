"""Response models of /api/v1: field names stay, prices and amounts of money are strings, times are UTC."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, PlainSerializer

from common.events import Action, Outcome
from common.gaps import GapStatus
from health.schemas import Answer, ComponentHealth, OverallStatus, ServiceHealth

# Without an exponent, and without the trailing zeros of a column's or a vendor's scale.
Plain = Annotated[Decimal, PlainSerializer(lambda number: f"{number.normalize():f}", return_type=str)]
# Of any type; an amount of money is a string.
SettingValue = Annotated[
    Any, PlainSerializer(lambda value: f"{value:f}" if isinstance(value, Decimal) else value)
]


class ComponentSince(ComponentHealth):
    """A component, and since when this instance of health has seen it in this status."""

    since: AwareDatetime


class StatusAnswer(Answer):
    """Everything about what runs now.

    Attributes:
        since: When this instance of health first saw this overall status without a break.
        flaws: One short sentence each.
        bus: Whether this instance has NATS; without it no other instance is known.
        database: Whether this instance has PostgreSQL; without it what is stored is as it was.
    """

    status: OverallStatus
    since: AwareDatetime
    timestamp: AwareDatetime
    version: str
    flaws: tuple[str, ...]
    bus: bool
    database: bool
    components: tuple[ComponentSince, ...]
    services: tuple[ServiceHealth, ...]


class NewestCandleAnswer(Answer):
    """Open time, closing price, and the exchange's time when it was collected."""

    timestamp: AwareDatetime
    close: Plain
    collected_at: AwareDatetime


class MarketAnswer(Answer):
    """One market of the settings.

    Attributes:
        price: Of the newest ticker, which may be newer than the newest candle.
        close_24h_ago: Close of the candle a day before the newest one, or of the last one before that.
        open_gap_minutes: Minutes that are missing and not proven empty.
    """

    market: str
    price: Plain | None
    price_at: AwareDatetime | None
    newest_candle: NewestCandleAnswer | None
    close_24h_ago: Plain | None
    newest_signal_at: AwareDatetime | None
    open_gap_minutes: int


class MarketsAnswer(Answer):
    """Every market of the settings, in their order, and the newest time seen from the exchange."""

    exchange_time: AwareDatetime | None
    markets: tuple[MarketAnswer, ...]


class CandleAnswer(Answer):
    """One stored 1-minute candle; `timestamp` is its open time, `revision` 1 until Upbit corrected it."""

    timestamp: AwareDatetime
    open: Plain
    high: Plain
    low: Plain
    close: Plain
    volume: Plain
    trade_value: Plain
    revision: int
    source: str
    collected_at: AwareDatetime


class CandlesAnswer(Answer):
    """The newest candles of the range, oldest first; `next_to` as `to` gives those before."""

    market: str
    candles: tuple[CandleAnswer, ...]
    next_to: AwareDatetime | None


class GapAnswer(Answer):
    """Minutes without a candle, `to_time` exclusive."""

    from_time: AwareDatetime
    to_time: AwareDatetime
    minutes: int
    status: GapStatus
    detected_at: AwareDatetime
    resolved_at: AwareDatetime | None
    evidence: str


class GapsAnswer(Answer):
    """The newest gaps that touch the range, oldest first; `next_to` as `to` gives those before."""

    market: str
    gaps: tuple[GapAnswer, ...]
    next_to: AwareDatetime | None


class SignalAnswer(Answer):
    """One decision; `cause` says why the rule spoke, null where Gemini did."""

    id: UUID
    market: str
    candle_timestamp: AwareDatetime
    signal_type: Action
    confidence: float
    reasoning: str
    source: Literal["gemini", "rule"]
    cause: str | None
    price_at_signal: Plain
    model_served: str | None
    cost_usd: Plain | None
    latency_ms: float | None
    created_at: AwareDatetime


class SignalsAnswer(Answer):
    """Signals, newest first; `next_cursor` as `cursor` gives the next ones, null at the end."""

    signals: tuple[SignalAnswer, ...]
    next_cursor: str | None


class SignalRecord(SignalAnswer):
    """Everything that is stored of a decision: what was seen, asked and answered, and by which version."""

    model_requested: str | None
    prompt_version: str
    snapshot: Any
    request: str | None
    response: str | None
    input_tokens: int | None
    output_tokens: int | None
    config_revision: int
    trace_id: str


class JobFigures(Answer):
    """One job of one service over all its replicas.

    Attributes:
        runs: How many ended `ok` or `failed` since `counted_since`; skipped ones are apart.
        success_rate: Percent of `runs` that are ok.
        p50_ms: Percentiles of the durations of `runs`, p95 and p99 likewise.
    """

    service: str
    job_name: str
    interval_seconds: float | None
    next_run_at: AwareDatetime | None
    running_since: AwareDatetime | None
    last_outcome: Outcome | None
    last_finished_at: AwareDatetime | None
    last_success_at: AwareDatetime | None
    last_error: str | None
    runs: int
    ok: int
    failed: int
    skipped: int
    retries: int
    success_rate: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class JobsAnswer(Answer):
    """Every job; the figures are of the runs that this instance of health saw end, in a day at most."""

    counted_since: AwareDatetime
    jobs: tuple[JobFigures, ...]


class SettingAnswer(Answer):
    """One runtime setting.

    Attributes:
        value: What holds.
        valid: False where what is stored breaks the rule; then the last good value holds.
        stale: True where PostgreSQL could not be asked; then the last known value holds.
        revision: 0 where it was never set.
    """

    key: str
    value: SettingValue
    default: SettingValue
    valid: bool
    stale: bool
    revision: int
    updated_at: AwareDatetime | None
    updated_by: str | None
    rule: str
    meaning: str


class ConfigAnswer(Answer):
    """Every setting there is, and the revision of the newest change of any."""

    revision: int
    settings: tuple[SettingAnswer, ...]


class ConfigChangeAnswer(Answer):
    """One change; a value of null is the default, `<not valid>` one that breaks its rule."""

    revision: int
    key: str
    old_value: SettingValue
    new_value: SettingValue
    changed_by: str
    changed_at: AwareDatetime


class ConfigHistoryAnswer(Answer):
    """Changes, newest first; `next_before` as `before` gives older ones, null at the end."""

    changes: tuple[ConfigChangeAnswer, ...]
    next_before: int | None


class ModelBudget(Answer):
    """What one model was asked today.

    Attributes:
        place: 1 for the model that is asked first, null for one the settings no longer name.
        requests_left: Of its daily budget; 0 also while `blocked_until` lies ahead.
    """

    model: str
    place: int | None
    requests: int
    requests_left: int
    cost_usd: Plain
    blocked_until: AwareDatetime | None


class BudgetAnswer(Answer):
    """Gemini's budget of one vendor's day (America/Los_Angeles); the request budget is each model's own."""

    day: str = Field(examples=["2026-11-27"])
    day_ends_at: AwareDatetime
    request_budget: int
    cost_budget_usd: Plain
    cost_usd: Plain
    models: tuple[ModelBudget, ...]
