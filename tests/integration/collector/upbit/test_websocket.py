"""The WebSocket comes back after a silence and after refusals, without storming Upbit."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from collector.upbit import websocket as upbit_stream
from collector.upbit.client import UpbitClient
from collector.upbit.parser import Tick
from collector.upbit.websocket import UpbitStream
from common.clock import ExchangeClock
from servers.simulators import Simulator
from servers.waiting import eventually

if TYPE_CHECKING:
    from integration.collector.conftest import Admin, StartCollector

IDLE_SECONDS = 1.2
FAULT_SECONDS = 2.0
CONNECTIONS_A_SECOND = 5


@pytest.fixture
async def ticks(upbit: Simulator, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Tick]]:
    """The ticks of one market, from a stream that waits less long than in production."""
    monkeypatch.setattr(upbit_stream, "IDLE_SECONDS", IDLE_SECONDS)
    received: list[Tick] = []

    async def on_tick(tick: Tick) -> None:
        received.append(tick)

    client = UpbitClient(upbit.url, source="simulator", clock=ExchangeClock())
    stream = UpbitStream(client.sdk, client.limiter, on_tick)
    await stream.watch(("KRW-BTC",))
    await eventually(lambda: received)
    yield received
    await stream.stop()
    await client.close()


def connections(upbit: Simulator) -> int:
    """Return how often the WebSocket was asked for, refusals included."""
    rows = upbit.get("/_control/stats")["requests"]
    return sum(row["count"] for row in rows if "websocket" in row["route"])


@pytest.mark.parametrize("kind", ["ws_stall", "ws_refuse"])
async def test_after_a_fault_prices_come_again_and_meanwhile_nothing_storms(
    upbit: Simulator, ticks: list[Tick], kind: str
) -> None:
    tried, began = connections(upbit), time.monotonic()
    upbit.post("/_control/faults", {"kind": kind, "seconds": FAULT_SECONDS})
    upbit.post("/_control/faults", {"kind": "ws_close", "count": 1})
    await eventually(lambda: time.monotonic() - began > FAULT_SECONDS)
    before = len(ticks)
    await eventually(lambda: len(ticks) > before)
    tries = connections(upbit) - tried
    assert 1 <= tries <= CONNECTIONS_A_SECOND * (time.monotonic() - began)


async def test_a_market_is_collected_as_soon_as_upbit_answers_also_while_its_websocket_does_not(
    start_collector: StartCollector, admin: Admin, upbit: Simulator
) -> None:
    async def stores() -> bool:
        return bool(await admin.fetchval("SELECT count(*) > 200 FROM market_data"))

    await admin.execute("INSERT INTO system_config (key, value) VALUES ('collect_interval_seconds', '60')")
    upbit.switch_on("ws_refuse")
    with start_collector("half", 1):
        await eventually(stores)
