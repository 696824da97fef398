"""The server itself can spread the markets over several consumers, as docs/scaling.md says."""

from __future__ import annotations

from dataclasses import replace

import nats as nats_client
from nats.js.api import ConsumerConfig, SubjectTransform

from bongsu.servers.nats.server import NatsServer
from common.streams import STREAMS

PARTITIONS = 4
MARKETS = [f"KRW-M{number:03}" for number in range(250)]
PUBLISHED = "market.candle.closed.*"
STORED = f"market.candle.closed.{{{{partition({PARTITIONS},1)}}}}.{{{{wildcard(1)}}}}"


async def test_each_market_has_one_partition_and_is_still_stored_once(fresh_nats: NatsServer) -> None:
    client = await nats_client.connect(fresh_nats.url())
    js = client.jetstream()
    [market] = [stream for stream in STREAMS if stream.name == "MARKET"]
    await js.delete_stream("MARKET")
    await js.add_stream(replace(market, subject_transform=SubjectTransform(src=PUBLISHED, dest=STORED)))
    for number in range(PARTITIONS):
        subject = f"market.candle.closed.{number}.*"
        await js.add_consumer(
            "MARKET", ConsumerConfig(durable_name=f"partition-{number}", filter_subject=subject)
        )
    for code in MARKETS + MARKETS[:1]:
        await js.publish(f"market.candle.closed.{code}", b"a page", headers={"Nats-Msg-Id": code})

    pending = [
        (await js.consumer_info("MARKET", f"partition-{n}")).num_pending or 0 for n in range(PARTITIONS)
    ]
    assert sum(pending) == len(MARKETS)
    assert min(pending) > len(MARKETS) / PARTITIONS / 2
    await client.close()
