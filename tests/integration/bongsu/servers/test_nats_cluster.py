"""Three nats-servers as one cluster, with everything on each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import nats as nats_client
import pytest
from nats.js import JetStreamContext

from bongsu.provisioning.reconciler import reconcile_once, reconcile_when_ready
from bongsu.servers.nats.cluster import NatsServers
from bongsu.servers.secrets import Secrets
from common.bus.broker import Bus
from common.errors import TransientError
from common.streams import CONSUMERS, STREAMS
from integration.common.speaking import count, page
from servers.waiting import eventually


@pytest.fixture
def cluster(servers_folder: Path, tmp_path: Path) -> Iterator[NatsServers]:
    """Three servers without a stream."""
    folder = servers_folder / tmp_path.name
    servers = NatsServers(folder, 3, secrets=Secrets(folder / "secrets.json"), logs=folder / "logs")
    for server in servers.servers:
        server.start()
    yield servers
    for server in servers.servers:
        server.kill()


@pytest.fixture
async def jetstream(cluster: NatsServers) -> AsyncIterator[JetStreamContext]:
    """JetStream with the rights of the reconciler, once the streams are there."""
    await reconcile_when_ready(cluster.url(), replicas=cluster.replicas)
    client = await nats_client.connect(cluster.url().split(","))
    yield client.jetstream()
    await client.close()


async def test_everything_is_on_all_three_a_drift_is_corrected_and_a_page_sent_again_is_stored_once(
    cluster: NatsServers, jetstream: JetStreamContext
) -> None:
    assert {(await jetstream.stream_info(str(stream.name))).config.num_replicas for stream in STREAMS} == {3}
    for consumer in CONSUMERS:
        info = await jetstream.consumer_info(consumer.stream, consumer.name)
        assert info.cluster is not None
        assert len(info.cluster.replicas or []) == 2
    jobs = (await jetstream.stream_info("JOBS")).config
    await jetstream.update_stream(replace(jobs, num_replicas=1))
    assert await reconcile_once(cluster.url(), replicas=3) == [
        "stream JOBS had drifted in num_replicas and is corrected"
    ]
    assert await reconcile_once(cluster.url(), replicas=3) == []

    bus = Bus(cluster.url("collector"), service="collector", instance="c1")
    await bus.connect()
    await bus.publish(page())
    # It is sent again after the leader of its stream died.
    leader = (await jetstream.stream_info("MARKET")).cluster
    assert leader is not None
    next(server for server in cluster.servers if f"{leader.leader}".startswith(f"{server.name}-")).kill()

    async def published() -> bool:
        try:
            await bus.publish(page())
        except TransientError:
            return False
        return True

    await eventually(published)
    assert await count(jetstream, "MARKET") == 1
    await bus.close()


async def test_a_server_without_the_clusters_password_does_not_get_in(
    cluster: NatsServers, servers_folder: Path, tmp_path: Path
) -> None:
    stranger = cluster.servers[0]
    stranger.stop()
    configuration = stranger.directory / "nats.conf"
    text = configuration.read_text()
    password = Secrets(servers_folder / tmp_path.name / "secrets.json").get("nats.cluster")
    configuration.write_text(text.replace(password, "wrong"))
    stranger.launch()
    await eventually(lambda: "Authorization" in stranger.log.read_text())
