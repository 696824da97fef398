"""Publishes without an acknowledgement, and pages that cannot be stored, as the stream shows them."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncGenerator

from common.clock import floor_minute, utc_now
from common.streams import DECIDE_ON_CANDLES, STORE_CANDLES
from faults.inputs.publishing import page_to_decide, publisher
from faults.oracles import expected
from faults.stack.running import service_with_faults, stopped
from faults.stack.stages import EVERY_MINUTE, NO_UPBIT, empty_stack
from faults.weakening.weakenings import Build, Flaw
from harness.records import until_handled
from harness.stack import gemini_at, in_thread
from servers.proxy import proxy
from servers.services import until_ready
from servers.simulators import simulator
from servers.waiting import eventually

PAGES = 3
DONE_SECONDS = 60.0
OUTAGE_SECONDS = 2.0
# Handed back after 1, 2 and 4 s, a page comes about three times in an outage of two seconds.
MOST_DELIVERIES = 10


async def doubled_signals(build: Build, chance: random.Random) -> AsyncGenerator[Flaw, None]:
    """Lose acknowledgements of published signals on the way; see signals that are in the stream twice."""
    published = []
    async with (
        empty_stack(EVERY_MINUTE) as (running, _),
        in_thread(simulator("gemini_simulator")) as gemini,
        publisher(running) as publishing,
        proxy(running.nats.port) as network,
    ):
        environment = gemini_at(gemini) | {"NATS_URL": network.url(running.nats.url("signaler"))}
        with service_with_faults(running, "signaler", environment, *build) as process:
            await until_ready(process)
            for number in itertools.count(step=PAGES):
                network.dropping, before = b'"stream":"SIGNALS"', network.dropped
                end = floor_minute(utc_now())
                for each in range(PAGES):
                    page = page_to_decide(number + each, chance, end=end)
                    await publishing.publish(page)
                    published.append(page)
                await eventually(lambda before=before: network.dropped > before, DONE_SECONDS)  # type: ignore[misc]
                network.dropping = None
                await until_handled(running.nats.url(), DECIDE_ON_CANDLES, DONE_SECONDS)
                compared = await expected.signals_of_pages(running, published)
                doubled = f"{compared.doubled} of {compared.due} signals published twice"
                yield doubled if compared.doubled else None


async def hasty_redeliveries(build: Build, chance: random.Random) -> AsyncGenerator[Flaw, None]:
    """Take PostgreSQL away for two seconds; see a page that is delivered more than ten times in it."""
    async with empty_stack({}) as (running, _), publisher(running) as publishing:
        with service_with_faults(running, "collector", NO_UPBIT, *build) as process:
            await until_ready(process)
            for number in itertools.count():
                before = await publishing.deliveries(STORE_CANDLES)
                running.postgres.stop()
                page = page_to_decide(number, chance, end=floor_minute(utc_now()))
                await publishing.publish(page)
                await asyncio.sleep(OUTAGE_SECONDS)
                count = await publishing.deliveries(STORE_CANDLES) - before
                running.postgres.start()
                await until_handled(running.nats.url(), STORE_CANDLES, DONE_SECONDS)
                yield f"a page was delivered {count} times in 2 s" if count > MOST_DELIVERIES else None
            await stopped(process)
