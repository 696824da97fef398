"""Does a page that was delivered to somebody who died wait for its 30 s?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import nats as nats_client
import pytest

from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from collector.handlers import PageStore
from collector.redelivery import CatchUp
from collector.repository import CandleRepository
from common.bus.broker import Bus
from common.clock import CLOSED_AFTER, MINUTE, ExchangeClock
from common.database.pool import Database, Share
from common.events import Candle, CandlesClosed
from common.streams import STORE_CANDLES
from servers.waiting import eventually

if TYPE_CHECKING:
    from integration.collector.conftest import Admin

MARKET = "KRW-BTC"
FIRST = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
# Two looks a second apart, and what they cost on a busy machine; far below the 30 s of the bus.
SOON_SECONDS = 8.0


def _page(number: int) -> CandlesClosed:
    start = FIRST + number * MINUTE
    value = Decimal(number + 1)
    candle = Candle(
        timestamp=start, open=value, high=value, low=value, close=value, volume=value, trade_value=value
    )
    return CandlesClosed(
        market=MARKET,
        covers_from=start,
        covers_to=start + MINUTE,
        candles=(candle,),
        collected_at=start + MINUTE + CLOSED_AFTER,
        source="simulator",
    )


@pytest.fixture
async def bus(fresh_nats: NatsServer) -> AsyncIterator[Bus]:
    made = Bus(fresh_nats.url("collector"), service="collector", instance="test")
    await made.connect()
    yield made
    await made.close()


@pytest.fixture
def clock() -> ExchangeClock:
    return ExchangeClock()


@pytest.fixture
async def catch_up(
    postgres: PostgresServer, database: str, bus: Bus, clock: ExchangeClock
) -> AsyncIterator[CatchUp]:
    pool = Database(postgres.url("bongsu_collector", database), service="collector", share=Share(1, 2))
    await pool.open()
    made = CatchUp(bus, PageStore(CandleRepository(pool), clock))
    yield made
    await made.stop()
    await pool.close()


async def _deliver_to_nobody(nats: NatsServer, count: int) -> None:
    """Have the consumer deliver, and never acknowledge, as a process that was killed."""
    client = await nats_client.connect(nats.url())
    subscription = await client.jetstream().pull_subscribe_bind(STORE_CANDLES.name, STORE_CANDLES.stream)
    await subscription.fetch(count, timeout=5)
    await client.close()


async def test_pages_held_by_a_dead_process_are_stored_within_seconds(
    fresh_nats: NatsServer, bus: Bus, catch_up: CatchUp, admin: Admin
) -> None:
    for number in range(3):
        await bus.publish(_page(number))
    await _deliver_to_nobody(fresh_nats, 3)
    catch_up.start()

    async def all_stored() -> bool:
        return bool(await admin.fetchval("SELECT count(*) FROM market_data") == 3)

    await eventually(all_stored, SOON_SECONDS)


async def test_poison_held_by_a_dead_process_is_left_to_the_consumer(
    fresh_nats: NatsServer, bus: Bus, catch_up: CatchUp, admin: Admin
) -> None:
    await bus.send(CandlesClosed.subject.format(market=MARKET), b"no page", headers={}, stream="MARKET")
    await bus.publish(_page(0))
    await _deliver_to_nobody(fresh_nats, 2)
    catch_up.start()

    async def good_one_is_stored() -> bool:
        return bool(await admin.fetchval("SELECT count(*) FROM market_data") == 1)

    await eventually(good_one_is_stored, SOON_SECONDS)
    info = await bus.jetstream.consumer_info(STORE_CANDLES.stream, STORE_CANDLES.name)
    assert info.num_ack_pending == 2


async def test_what_the_store_refuses_is_not_stored_early_either(
    fresh_nats: NatsServer, bus: Bus, catch_up: CatchUp, admin: Admin, clock: ExchangeClock
) -> None:
    clock.observe(FIRST + 5 * MINUTE)
    await bus.publish(_page(1000))  # from the future
    other = CandlesClosed.subject.format(market="KRW-ETH")
    await bus.send(other, _page(1).model_dump_json().encode(), headers={}, stream="MARKET")
    await bus.publish(_page(0))
    await _deliver_to_nobody(fresh_nats, 3)
    catch_up.start()

    async def anything_is_stored() -> bool:
        return bool(await admin.fetchval("SELECT count(*) FROM market_data"))

    await eventually(anything_is_stored, SOON_SECONDS)
    assert [row["timestamp"] for row in await admin.fetch("SELECT timestamp FROM market_data")] == [FIRST]
