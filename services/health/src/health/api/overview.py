"""What do the markets look like now? One query for any number of callers, kept for a second."""

from __future__ import annotations

import asyncio

from common.cache import TTLCache
from common.clock import ExchangeClock
from common.config.keys import MARKETS
from common.config.repository import ConfigRepository
from common.errors import TransientError
from health.probes.repository import HealthRepository
from health.schemas import Overview

KEPT_SECONDS = 1.0
PATIENCE_SECONDS = 0.8


class MarketsOverview:
    """Answers within 0.8 s, or says that it can't."""

    def __init__(
        self, repository: HealthRepository, config: ConfigRepository, exchange: ExchangeClock
    ) -> None:
        self._repository = repository
        self._config = config
        self._exchange = exchange
        self._cache = TTLCache(KEPT_SECONDS)

    async def get(self) -> Overview:
        """Return every market of the settings; TransientError while PostgreSQL is away or slow."""
        try:
            # The load itself goes on: cancelling it would wait for a connection that does not answer.
            return await asyncio.wait_for(self._cache.get_or_set("overview", self._load), PATIENCE_SECONDS)
        except TimeoutError as error:
            raise TransientError(f"PostgreSQL did not answer within {PATIENCE_SECONDS} s") from error

    async def _load(self) -> Overview:
        markets: list[str] = await self._config.get(MARKETS)
        stored = await self._repository.markets(markets)
        for _, collected_at in stored:
            if collected_at:
                self._exchange.observe(collected_at)
        return Overview(exchange_time=self._exchange.now, markets=tuple(market for market, _ in stored))
