"""Row counts for the live view: right, and back after the connection was lost."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bongsu.database.row_counts import MarketCounts, RowCounter
from integration.bongsu.rows import FIRST, store_candles, store_signal

if TYPE_CHECKING:
    from integration.bongsu.conftest import Admin

MARKETS = ["KRW-BTC", "KRW-ETH"]


async def test_each_market_is_counted_and_a_lost_connection_is_made_again(
    database_url: str, admin: Admin
) -> None:
    await store_candles(admin, "KRW-BTC", [0, 1])
    await store_signal(admin)
    await admin.execute(
        "INSERT INTO candle_gaps VALUES ('KRW-BTC', $1, $2, 'confirmed_empty', $2, $2, 'no trade')",
        FIRST + timedelta(minutes=5),
        FIRST + timedelta(minutes=8),
    )
    expected = {"KRW-BTC": MarketCounts(2, 1, 3), "KRW-ETH": MarketCounts(0, 0, 0)}
    counter = RowCounter(database_url)
    try:
        assert await counter.count(MARKETS) == expected
        await admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE application_name = 'bongsu.up' AND datname = current_database()"
        )
        assert await counter.count(MARKETS) == {}
        assert await counter.count(MARKETS) == expected
    finally:
        counter.close()


async def test_a_server_that_is_away_leaves_the_counts_unknown() -> None:
    counter = RowCounter("postgresql://bongsu_admin:secret@127.0.0.1:9/bongsu")
    assert await counter.count(MARKETS) == {}
