from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from bongsu.servers.postgres.server import PostgresServer
from collector.gaps import missing_ranges
from collector.handlers import CandleHandlers
from collector.repository import CandleRepository
from common.bus.delivery import Delivery
from common.clock import MINUTE, ExchangeClock
from common.database.pool import Database, Share
from common.errors import PermanentError
from common.events import Candle, CandlesClosed
from common.telemetry.names import LogEvent
from servers.waiting import HANG_SECONDS, eventually

if TYPE_CHECKING:
    from integration.collector.conftest import Admin

BASE = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
WAITING_FOR_A_MARKET = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
DELIVERY = Delivery("market.candle.closed.KRW-BTC", 1, BASE, 1)


def at(minute: int) -> datetime:
    return BASE + minute * MINUTE


def candle(minute: int, close: int = 100) -> Candle:
    return Candle(
        timestamp=at(minute),
        open=Decimal(100),
        high=Decimal(max(100, close)),
        low=Decimal(min(100, close)),
        close=Decimal(close),
        volume=Decimal("0.5"),
        trade_value=Decimal("50.25"),
    )


def page(
    start: int, end: int, *candles: Candle, asked_at: int = 1000, market: str = "KRW-BTC"
) -> CandlesClosed:
    return CandlesClosed(
        market=market,
        covers_from=at(start),
        covers_to=at(end),
        candles=candles,
        collected_at=at(asked_at),
        source="simulator",
    )


# How many rows each statement deletes.
COUNT_DELETIONS = """
CREATE TABLE deletions (rows int);
CREATE FUNCTION count_deleted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
$$ BEGIN INSERT INTO deletions SELECT count(*) FROM deleted; RETURN NULL; END $$;
CREATE TRIGGER count_deleted AFTER DELETE ON market_data
REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT EXECUTE FUNCTION count_deleted();
"""


@pytest.fixture
async def pool(postgres: PostgresServer, database: str) -> AsyncIterator[Database]:
    opened = Database(postgres.url("bongsu_collector", database), service="collector", share=Share(1, 4))
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def repository(pool: Database) -> CandleRepository:
    return CandleRepository(pool)


async def gaps(admin: Admin) -> list[tuple[int, int, str]]:
    rows = await admin.fetch("SELECT from_time, to_time, status FROM candle_gaps ORDER BY from_time")
    return [
        (int((row["from_time"] - BASE) / MINUTE), int((row["to_time"] - BASE) / MINUTE), row["status"])
        for row in rows
    ]


async def test_a_page_seen_twice_is_stored_once(repository: CandleRepository, admin: Admin) -> None:
    for _ in range(2):
        await repository.store_page(page(0, 3, candle(0), candle(2)))
    rows = await admin.fetch("SELECT timestamp, close, revision FROM market_data ORDER BY timestamp")
    assert [tuple(row) for row in rows] == [(at(0), Decimal(100), 1), (at(2), Decimal(100), 1)]
    assert await gaps(admin) == [(1, 2, "confirmed_empty")]


async def test_every_digit_of_a_number_is_stored(repository: CandleRepository, admin: Admin) -> None:
    numbers = ("1E-8", "123456789012345678.12345678901234567890", "0", "1E+3", "0.10")
    made = [
        candle(minute).model_copy(update={"volume": Decimal(number)}) for minute, number in enumerate(numbers)
    ]
    await repository.store_page(page(0, 5, *made))
    rows = await admin.fetch("SELECT volume FROM market_data ORDER BY timestamp")
    assert [row["volume"] for row in rows] == [Decimal(number) for number in numbers]


async def test_a_newer_value_replaces_and_an_older_one_never_does(
    repository: CandleRepository, admin: Admin
) -> None:
    await repository.store_page(page(0, 1, candle(0, close=100), asked_at=10))
    await repository.store_page(page(0, 1, candle(0, close=105), asked_at=20))
    await repository.store_page(page(0, 1, candle(0, close=100), asked_at=10))
    row = await admin.fetchrow("SELECT close, high, revision, collected_at FROM market_data")
    assert row is not None
    assert tuple(row) == (Decimal(105), Decimal(105), 2, at(20))


async def test_the_same_value_asked_again_is_no_revision(repository: CandleRepository, admin: Admin) -> None:
    await repository.store_page(page(0, 1, candle(0), asked_at=10))
    await repository.store_page(page(0, 1, candle(0), asked_at=20))
    assert await admin.fetchval("SELECT revision FROM market_data") == 1


async def test_pages_that_replicas_store_at_the_same_time_keep_the_ledger_whole(
    pool: Database, repository: CandleRepository, admin: Admin
) -> None:
    await repository.store_page(page(0, 1, candle(0)))
    storing = (CandleRepository(pool).store_page(page(start, start + 2)) for start in range(1, 13))
    await asyncio.gather(*storing)
    assert await gaps(admin) == [(1, 14, "confirmed_empty")]


async def test_a_page_that_lacks_a_stored_candle_does_not_call_its_minute_empty(
    repository: CandleRepository, admin: Admin
) -> None:
    await repository.store_page(page(0, 3, candle(0), candle(1), candle(2)))
    await repository.store_page(page(0, 3, candle(0), candle(2), asked_at=2000))
    assert await gaps(admin) == []
    assert await admin.fetchval("SELECT count(*) FROM market_data") == 3


