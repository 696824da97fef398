"""`bongsu jobs`: the whole stream is read, and what prevents it is one line."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from nats.js import JetStreamContext

from bongsu.servers.nats.server import NatsServer
from common.clock import utc_now
from common.events import JobFinished

if TYPE_CHECKING:
    from integration.bongsu.conftest import Command


@pytest.fixture
def stack(database_url: str, fresh_nats: NatsServer) -> dict[str, str]:
    """A bus of this test's own, and the user that commands may be."""
    return {"DATABASE_URL": database_url, "NATS_URL": fresh_nats.url("cli")}


def record(number: int) -> bytes:
    """Return what a service tells of one run."""
    run = JobFinished(
        service="signaler",
        instance="s-1",
        job_name="signal_generation",
        run_id=f"run-{number}",
        outcome="ok",
        duration_ms=number,
        attempts=1,
        error=None,
        finished_at=utc_now(),
        trace_id="0" * 32,
    )
    return run.model_dump_json().encode()


async def test_more_runs_than_are_fetched_at_once_are_all_counted(
    command: Command, jetstream: JetStreamContext
) -> None:
    for number in range(1, 1202):
        await jetstream.publish("job.finished.signaler.signal_generation", record(number))
    [row] = (await command("jobs", "--json")).document["jobs"]
    assert (row["runs"], row["ok"], row["p50_ms"]) == (1201, 1201, 601)


async def test_what_is_no_record_is_counted_and_said(command: Command, jetstream: JetStreamContext) -> None:
    await jetstream.publish("job.finished.collector.gap_repair", b"\xff no record")
    await jetstream.publish("job.finished.collector.gap_repair", b"{}")
    ended = await command("jobs", "--json")
    assert (ended.code, ended.document) == (0, {"since": None, "broken": 2, "jobs": []})
    assert ended.line == (
        "bongsu: not counted, because they are no record of a run: 2 messages of the stream\n"
    )


async def test_before_the_first_run_that_is_said_and_a_stream_that_is_missing_is_named(
    command: Command, jetstream: JetStreamContext
) -> None:
    ended = await command("jobs")
    assert (ended.code, ended.out, ended.err) == (0, "no run is recorded yet\n", "")
    assert (await command("jobs", "--since", "1h")).out == "no run ended in that time\n"
    await jetstream.delete_stream("JOBS")
    ended = await command("jobs")
    assert (ended.code, ended.out) == (1, "")
    assert ended.line.startswith("bongsu: NATS has no stream JOBS; check that NATS_URL names Bongsu's server")


@pytest.mark.parametrize(
    "arguments", ["jobs --json", "dead list", "dead show 1", "dead retry 1", "dead drop --all"]
)
async def test_a_bus_that_is_away_is_named_without_its_password(
    command: Command, monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    monkeypatch.setenv("NATS_URL", "nats://cli:hunter2secret@127.0.0.1:9")
    ended = await command(*arguments.split())
    assert (ended.code, ended.out) == (69, "")
    assert ended.line.startswith("bongsu: NATS does not answer (")
    assert ended.line.endswith("; start the stack with `make run`, or correct NATS_URL\n")
    assert "hunter2" not in ended.err


async def test_a_bus_that_says_nothing_is_given_up(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        monkeypatch.setenv("NATS_URL", f"nats://127.0.0.1:{mute.getsockname()[1]}")
        ended = await command("jobs")
    assert ended.code == 69
    assert ended.line.startswith("bongsu: NATS does not answer (")


async def test_an_address_that_is_not_known_is_asked_for(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NATS_URL")
    ended = await command("jobs")
    assert ended.code == 69
    assert ended.line == "bongsu: NATS_URL is not known; start the stack with `make run`, or set NATS_URL\n"


async def test_a_wrong_password_is_named_and_not_shown_and_who_may_not_read_learns_it(
    command: Command, fresh_nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATS_URL", f"nats://cli:hunter2secret@127.0.0.1:{fresh_nats.port}")
    ended = await command("jobs")
    assert (ended.code, ended.out) == (77, "")
    assert ended.line.startswith("bongsu: NATS refuses the connection: ")
    assert "hunter2" not in ended.err
    monkeypatch.setenv("NATS_URL", fresh_nats.url("collector"))
    ended = await command("jobs")
    assert (ended.code, ended.out) == (77, "")
    assert ended.line.lower().startswith("bongsu: nats refuses: nats: permissions violation for publish to ")
    assert ended.line.endswith("; name a user who may do that in NATS_URL\n")
