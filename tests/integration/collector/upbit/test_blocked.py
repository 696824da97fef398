"""Every collector leaves Upbit alone while it blocks their address, and keeps to its limits otherwise."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import nats as nats_client

from bongsu.servers.nats.server import NatsServer
from common.clock import utc_now
from common.events import ComponentReport, ComponentState
from servers.services import until_ready
from servers.simulators import Simulator
from servers.waiting import HANG_SECONDS, eventually

if TYPE_CHECKING:
    from integration.collector.conftest import Admin, StartCollector

# A request that was on its way has been answered by then.
ON_THEIR_WAY_SECONDS = 1.0
# Longer than a probe's pause, so that each of them would have asked.
SILENT_SECONDS = 4.0
MARKETS = ("KRW-BTC", "KRW-ETH", "KRW-XRP")
CLOSE_TO_NOW = timedelta(minutes=4)


def answers(upbit: Simulator) -> Counter[int]:
    """Return how many requests, WebSocket connections too, were answered with which status."""
    counted: Counter[int] = Counter()
    for row in upbit.get("/_control/stats")["requests"]:
        counted[row["status"]] += row["count"]
    return counted


async def passed(seconds: float) -> None:
    since = time.monotonic()
    await eventually(lambda: time.monotonic() - since > seconds)


async def blocked(upbit: Simulator, server: NatsServer, *, collectors: int) -> int:
    """Block the address at the next request; returns how many were refused until all of them know."""

    async def is_known() -> bool:
        states = await reported_of_upbit(server, collectors)
        return all("limited: Upbit has blocked this address" in str(state.message) for state in states)

    # For longer than the test takes.
    upbit.switch_on("blocked", block_seconds=600)
    await eventually(lambda: answers(upbit)[418])
    await eventually(is_known)
    await passed(ON_THEIR_WAY_SECONDS)
    # Who is disconnected now would connect again at once.
    upbit.switch_on("ws_close", count=2)
    return answers(upbit)[418]


async def reported_of_upbit(server: NatsServer, collectors: int) -> list[ComponentState]:
    """Return what each collector says of Upbit."""
    client = await nats_client.connect(server.url())
    inbox = client.new_inbox()
    replies = await client.subscribe(inbox)
    await client.publish(ComponentReport.subject, reply=inbox)
    found = [json.loads((await replies.next_msg(timeout=HANG_SECONDS)).data) for _ in range(collectors)]
    await client.close()
    return [ComponentState.model_validate(each["components"][0]) for each in found]


async def test_after_a_418_to_one_collector_none_of_them_asks_any_more(
    start_collector: StartCollector, fresh_nats: NatsServer, upbit: Simulator
) -> None:
    with start_collector("one") as one, start_collector("other") as other:
        await until_ready(one, other)
        before = await blocked(upbit, fresh_nats, collectors=2)
        await passed(SILENT_SECONDS)
        assert answers(upbit)[418] == before
        states = await reported_of_upbit(fresh_nats, 2)
    assert [state.status for state in states] == ["warning", "warning"]


async def test_a_collector_that_is_killed_and_started_again_during_a_block_asks_nothing(
    start_collector: StartCollector, fresh_nats: NatsServer, upbit: Simulator
) -> None:
    with start_collector("killed") as collector:
        await until_ready(collector)
        before = await blocked(upbit, fresh_nats, collectors=1)
        collector.kill()
    with start_collector("again") as collector:
        await until_ready(collector)
        await passed(SILENT_SECONDS)
        assert answers(upbit)[418] == before


async def test_collectors_that_backfill_at_the_same_time_stay_below_the_limit_of_their_address(
    start_collector: StartCollector, admin: Admin, upbit: Simulator
) -> None:
    async def is_whole() -> bool:
        newest = await admin.fetch("SELECT max(timestamp) AS minute FROM market_data GROUP BY symbol")
        return [row["minute"] > utc_now() - CLOSE_TO_NOW for row in newest] == [True] * len(MARKETS)

    await admin.execute(
        "INSERT INTO system_config (key, value) VALUES ('markets', $1), ('backfill_days', '1')",
        json.dumps(list(MARKETS)),
    )
    with ExitStack() as collectors:
        for number in range(3):
            collectors.enter_context(start_collector(f"{number}", 3))
        await eventually(is_whole, 2 * HANG_SECONDS)
    counted = answers(upbit)
    assert counted[418] == 0
    # Ten within 5 s would be a block.
    assert counted[429] < 10
