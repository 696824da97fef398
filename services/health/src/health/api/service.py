"""Service layer of /api/v1: answers made of what is stored, what events brought and what is set."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from common.clock import ExchangeClock, utc_now
from common.config.keys import (
    GEMINI_DAILY_COST_BUDGET_USD,
    GEMINI_DAILY_REQUEST_BUDGET,
    GEMINI_FALLBACK_MODELS,
    GEMINI_MODEL,
    MARKETS,
    REGISTRY,
)
from common.config.repository import ConfigRepository
from common.events import Action
from common.gaps import GapStatus
from common.gemini_quota import next_quota_day, quota_day
from health.api.jobs import job_figures
from health.api.limiter import ReadLimiter
from health.api.live import LiveData
from health.api.pagination import PageToken
from health.api.repository import ApiRepository, Usage
from health.api.schemas import (
    BudgetAnswer,
    CandlesAnswer,
    ConfigAnswer,
    ConfigChangeAnswer,
    ConfigHistoryAnswer,
    GapsAnswer,
    JobsAnswer,
    MarketAnswer,
    MarketsAnswer,
    ModelBudget,
    SettingAnswer,
    SignalRecord,
    SignalsAnswer,
    StatusAnswer,
)

# Earlier and later times than any candle has.
FIRST = datetime(2000, 1, 1, tzinfo=UTC)
LAST = datetime(2100, 1, 1, tzinfo=UTC)
NEWEST = PageToken(LAST, UUID(int=2**128 - 1))


class ApiService:
    """Every method but `jobs` raises TransientError while PostgreSQL is away or slow."""

    def __init__(
        self,
        *,
        repository: ApiRepository,
        config: ConfigRepository,
        exchange: ExchangeClock,
        live: LiveData,
        reads: ReadLimiter,
    ) -> None:
        self._repository = repository
        self._config = config
        self._exchange = exchange
        self._live = live
        self._reads = reads

    async def markets(self) -> MarketsAnswer:
        """Return every market of the settings."""

        async def load() -> list[MarketAnswer]:
            markets: list[str] = await self._config.get(MARKETS)
            return await self._repository.markets(markets)

        stored = await self._reads.run(load)
        for market in stored:
            if market.newest_candle:
                self._exchange.observe(market.newest_candle.collected_at)
        return MarketsAnswer(
            exchange_time=self._exchange.now, markets=tuple(self._priced(market) for market in stored)
        )

    async def candles(self, market: str, start: datetime, end: datetime, limit: int) -> CandlesAnswer:
        """Return the newest candles of [start, end), oldest first."""
        rows = await self._reads.run(lambda: self._repository.candles(market, start, end, limit))
        given = rows[:limit][::-1]
        return CandlesAnswer(
            market=market,
            candles=tuple(given),
            next_to=given[0].timestamp if len(rows) > limit else None,
        )

    async def gaps(
        self, market: str, start: datetime, end: datetime, status: GapStatus | None, limit: int
    ) -> GapsAnswer:
        """Return the newest gaps that touch [start, end), oldest first."""
        rows = await self._reads.run(lambda: self._repository.gaps(market, start, end, status, limit))
        given = rows[:limit][::-1]
        return GapsAnswer(
            market=market, gaps=tuple(given), next_to=given[0].from_time if len(rows) > limit else None
        )

    async def signals(
        self, market: str | None, action: Action | None, after: PageToken | None, limit: int
    ) -> SignalsAnswer:
        """Return the signals after that place in the list, newest first."""
        rows = await self._reads.run(lambda: self._repository.signals(market, action, after or NEWEST, limit))
        next_cursor = None
        if len(rows) > limit:
            last = rows[limit - 1]
            next_cursor = str(PageToken(last.candle_timestamp if market else last.created_at, last.id))
        return SignalsAnswer(signals=tuple(rows[:limit]), next_cursor=next_cursor)

    async def signal(self, signal_id: UUID) -> SignalRecord | None:
        """Return all that is stored of a signal; None for an id that there is not."""
        return await self._reads.run(lambda: self._repository.signal(signal_id))

    async def budget(self) -> BudgetAnswer:
        """Return what Gemini was asked today, the vendor's day."""
        return await self._reads.run(self._load_budget)

    async def config(self) -> ConfigAnswer:
        """Return every setting as it holds."""
        return await self._reads.run(self._load_config)

    async def config_history(self, key: str | None, before: int | None, limit: int) -> ConfigHistoryAnswer:
        """Return the changes before a revision, newest first; PermanentError for an unknown key."""
        rows = await self._reads.run(lambda: self._config.history(key, limit=limit + 1, before=before))
        changes = tuple(ConfigChangeAnswer(**vars(row)) for row in rows[:limit])
        return ConfigHistoryAnswer(
            changes=changes, next_before=changes[-1].revision if len(rows) > limit else None
        )

    def jobs(self, status: StatusAnswer) -> JobsAnswer:
        """Return every job, as the instances' schedulers see it and as its runs ended."""
        now = utc_now()
        return JobsAnswer(
            counted_since=self._live.jobs.counted_since(now),
            jobs=job_figures(status.services, self._live.jobs.rows(now)),
        )

    def _priced(self, market: MarketAnswer) -> MarketAnswer:
        ticker = self._live.tickers.get(market.market)
        if ticker is None:
            return market
        return market.model_copy(update={"price": ticker.price, "price_at": ticker.exchange_time})

    async def _load_budget(self) -> BudgetAnswer:
        now = utc_now()
        request_budget = await self._config.get(GEMINI_DAILY_REQUEST_BUDGET)
        cost_budget = await self._config.get(GEMINI_DAILY_COST_BUDGET_USD)
        named = [await self._config.get(GEMINI_MODEL), *await self._config.get(GEMINI_FALLBACK_MODELS)]
        used = {usage.model: usage for usage in await self._repository.usage(quota_day(now))}
        models = [*dict.fromkeys(named), *(model for model in used if model not in named)]
        return BudgetAnswer(
            day=quota_day(now).isoformat(),
            day_ends_at=next_quota_day(now),
            request_budget=request_budget,
            cost_budget_usd=cost_budget,
            cost_usd=sum((usage.cost_usd for usage in used.values()), Decimal(0)),
            models=tuple(
                _model_budget(
                    used.get(model) or Usage(model, 0, Decimal(0), None),
                    place=named.index(model) + 1 if model in named else None,
                    budget=request_budget,
                    now=now,
                )
                for model in models
            ),
        )

    async def _load_config(self) -> ConfigAnswer:
        stored = await self._repository.settings()
        values = {key.name: await self._config.get(key) for key in REGISTRY.values()}
        usage = self._config.usage()
        settings = []
        for key in REGISTRY.values():
            row = stored.get(key.name)
            settings.append(
                SettingAnswer(
                    key=key.name,
                    value=values[key.name],
                    default=key.default,
                    valid=key.name not in usage.invalid_keys,
                    stale=key.name in usage.stale_keys,
                    revision=row.revision if row else 0,
                    updated_at=row.updated_at if row else None,
                    updated_by=row.updated_by if row else None,
                    rule=key.rule,
                    meaning=key.meaning,
                )
            )
        return ConfigAnswer(
            revision=max((row.revision for row in stored.values()), default=0), settings=tuple(settings)
        )


def _model_budget(usage: Usage, *, place: int | None, budget: int, now: datetime) -> ModelBudget:
    blocked = usage.blocked_until is not None and usage.blocked_until > now
    return ModelBudget(
        model=usage.model,
        place=place,
        requests=usage.requests,
        requests_left=0 if blocked else max(0, budget - usage.requests),
        cost_usd=usage.cost_usd,
        blocked_until=usage.blocked_until if blocked else None,
    )
