"""What happens with a page that comes back from the stream? It is stored, in one transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from collector.repository import CandleRepository
from common.delivery import Delivery
from common.events import CandlesClosed
from common.telemetry.spans import span

# So that the next page is fetched and read while PostgreSQL stores the one before.
PAGES_AT_ONCE = 3


def on_candles_closed(repository: CandleRepository) -> Callable[[CandlesClosed, Delivery], Awaitable[None]]:
    """Return the store consumer's handler; the acknowledgement follows the commit."""

    async def store(page: CandlesClosed, _: Delivery) -> None:
        with span("store market_data", attributes={"page.candles": len(page.candles)}):
            await repository.store_page(page)

    return store
