"""`bongsu jobs`: the same counts from the stream, from the log and from PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nats as nats_client
import pytest

from bongsu.servers.nats.server import NatsServer
from integration.bongsu import many_runs
from servers.commands import COMMAND, Ended, bongsu, in_terminal
from servers.fixtures import declare_streams
from servers.surroundings import surroundings
from servers.waiting import HANG_SECONDS

if TYPE_CHECKING:
    from integration.bongsu.conftest import Admin, Command

TESTS = Path(__file__).parents[3]
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


@dataclass(frozen=True)
class RecordedRuns:
    """Runs of two replicas that ran at the same time: on a bus, and in a log each."""

    nats: NatsServer
    logs: tuple[Path, ...]

    @property
    def from_logs(self) -> tuple[str, ...]:
        """The options that read the logs."""
        return tuple(part for path in self.logs for part in ("--log", str(path)))


@pytest.fixture(scope="module")
def recorded(servers_folder: Path) -> Iterator[RecordedRuns]:
    """Many runs, made once and only read: to make them takes two processes."""
    folder = servers_folder / "recorded"
    folder.mkdir()
    server = NatsServer(folder / "nats").start()
    asyncio.run(declare_streams(server))
    logs = tuple(folder / f"{name}.log" for name in REPLICAS)
    environment = {"PYTHONPATH": str(TESTS), "NATS_URL": server.url("collector")}
    with ExitStack() as opened:
        running = [
            subprocess.Popen(
                [sys.executable, "-m", many_runs.__name__, name, str(RUNS)],
                env=surroundings(**environment),
                stdout=opened.enter_context(path.open("wb")),
            )
            for name, path in zip(REPLICAS, logs, strict=True)
        ]
        for process in running:
            opened.callback(process.kill)
        assert [process.wait(HANG_SECONDS) for process in running] == [0, 0]
    yield RecordedRuns(server, logs)
    server.stop()


@pytest.fixture
def stack(database_url: str, recorded: RecordedRuns) -> dict[str, str]:
    """The bus that has the runs of the replicas, and the user that commands may be."""
    return {"DATABASE_URL": database_url, "NATS_URL": recorded.nats.url("cli")}


def without_times(ended: Ended) -> list[dict[str, Any]]:
    """Return the rows; a record and its line are made a few microseconds after each other."""
    return [{name: row[name] for name in row if name != "last_finished_at"} for row in ended.document["jobs"]]


async def test_stream_and_log_and_postgresql_agree_to_the_last_bit(
    command: Command, recorded: RecordedRuns, admin: Admin
) -> None:
    stream, log = await command("jobs", "--json"), await command("jobs", "--json", *recorded.from_logs)
    assert (stream.code, stream.err, log.code, log.err) == (0, "", 0, "")
    assert without_times(stream) == without_times(log)
    rows = log.document["jobs"]
    assert [row["job"] for row in rows] == list(many_runs.JOBS)
    assert sum(row["runs"] for row in rows) + log.document["broken"] < 2 * RUNS
    await admin.execute("CREATE TABLE log (line jsonb)")
    lines = [(line,) for path in recorded.logs for line in path.read_text(encoding="utf-8").splitlines()]
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


async def test_no_consumer_is_left_behind(command: Command, recorded: RecordedRuns) -> None:
    ended = await command("jobs", "--since", "24h", "--json")
    assert sum(row["runs"] + row["failed"] for row in ended.document["jobs"]) > 0
    client = await nats_client.connect(recorded.nats.url())
    assert await client.jetstream().consumers_info("JOBS") == []
    await client.close()


async def test_on_a_terminal_of_80_columns_nothing_is_cut(stack: dict[str, str]) -> None:
    ended = await asyncio.to_thread(in_terminal, "jobs", columns=80, **stack)
    assert ended.code == 0
    lines = re.sub(r"\x1b\[[0-9;]*m", "", ended.out).splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[:2] for line in lines].count(["collector", "data_collection"]) == 3


def test_standard_input_is_a_log_too(recorded: RecordedRuns) -> None:
    with recorded.logs[0].open("rb") as log:
        result = subprocess.run(
            [*COMMAND, "jobs", "--log", "-"],
            stdin=log,
            capture_output=True,
            timeout=HANG_SECONDS,
            env=surroundings(),
        )
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.startswith(b"Runs; milliseconds over ok and failed ones\n")


def test_a_log_needs_no_stack(recorded: RecordedRuns) -> None:
    assert not os.environ.get("NATS_URL")
    ended = bongsu("jobs", "--json", *recorded.from_logs)
    assert (ended.code, ended.err) == (0, "")
    assert sum(row["runs"] for row in ended.document["jobs"]) > RUNS
