"""SC-006: p95 from the JSON log alone, by `bongsu jobs --log FILE` and by SQL over the same file."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from harness.finding import Finding
from harness.servers import Servers, postgres_connection, servers
from integration.bongsu import many_runs
from servers.commands import bongsu
from servers.surroundings import surroundings

TESTS = Path(__file__).parents[2]
RUNS = 2000
BY_SQL = """
SELECT line ->> 'job_name', percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP
       (ORDER BY (line ->> 'duration_ms')::float8)
FROM log WHERE line ->> 'event' = 'job.finished' AND line ->> 'outcome' <> 'skipped' GROUP BY 1
"""
Percentiles = dict[str, list[float]]


async def measure() -> list[Finding]:
    """Return one row: percentiles of a log of real runs, computed twice."""
    async with servers() as running:
        log = running.folder / "jobs.log"
        await _run(running, log)
        ours = await asyncio.to_thread(_by_command, log)
        theirs = await _by_sql(running, log.read_text().splitlines())
    worst = max(values[1] for values in theirs.values())
    return [
        Finding(
            "SC-006",
            f"p50, p95, p99 of {len(theirs)} jobs in a log of {RUNS} runs: `bongsu jobs --log FILE` and SQL",
            "equal",
            f"{'equal' if ours == theirs else 'NOT equal'}; the largest p95 is {worst:.2f} ms",
            holds=ours == theirs,
        )
    ]


async def _run(running: Servers, log: Path) -> None:
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", many_runs.__name__, "c-1", str(RUNS)),
            env=surroundings(PYTHONPATH=str(TESTS), NATS_URL=running.nats.url("collector")),
            stdout=output,
        )
        if await process.wait() != 0:
            raise RuntimeError(f"the runs ended with {process.returncode}")


def _by_command(log: Path) -> Percentiles:
    rows = bongsu("jobs", "--log", str(log), "--json").document["jobs"]
    return {row["job"]: [row["p50_ms"], row["p95_ms"], row["p99_ms"]] for row in rows}


async def _by_sql(running: Servers, lines: list[str]) -> Percentiles:
    async with postgres_connection(running.postgres.url()) as connection:
        await connection.execute("CREATE TEMP TABLE log (line jsonb)")
        await connection.executemany("INSERT INTO log VALUES ($1::jsonb)", [(line,) for line in lines])
        return {row[0]: list(row[1]) for row in await connection.fetch(BY_SQL)}
