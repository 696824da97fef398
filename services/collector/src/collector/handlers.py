"""Consumer of closed candles: each page is stored in one transaction, and acknowledged after its commit."""

from __future__ import annotations

from datetime import timedelta

import structlog

from collector.repository import CandleRepository
from common.bus.delivery import Delivery
from common.clock import ExchangeClock
from common.errors import PermanentError
from common.events import CandlesClosed
from common.telemetry.names import Attribute, LogEvent, SpanName
from common.telemetry.spans import span

# So that the next page is fetched and read while PostgreSQL stores the one before.
PAGES_AT_ONCE = 3
# How far apart the exchange's time may be at two collectors.
AHEAD = timedelta(seconds=5)


class CandleHandlers:
    """Stores the pages of the stream, none of which may be ahead of the exchange's clock."""

    def __init__(self, repository: CandleRepository, clock: ExchangeClock) -> None:
        self._repository = repository
        self._clock = clock
        self._log = structlog.get_logger("collector.handlers")

    async def on_candles_closed(self, page: CandlesClosed, delivery: Delivery) -> None:
        """Store a page; PermanentError for one that is from the future."""
        self._refuse_future(page)
        with span(SpanName.STORE_CANDLES, attributes={Attribute.PAGE_CANDLES: len(page.candles)}):
            contradicted = await self._repository.store_page(page)
        if contradicted:
            self._log.error(
                LogEvent.CANDLES_CONTRADICTED,
                market=page.market,
                sequence=delivery.sequence,
                minutes=len(contradicted),
                first_minute=contradicted[0].isoformat(),
            )

    def _refuse_future(self, page: CandlesClosed) -> None:
        """Refuse what no exchange can have answered yet: nothing that is true would ever replace it.

        A recording's clock may run at any speed, and without a first answer the exchange's time is unknown.
        """
        if self._clock.now is None or page.source == "replay":
            return
        latest = self._clock.now + timedelta(seconds=self._clock.silent_seconds) + AHEAD
        if page.collected_at > latest:
            raise PermanentError(
                f"collected_at {page.collected_at:%Y-%m-%dT%H:%M:%SZ} is later than the exchange's time"
                f" {self._clock.now:%Y-%m-%dT%H:%M:%SZ}"
            )
