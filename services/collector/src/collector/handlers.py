"""What happens with a page that comes back from the stream? It is stored, in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
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
# How far apart two collectors may hear the exchange's time.
AHEAD = timedelta(seconds=5)


class PageStore:
    """Stores a page of the stream, however it was read from there.

    Args:
        clock: The exchange's time, which no page may be ahead of.
    """

    def __init__(self, repository: CandleRepository, clock: ExchangeClock) -> None:
        self._repository = repository
        self._clock = clock
        self._log = structlog.get_logger("collector.handlers")

    async def store(self, page: CandlesClosed, sequence: int) -> None:
        """Store a page, `sequence` of the stream; PermanentError for one that is from the future."""
        _refuse_future(page, self._clock)
        with span(SpanName.STORE_CANDLES, attributes={Attribute.PAGE_CANDLES: len(page.candles)}):
            contradicted = await self._repository.store_page(page)
        if contradicted:
            self._log.error(
                LogEvent.CANDLES_CONTRADICTED,
                market=page.market,
                sequence=sequence,
                minutes=len(contradicted),
                first_minute=contradicted[0].isoformat(),
            )


def on_candles_closed(store: PageStore) -> Callable[[CandlesClosed, Delivery], Awaitable[None]]:
    """Return the store consumer's handler; the acknowledgement follows the commit."""

    async def on_page(page: CandlesClosed, delivery: Delivery) -> None:
        await store.store(page, delivery.sequence)

    return on_page


def _refuse_future(page: CandlesClosed, clock: ExchangeClock) -> None:
    """Refuse what no exchange can have answered yet: nothing that is true would ever replace it.

    A recording's clock may run at any speed, and before the exchange was heard there is no saying.
    """
    if clock.now is None or page.source == "replay":
        return
    latest = clock.now + timedelta(seconds=clock.silent_seconds) + AHEAD
    if page.collected_at > latest:
        raise PermanentError(
            f"collected_at {page.collected_at:%Y-%m-%dT%H:%M:%SZ} is later than the exchange's time"
            f" {clock.now:%Y-%m-%dT%H:%M:%SZ}"
        )
