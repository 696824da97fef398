"""Pages whose collector is killed around their commit, while Upbit cannot be asked again."""

from __future__ import annotations

import itertools
import random
from collections.abc import AsyncGenerator, Callable

from common.clock import floor_minute, utc_now
from common.streams import STORE_CANDLES
from faults.inputs.publishing import page_to_decide, publisher
from faults.oracles import expected
from faults.oracles.expected import Compared
from faults.stack.running import service_with_faults, stopped, until_killed
from faults.stack.stages import NO_UPBIT, empty_stack
from faults.weakening.weakenings import Build, Flaw, drop_unique_keys
from harness.records import until_handled
from servers.services import until_ready

PAGES = 3
STORED_SECONDS = 30.0


def lost_pages(build: Build, chance: random.Random) -> AsyncGenerator[Flaw, None]:
    """Kill it before a page's commit; see candles of the stream that are not in the table."""
    return _killed(build, chance, "before_commit", _lost)


def doubled_rows(build: Build, chance: random.Random) -> AsyncGenerator[Flaw, None]:
    """Kill it after a page's commit, before its acknowledgement; see candles that are in the table twice."""
    return _killed(build, chance, "after_commit", _doubled)


def _lost(compared: Compared) -> Flaw:
    return f"{compared.lost} of {compared.due} candles lost" if compared.lost else None


def _doubled(compared: Compared) -> Flaw:
    return f"{compared.doubled} of {compared.due} candles twice" if compared.doubled else None


async def _killed(
    build: Build, chance: random.Random, point: str, oracle: Callable[[Compared], Flaw]
) -> AsyncGenerator[Flaw, None]:
    published = []
    async with empty_stack({}) as (running, admin), publisher(running) as publishing:
        if "no_unique_key" in build:
            await drop_unique_keys(running.postgres.url())
        for number in itertools.count(step=PAGES):
            end = floor_minute(utc_now())
            for page in [page_to_decide(number + each, chance, end=end) for each in range(PAGES)]:
                await publishing.publish(page)
                published.append(page)
            with service_with_faults(
                running, "collector", NO_UPBIT, *build, point, nth=chance.randint(1, PAGES)
            ) as dying:
                await until_killed(dying)
            with service_with_faults(running, "collector", NO_UPBIT, *build) as process:
                await until_ready(process)
                await until_handled(running.nats.url(), STORE_CANDLES, STORED_SECONDS)
                await stopped(process)
            yield oracle(await expected.candles_of_pages(admin, published))
