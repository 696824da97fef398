"""Pages that a dead process held come to the next collector: the real consumer, with its own ack wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import nats as nats_client
import pytest

from bongsu.servers.nats.server import NatsServer
from common.bus.broker import Bus
from common.streams import STORE_CANDLES
from integration.common.speaking import BASE, page
from servers.waiting import eventually

if TYPE_CHECKING:
    from integration.collector.conftest import Admin, StartCollector

HELD = 3


@pytest.fixture
async def held_pages(fresh_nats: NatsServer) -> None:
    """Pages that were delivered to a reader that ended without acknowledging them."""
    bus = Bus(fresh_nats.url("collector"), service="collector", instance="test")
    await bus.connect()
    for minute in range(HELD):
        await bus.publish(page(minute))
    await bus.close()
    client = await nats_client.connect(fresh_nats.url())
    subscription = await client.jetstream().pull_subscribe_bind(STORE_CANDLES.name, STORE_CANDLES.stream)
    assert len(await subscription.fetch(HELD, timeout=60)) == HELD
    await client.close()


@pytest.mark.usefixtures("held_pages")
async def test_pages_that_a_dead_process_held_are_stored(
    start_collector: StartCollector, admin: Admin
) -> None:
    async def all_stored() -> bool:
        rows = await admin.fetch(
            "SELECT FROM market_data WHERE timestamp BETWEEN $1 AND $2", BASE, page(HELD - 1).covers_from
        )
        return len(rows) == HELD

    with start_collector("next"):
        await eventually(all_stored)
