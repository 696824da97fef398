"""The exchange's time while Upbit gives a wrong one, once or for good."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from collector.upbit.client import UpbitClient
from common.clock import MINUTE, ExchangeClock, closed_until, floor_minute, utc_now
from common.errors import TransientError
from common.telemetry.names import LogEvent
from servers.services import until_ready
from servers.simulators import Simulator
from servers.waiting import HANG_SECONDS, eventually

if TYPE_CHECKING:
    from integration.collector.conftest import Admin, StartCollector

HOUR = timedelta(hours=1)
# A `Date` has no fractions.
SECOND = timedelta(seconds=1)
SKEW = timedelta(minutes=5)
MARKET = "KRW-BTC"


@pytest.fixture
def clock() -> ExchangeClock:
    return ExchangeClock(steady=True)


@pytest.fixture
async def client(upbit: Simulator, clock: ExchangeClock) -> AsyncIterator[UpbitClient]:
    """The collector's client, which has received the time twice."""
    built = UpbitClient(upbit.url, source="simulator", clock=clock)
    await until_answered(built)
    await until_answered(built)
    yield built
    await built.close()


async def until_answered(client: UpbitClient) -> None:
    """Ping until an answer comes: the product's 2 s are short for a first call on a busy machine."""

    async def is_answered() -> bool:
        with contextlib.suppress(TransientError):
            await client.ping(MARKET)
            return True
        return False

    await eventually(is_answered)


def is_of(clock: ExchangeClock, answered_after: datetime, *, skew: timedelta = timedelta(0)) -> bool:
    """Return whether the clock shows an answer that was given since then, and off by `skew`."""
    assert clock.now is not None
    return answered_after - SECOND <= clock.now - skew <= utc_now()


async def test_one_answer_with_a_wrong_time_closes_no_minute(
    client: UpbitClient, clock: ExchangeClock, upbit: Simulator
) -> None:
    known = clock.now
    assert known is not None
    start = floor_minute(utc_now()) - 10 * MINUTE
    upbit.switch_on("clock_skew", count=1, seconds=HOUR.total_seconds())
    page = await client.fetch_page(MARKET, start, start + HOUR)
    assert page is not None
    assert page.covers_to <= closed_until(utc_now())
    assert page.collected_at <= utc_now()
    assert is_of(clock, known)


@pytest.mark.parametrize("skew", [SKEW, -SKEW])
async def test_a_time_that_all_answers_agree_on_is_followed(
    upbit: Simulator, skew: timedelta, clock: ExchangeClock
) -> None:
    began = utc_now()
    upbit.switch_on("clock_skew", seconds=skew.total_seconds())
    client = UpbitClient(upbit.url, source="simulator", clock=clock)
    await until_answered(client)
    await until_answered(client)
    await client.close()
    assert is_of(clock, began, skew=skew)


async def test_a_clock_that_was_set_forward_is_followed_from_the_second_answer_on(
    client: UpbitClient, clock: ExchangeClock, upbit: Simulator
) -> None:
    known, began = clock.now, utc_now()
    upbit.switch_on("clock_skew", seconds=SKEW.total_seconds())
    await until_answered(client)
    assert clock.now == known
    await until_answered(client)
    assert is_of(clock, began, skew=SKEW)


async def test_a_collector_warns_once_that_the_clocks_differ_and_goes_on(
    start_collector: StartCollector, admin: Admin, upbit: Simulator
) -> None:
    async def stores() -> bool:
        return bool(await admin.fetchval("SELECT count(*) > 200 FROM market_data"))

    upbit.switch_on("clock_skew", seconds=-SKEW.total_seconds())
    with start_collector("slow", 1) as collector:
        await until_ready(collector)
        await eventually(stores)
        warnings = await eventually(lambda: collector.events(LogEvent.CLOCKS_DIFFER))
    assert len(warnings) == 1
    # The later an answer arrives, the further behind it seems.
    assert -SKEW.total_seconds() - HANG_SECONDS < warnings[0]["exchange_ahead_seconds"] < -298