async def test_a_hole_is_found_marked_open_and_settled_by_its_repair(
    repository: CandleRepository, admin: Admin
) -> None:
    await repository.store_page(page(0, 2, candle(0), candle(1)))
    await repository.store_page(page(6, 8, candle(6), candle(7)))
    covered = await repository.covered_ranges("KRW-BTC", at(0), at(8))
    missing = missing_ranges(covered, start=at(0), end=at(8))
    assert missing == [(at(2), at(6))]
    for _ in range(2):
        await repository.record_missing("KRW-BTC", *missing[0])
    assert await gaps(admin) == [(2, 6, "open")]
    assert await repository.covered_ranges("KRW-BTC", at(0), at(8)) == covered
    await repository.store_page(page(2, 6, candle(2), candle(3)))
    assert await gaps(admin) == [(2, 4, "repaired"), (4, 6, "confirmed_empty")]


async def test_a_full_page_settles_the_gap_it_fills_and_leaves_others_alone(
    repository: CandleRepository, admin: Admin
) -> None:
    await repository.store_page(page(0, 2, candle(0), candle(1)))
    await repository.record_missing("KRW-BTC", at(2), at(4))
    await repository.record_missing("KRW-BTC", at(10), at(12))
    await repository.store_page(page(2, 4, candle(2), candle(3)))
    assert await gaps(admin) == [(2, 4, "repaired"), (10, 12, "open")]


async def test_a_page_waits_for_the_one_before_it_and_takes_no_connection_for_that(
    pool: Database, repository: CandleRepository, admin: Admin
) -> None:
    store = CandleHandlers(repository, ExchangeClock()).on_candles_closed
    # What the pages of KRW-BTC wait for; a page of another market does not.
    await admin.execute("SELECT pg_advisory_lock(hashtext('candle_gaps'), hashtext('KRW-BTC'))")
    storing = [
        asyncio.ensure_future(store(each, DELIVERY))
        for each in (page(0, 2, candle(0)), page(2, 4, candle(3)), page(0, 1, candle(0), market="KRW-ETH"))
    ]
    await asyncio.wait_for(storing[-1], HANG_SECONDS)
    await eventually(lambda: admin.fetchval(WAITING_FOR_A_MARKET))
    assert pool.usage().in_use == 1
    await admin.execute("SELECT pg_advisory_unlock_all()")
    await asyncio.gather(*storing)
    # The second page's first minute is known to be empty because the first page is there.
    assert await gaps(admin) == [(1, 3, "confirmed_empty")]


async def test_of_two_answers_of_one_moment_the_first_stands_and_the_other_is_reported(
    repository: CandleRepository, admin: Admin
) -> None:
    store = CandleHandlers(repository, ExchangeClock()).on_candles_closed
    with capture_logs() as logs:
        await store(page(0, 3, candle(0, close=110), candle(1)), DELIVERY)
        await store(page(0, 3, candle(0, close=110), candle(1)), DELIVERY)
        await store(page(0, 3, candle(0, close=120), candle(1), candle(2)), DELIVERY)
        await store(page(0, 3, candle(0, close=130), asked_at=999), DELIVERY)
    rows = await admin.fetch("SELECT close, revision FROM market_data ORDER BY timestamp")
    assert [tuple(row) for row in rows] == [(110, 1), (100, 1), (100, 1)]
    assert logs == [
        {
            "event": LogEvent.CANDLES_CONTRADICTED,
            "log_level": "error",
            "market": "KRW-BTC",
            "sequence": 1,
            "minutes": 1,
            "first_minute": "2026-03-11T14:00:00+00:00",
        }
    ]


async def test_a_page_from_the_future_is_refused_once_the_exchange_has_answered(
    repository: CandleRepository, admin: Admin
) -> None:
    clock = ExchangeClock()
    store = CandleHandlers(repository, clock).on_candles_closed
    await store(page(0, 1, candle(0)), DELIVERY)
    clock.observe(at(1000) - timedelta(seconds=4))
    await store(page(1, 2, candle(1)), DELIVERY)
    with pytest.raises(PermanentError, match="collected_at 2026-03-12T06:42:00Z is later than"):
        await store(page(2, 3, candle(2), asked_at=1002), DELIVERY)
    recorded = page(2, 3, candle(2), asked_at=1002).model_copy(update={"source": "replay"})
    await store(recorded, DELIVERY)
    assert await admin.fetchval("SELECT count(*) FROM market_data") == 3


async def test_where_collecting_goes_on_is_behind_the_newest_covered_minute(
    repository: CandleRepository,
) -> None:
    assert await repository.covered_until("KRW-BTC") is None
    await repository.store_page(page(0, 5, candle(0), candle(1)))
    assert await repository.covered_until("KRW-BTC") == at(5)
    await repository.store_page(page(5, 6, candle(5)))
    assert await repository.covered_until("KRW-BTC") == at(6)
    assert await repository.history_begins("KRW-BTC") == at(0)


async def test_minutes_before_the_first_candle_are_in_no_ledger(
    repository: CandleRepository, admin: Admin
) -> None:
    await repository.store_page(page(0, 5))
    await repository.store_page(page(5, 8, candle(7)))
    assert await gaps(admin) == []


async def test_old_candles_and_gaps_are_deleted_a_day_at_a_time(
    repository: CandleRepository, admin: Admin
) -> None:
    await admin.execute(COUNT_DELETIONS)
    for day in range(3):
        start = day * 1440
        await repository.store_page(page(start, start + 3, candle(start), candle(start + 2), asked_at=4320))
    assert await repository.delete_older_than(at(2 * 1440)) == 4
    assert [row["rows"] for row in await admin.fetch("SELECT rows FROM deletions")] == [2, 2]
    assert await admin.fetchval("SELECT min(timestamp) FROM market_data") == at(2 * 1440)
    assert await gaps(admin) == [(2881, 2882, "confirmed_empty")]
