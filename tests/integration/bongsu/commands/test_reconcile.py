"""`bongsu reconcile` corrects streams and consumers until it is stopped, as the only user who may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from nats.js import JetStreamContext

from bongsu.servers.nats.server import NatsServer
from servers.commands import bongsu
from servers.services import ServiceProcess, service, until_ready
from servers.waiting import eventually


@pytest.fixture
def beat_file(tmp_path: Path) -> Path:
    """Not there yet."""
    return tmp_path / "beat"


@pytest.fixture
def reconciler(fresh_nats: NatsServer, tmp_path: Path, beat_file: Path) -> Iterator[ServiceProcess]:
    """The command as a container runs it: the URL from a file."""
    (tmp_path / "url").write_text(fresh_nats.url() + "\n")
    variables = {"NATS_URL_FILE": str(tmp_path / "url"), "BEAT_FILE": str(beat_file)}
    with service("bongsu", tmp_path / "log", "reconcile", **variables) as running:
        yield running


async def test_it_repairs_shows_that_it_lives_and_ends(
    reconciler: ServiceProcess, jetstream: JetStreamContext, beat_file: Path
) -> None:
    await until_ready(reconciler)
    first = await eventually(lambda: beat_file.exists() and beat_file.stat().st_mtime_ns)
    await jetstream.delete_stream("MARKET")
    await eventually(lambda: reconciler.events("stream.corrected"))
    assert await jetstream.consumer_info("MARKET", "signaler-candles-closed")
    await eventually(lambda: beat_file.stat().st_mtime_ns > first)
    assert reconciler.stop() == 0


async def test_a_server_that_comes_later_is_waited_for(
    fresh_nats: NatsServer, reconciler: ServiceProcess, beat_file: Path
) -> None:
    fresh_nats.stop()
    await eventually(lambda: reconciler.events("dependency.waiting"))
    fresh_nats.start()
    await until_ready(reconciler)
    assert reconciler.stop() == 0


@pytest.mark.parametrize(
    ("user", "said"),
    [("health", "who may declare streams"), ("stranger", "refuses the user or the password")],
)
def test_a_user_who_may_not_declare_learns_it(fresh_nats: NatsServer, user: str, said: str) -> None:
    url = fresh_nats.url("health").replace("//health:", f"//{user}:")
    ended = bongsu("reconcile", NATS_URL=url)
    assert ended.code == 77
    assert said in ended.line


def test_without_an_address_nothing_begins() -> None:
    ended = bongsu("reconcile")
    assert (ended.code, ended.line) == (2, "bongsu: NATS_URL: is missing; set it in the environment\n")
