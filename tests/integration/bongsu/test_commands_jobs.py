"""Does `bongsu jobs` count the same runs in the stream and in the log, and the same as PostgreSQL?"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nats as nats_client
import pytest
from nats.js import JetStreamContext

from bongsu.servers.nats import NatsServer
from integration.bongsu import many_runs
from servers.commands import COMMAND, SECONDS, Ended, bongsu
from servers.surroundings import surroundings
from servers.terminal import in_terminal

if TYPE_CHECKING:
    from integration.bongsu.conftest import Admin, Command

TESTS = Path(__file__).parents[2]
REPLICAS = ("c-1", "c-2")
RUNS = 300
BY_HAND = """
    SELECT
        line ->> 'service' AS service,
        line ->> 'job_name' AS job,
        count(*) FILTER (WHERE line ->> 'outcome' <> 'skipped') AS runs,
        count(*) FILTER (WHERE line ->> 'outcome' = 'ok') AS ok,
        coalesce(sum((line ->> 'count')::int) FILTER (WHERE line ->> 'outcome' = 'skipped'), 0) AS skipped,
        percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY (line ->> 'duration_ms')::float8)
            FILTER (WHERE line ->> 'outcome' <> 'skipped') AS percentiles,
        sum((line ->> 'attempts')::int - 1) AS retries,
        count(*) FILTER (WHERE line ->> 'outcome' = 'ok' AND (line ->> 'attempts')::int > 1) AS saved
    FROM log WHERE line ->> 'event' = 'job.finished' GROUP BY 1, 2 ORDER BY 1, 2
"""


@pytest.fixture
async def jetstream(fresh_nats: NatsServer) -> AsyncIterator[JetStreamContext]:
    """JetStream with the rights of the reconciler."""
    client = await nats_client.connect(fresh_nats.url())
    yield client.jetstream()
    await client.close()


@pytest.fixture
def stack(database_url: str, fresh_nats: NatsServer) -> dict[str, str]:
    """A bus of this test's own, and the user that commands may be."""
    return {"DATABASE_URL": database_url, "NATS_URL": fresh_nats.url("cli")}


@pytest.fixture
def logs(fresh_nats: NatsServer, tmp_path: Path) -> list[Path]:
    """The logs of two replicas that ran at the same time; what they ran is in the stream too."""
    paths = [tmp_path / f"{name}.log" for name in REPLICAS]
    environment = {"PYTHONPATH": str(TESTS), "NATS_URL": fresh_nats.url("collector")}
    with ExitStack() as opened:
        running = [
            subprocess.Popen(
                [sys.executable, "-m", many_runs.__name__, name, str(RUNS)],
                env=surroundings(**environment),
                stdout=opened.enter_context(path.open("wb")),
            )
            for name, path in zip(REPLICAS, paths, strict=True)
        ]
        assert [process.wait(SECONDS) for process in running] == [0, 0]
    return paths


def from_logs(logs: list[Path]) -> tuple[str, ...]:
    return tuple(part for path in logs for part in ("--log", str(path)))


def without_times(ended: Ended) -> list[dict[str, Any]]:
    """Return the rows; a record and its line are made a few microseconds after each other."""
    return [{name: row[name] for name in row if name != "last_finished_at"} for row in ended.document["jobs"]]


async def test_stream_and_log_and_postgresql_agree_to_the_last_bit(
    command: Command, logs: list[Path], admin: Admin
) -> None:
    stream, log = await command("jobs", "--json"), await command("jobs", "--json", *from_logs(logs))
    assert (stream.code, stream.err, log.code, log.err) == (0, "", 0, "")
    assert without_times(stream) == without_times(log)
    rows = log.document["jobs"]
    assert [row["job"] for row in rows] == list(many_runs.JOBS)
    assert sum(row["runs"] for row in rows) + log.document["broken"] < 2 * RUNS
    await admin.execute("CREATE TABLE log (line jsonb)")
    lines = [(line,) for path in logs for line in path.read_text(encoding="utf-8").splitlines()]
    await admin.executemany("INSERT INTO log VALUES ($1)", lines)
    assert log.document["lines"] == len(lines)
    by_hand = [tuple(row) for row in await admin.fetch(BY_HAND)]
    assert by_hand == [
        (
            *(row["service"], row["job"], row["runs"], row["ok"], row["skipped"]),
            [row["p50_ms"], row["p95_ms"], row["p99_ms"]],
            *(row["retries"], row["ok_after_retries"]),
        )
        for row in rows
    ]
    assert all(row["failed"] == row["runs"] - row["ok"] > 0 < row["skipped"] for row in rows)
    by_dependency = await admin.fetch(
        "SELECT line ->> 'dependency', count(*) FILTER (WHERE line ->> 'event' = 'retry.scheduled'),"
        " count(*) FILTER (WHERE line ->> 'event' = 'retry.exhausted')"
        " FROM log WHERE line ->> 'event' LIKE 'retry.%' GROUP BY 1"
    )
    assert [tuple(row) for row in by_dependency] == [tuple(row.values()) for row in log.document["retries"]]
    assert sum(row["scheduled"] for row in log.document["retries"]) == sum(row["retries"] for row in rows)


