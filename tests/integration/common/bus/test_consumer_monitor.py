"""A service whose durable consumer vanishes or comes late goes on reading once it is declared."""

from __future__ import annotations

import asyncio

import pytest
from nats.js import JetStreamContext

from bongsu.provisioning.streams import reconcile
from common.bus import consumer_monitor
from common.bus.broker import Bus
from common.bus.consumer_monitor import ConsumerMonitor
from common.events import CandlesClosed
from common.streams import DECIDE_ON_CANDLES, STORE_CANDLES
from integration.common.handling import Handler, listen
from integration.common.speaking import Speak, page
from servers.waiting import HANG_SECONDS, eventually


@pytest.fixture
def looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a monitor look twice a second."""
    monkeypatch.setattr(consumer_monitor, "CHECK_SECONDS", 0.5)


@pytest.mark.usefixtures("looking_often")
async def test_a_subscriber_goes_on_when_its_lost_consumer_was_made_again(
    collector: Bus, jetstream: JetStreamContext
) -> None:
    handler = Handler(None)
    await listen(collector, handler)
    monitor = ConsumerMonitor(collector)
    monitor.start()
    await jetstream.delete_consumer("MARKET", STORE_CANDLES.name)
    await eventually(lambda: [state.lost for state in monitor.states()] == [True])
    await collector.publish(page())
    await reconcile(jetstream)
    await eventually(lambda: handler.events == [page()])
    await eventually(lambda: [state.lost for state in monitor.states()] == [False])
    await monitor.stop()


@pytest.mark.usefixtures("looking_often")
async def test_a_subscriber_goes_on_when_its_consumer_was_replaced_between_two_looks(
    collector: Bus, jetstream: JetStreamContext
) -> None:
    handler = Handler(None)
    await listen(collector, handler)
    monitor = ConsumerMonitor(collector)
    await monitor.wait_until_declared()
    monitor.start()
    await jetstream.delete_stream("MARKET")
    await reconcile(jetstream)
    await collector.publish(page())
    await eventually(lambda: handler.events == [page()])
    assert [state.lost for state in monitor.states()] == [False]
    await monitor.stop()


async def test_a_service_waits_until_its_consumer_is_declared(
    speak: Speak, jetstream: JetStreamContext
) -> None:
    await jetstream.delete_stream("MARKET")
    signaler = await speak("signaler")
    signaler.consume(DECIDE_ON_CANDLES, CandlesClosed, Handler(None))
    waiting = asyncio.create_task(ConsumerMonitor(signaler).wait_until_declared())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 0.3)
    await reconcile(jetstream)
    await asyncio.wait_for(waiting, HANG_SECONDS)
