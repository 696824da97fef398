"""State of a NATS cluster: the leaders, and what each server has."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import ClusterInfo

from common.streams import CONSUMERS

SERVERS = ("nats-1", "nats-2", "nats-3")
ASK_SECONDS = 1.0


async def stream_leader(jetstream: JetStreamContext, stream: str) -> str | None:
    """Return the name of the server that leads a stream; None while there is none, or no answer."""
    try:
        cluster = (await jetstream.stream_info(stream)).cluster
    except (NatsError, TimeoutError):
        return None
    return _member(cluster.leader if cluster else None)


async def meta_leader(monitor_urls: Sequence[str]) -> str | None:
    """Return the name of the server that leads the cluster itself, as the first that answers knows it."""
    for url in monitor_urls:
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=ASK_SECONDS) as client:
                answer = (await client.get(f"{url}/jsz")).json()
        except (httpx.HTTPError, ValueError):
            continue
        # A server that is just starting is in no cluster yet.
        if leader := _member(answer.get("meta_cluster", {}).get("leader")):
            return leader
    return None


async def is_whole(jetstream: JetStreamContext, streams: Sequence[str]) -> bool:
    """Tell whether all three servers have everything of these streams and of their consumers."""
    try:
        groups = [(await jetstream.stream_info(stream)).cluster for stream in streams]
        groups += [
            (await jetstream.consumer_info(consumer.stream, consumer.name)).cluster
            for consumer in CONSUMERS
            if consumer.stream in streams
        ]
    except (NatsError, TimeoutError):
        return False
    return all(_is_whole(group) for group in groups)


def _is_whole(group: ClusterInfo | None) -> bool:
    peers = group.replicas if group and group.leader and group.replicas else []
    return [bool(peer.current and not peer.offline) for peer in peers] == [True, True]


def _member(leader: str | None) -> str | None:
    return next((name for name in SERVERS if (leader or "").startswith(f"{name}-")), None)