async def test_no_consumer_is_left_behind(
    command: Command, logs: list[Path], jetstream: JetStreamContext
) -> None:
    ended = await command("jobs", "--since", "24h", "--json")
    assert sum(row["runs"] + row["failed"] for row in ended.document["jobs"]) > 0
    assert await jetstream.consumers_info("JOBS") == []


async def test_more_runs_than_are_fetched_at_once_are_all_counted(
    command: Command, jetstream: JetStreamContext, logs: list[Path]
) -> None:
    record = (await jetstream.get_msg("JOBS", 1)).data or b""
    run_id = re.search(rb'"run_id":"(\w+)"', record)
    assert run_id is not None
    for number in range(1200):
        body = record.replace(run_id[1], b"again-%d" % number).replace(b'"collector"', b'"signaler"')
        await jetstream.publish("job.finished.signaler.again", body)
    ended = await command("jobs", "--json")
    [row] = [row for row in ended.document["jobs"] if row["service"] == "signaler"]
    assert row["runs"] + row["skipped"] >= 1200


async def test_what_is_no_record_is_counted_and_said(command: Command, jetstream: JetStreamContext) -> None:
    await jetstream.publish("job.finished.collector.gap_repair", b"\xff no record")
    await jetstream.publish("job.finished.collector.gap_repair", b"{}")
    ended = await command("jobs", "--json")
    assert (ended.code, ended.document) == (0, {"since": None, "broken": 2, "jobs": []})
    assert ended.line == (
        "bongsu: not counted, because they are no record of a run: 2 messages of the stream\n"
    )


async def test_before_the_first_run_that_is_said(command: Command) -> None:
    ended = await command("jobs")
    assert (ended.code, ended.out, ended.err) == (0, "no run is recorded yet\n", "")
    assert (await command("jobs", "--since", "1h")).out == "no run ended in that time\n"


async def test_on_a_terminal_of_80_columns_nothing_is_cut(stack: dict[str, str], logs: list[Path]) -> None:
    ended = await asyncio.to_thread(in_terminal, "jobs", columns=80, **stack)
    assert ended.code == 0
    lines = re.sub(r"\x1b\[[0-9;]*m", "", ended.out).splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[:2] for line in lines].count(["collector", "data_collection"]) == 3


def test_standard_input_is_a_log_too(stack: dict[str, str], logs: list[Path]) -> None:
    with logs[0].open("rb") as log:
        result = subprocess.run(
            [*COMMAND, "jobs", "--log", "-"],
            stdin=log,
            capture_output=True,
            timeout=SECONDS,
            env=surroundings(),
        )
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.startswith(b"Runs; milliseconds over ok and failed ones\n")


async def test_a_bus_that_is_away_is_named_without_its_password(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATS_URL", "nats://cli:hunter2secret@127.0.0.1:9")
    ended = await command("jobs", "--json")
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


async def test_an_address_that_nobody_told_is_asked_for(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NATS_URL")
    ended = await command("jobs")
    assert ended.code == 69
    assert ended.line == "bongsu: NATS_URL is not known; start the stack with `make run`, or set NATS_URL\n"


async def test_a_wrong_password_is_named_and_not_shown(
    command: Command, fresh_nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATS_URL", f"nats://cli:hunter2secret@127.0.0.1:{fresh_nats.port}")
    ended = await command("jobs")
    assert (ended.code, ended.out) == (1, "")
    assert ended.line.startswith("bongsu: NATS refuses the connection: ")
    assert "hunter2" not in ended.err


async def test_a_stream_that_is_missing_is_named(command: Command, jetstream: JetStreamContext) -> None:
    await jetstream.delete_stream("JOBS")
    ended = await command("jobs")
    assert (ended.code, ended.out) == (1, "")
    assert ended.line.startswith("bongsu: NATS has no stream JOBS; check that NATS_URL names Bongsu's server")


async def test_a_user_that_may_not_read_ends_in_one_line(
    command: Command, fresh_nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATS_URL", fresh_nats.url("collector"))
    ended = await command("jobs")
    assert (ended.code, ended.out) == (1, "")
    assert ended.line.lower().startswith("bongsu: nats refuses: nats: permissions violation for publish to ")
    assert ended.line.endswith("; name a user who may read it in NATS_URL\n")


def test_a_log_needs_no_stack(logs: list[Path]) -> None:
    assert not os.environ.get("NATS_URL")
    ended = bongsu("jobs", "--json", *from_logs(logs))
    assert (ended.code, ended.err) == (0, "")
    assert sum(row["runs"] for row in ended.document["jobs"]) > RUNS
