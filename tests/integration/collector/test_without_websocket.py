"""Is a market collected when only REST answers?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from servers.simulators import Simulator
from servers.waiting import eventually

if TYPE_CHECKING:
    from integration.collector.conftest import Admin, StartCollector


async def test_a_market_is_collected_as_soon_as_upbit_answers_also_while_its_websocket_does_not(
    start_collector: StartCollector, admin: Admin, upbit: Simulator
) -> None:
    async def stores() -> bool:
        return bool(await admin.fetchval("SELECT count(*) > 200 FROM market_data"))

    await admin.execute("INSERT INTO system_config (key, value) VALUES ('collect_interval_seconds', '60')")
    upbit.switch_on("ws_refuse")
    with start_collector("half", 1):
        await eventually(stores, 15.0)
