"""A failing Upbit sees one call as often as the retries allow, and gets the pause that it asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from collector.upbit.client import UpbitClient
from common.clock import MINUTE, ExchangeClock, utc_now
from common.errors import PermanentError, TransientError
from common.events import CandlesClosed
from common.jobs.tracking import JobOwner, JobRun, track_job
from servers.simulators import Simulator, simulator
from servers.waiting import HANG_SECONDS

OWNER = JobOwner("collector", "c-1", lambda _: None)


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with simulator("upbit_simulator") as started:
        yield started


@pytest.fixture
def upbit(running: Simulator) -> Iterator[Simulator]:
    """Upbit, without a fault at the beginning and at the end."""
    yield running
    running.switch_all_off()


@pytest.fixture
async def client(upbit: Simulator) -> AsyncIterator[UpbitClient]:
    """The collector's client, which has not asked yet."""
    built = UpbitClient(upbit.url, source="simulator", clock=ExchangeClock())
    yield built
    await built.close()


async def fetch(client: UpbitClient) -> tuple[CandlesClosed | None, JobRun]:
    """Ask for five minutes, as a job does."""
    end = utc_now().replace(second=0, microsecond=0) - timedelta(minutes=5)
    async with track_job("data_collection", owner=OWNER) as run:
        return await client.fetch_page("KRW-BTC", end - 5 * MINUTE, end), run


def answers(upbit: Simulator) -> dict[int, int]:
    """Return how many requests were answered with which status; 0 is none."""
    counted: Counter[int] = Counter()
    for row in upbit.get("/_control/stats")["requests"]:
        counted[row["status"]] += row["count"]
    return counted


def since(before: dict[int, int], upbit: Simulator) -> dict[int, int]:
    now = answers(upbit)
    return {
        status: now[status] - before.get(status, 0) for status in now if now[status] != before.get(status)
    }


@pytest.mark.parametrize(
    ("kind", "params", "status"),
    [("http_error", {"status": 503}, 503), ("rate_limited", {}, 429), ("reset", {}, 0)],
)
async def test_a_call_that_fails_once_is_two_requests_and_one_retry(
    kind: str, params: dict[str, object], status: int, upbit: Simulator, client: UpbitClient
) -> None:
    before = answers(upbit)
    upbit.switch_on(kind, count=1, **params)
    page, run = await fetch(client)
    assert page is not None
    assert len(page.candles) > 0
    assert since(before, upbit) == {status: 1, 200: 1}
    assert run.retries == 1


async def test_what_will_not_get_better_is_asked_once(upbit: Simulator, client: UpbitClient) -> None:
    before = answers(upbit)
    upbit.switch_on("http_error", status=400)
    with pytest.raises(PermanentError):
        await fetch(client)
    assert since(before, upbit) == {400: 1}


@pytest.mark.parametrize(("kind", "stated"), [("rate_limited", 1), ("blocked", 75)])
async def test_the_pause_that_upbit_states_is_the_one_before_the_next_try(
    kind: str, stated: int, upbit: Simulator, client: UpbitClient
) -> None:
    upbit.switch_on(kind, **({"block_seconds": stated} if kind == "blocked" else {}))
    with pytest.raises(TransientError) as caught:
        await client.ping("KRW-BTC")
    assert caught.value.retry_after_seconds is not None
    # What has passed since the answer is less to wait.
    assert max(0, stated - HANG_SECONDS) <= caught.value.retry_after_seconds <= stated


async def test_what_upbit_blocks_is_not_asked_until_the_block_ends(
    upbit: Simulator, client: UpbitClient
) -> None:
    before = answers(upbit)
    upbit.switch_on("blocked", block_seconds=75)
    for reason in ("Upbit answered 418", "Upbit has blocked this address", "Upbit has blocked this address"):
        with pytest.raises(TransientError, match=reason):
            await client.ping("KRW-BTC")
    assert since(before, upbit) == {418: 1}


async def test_an_upbit_that_speaks_no_tls_is_one_that_cannot_be_reached(upbit: Simulator) -> None:
    client = UpbitClient(upbit.url.replace("http:", "https:"), source="simulator", clock=ExchangeClock())
    with pytest.raises(TransientError, match="Upbit cannot be reached"):
        await client.ping("KRW-BTC")
    await client.close()
