"""Row counts of each market, over a connection for one look."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bongsu.database.queries import MarketCounts, count_rows
from bongsu.errors import UnreachableError
from integration.bongsu.rows import FIRST, store_candles, store_signal

if TYPE_CHECKING:
    from integration.bongsu.conftest import Admin

MARKETS = ["KRW-BTC", "KRW-ETH"]


async def test_each_market_is_counted_also_one_without_rows(database_url: str, admin: Admin) -> None:
    await store_candles(admin, "KRW-BTC", [0, 1])
    await store_signal(admin)
    await admin.execute(
        "INSERT INTO candle_gaps VALUES ('KRW-BTC', $1, $2, 'confirmed_empty', $2, $2, 'no trade')",
        FIRST + timedelta(minutes=5),
        FIRST + timedelta(minutes=8),
    )
    assert await count_rows(database_url, MARKETS) == {
        "KRW-BTC": MarketCounts(2, 1, 3),
        "KRW-ETH": MarketCounts(0, 0, 0),
    }


async def test_a_server_that_is_away_is_no_count() -> None:
    with pytest.raises(UnreachableError):
        await count_rows("postgresql://bongsu_admin:secret@127.0.0.1:9/bongsu", MARKETS)
