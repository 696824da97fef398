"""The reconciler brings back what was deleted on the bus."""

from __future__ import annotations

import asyncio

import nats as nats_client

from bongsu.provisioning.reconciler import keep_reconciled, reconcile_once
from bongsu.servers.nats.server import NatsServer
from servers.waiting import eventually


async def test_a_deleted_stream_comes_back_with_its_consumers_and_a_bus_in_order_is_left_alone(
    fresh_nats: NatsServer,
) -> None:
    assert await reconcile_once(fresh_nats.url()) == []
    client = await nats_client.connect(fresh_nats.url())
    jetstream = client.jetstream()
    await jetstream.delete_stream("MARKET")
    changes: list[str] = []
    task = asyncio.create_task(keep_reconciled(fresh_nats.url(), changes.append))
    await eventually(lambda: any("collector-candles-closed" in line for line in changes))
    task.cancel()
    assert await jetstream.consumer_info("MARKET", "signaler-candles-closed")
    await client.close()
