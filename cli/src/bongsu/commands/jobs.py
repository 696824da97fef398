"""`bongsu jobs`: statistics of job runs, from the stream or from a log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from bongsu.bus.job_runs import read_kept_runs
from bongsu.commands.options import span_begin
from bongsu.context import DEFAULT_DATA_DIR, AsJson, DataDir, load_context
from bongsu.errors import CommandError
from bongsu.logs.job_runs import read_job_logs
from bongsu.output import note, print_json, print_table, say
from common.jobs.statistics import JobAggregator, JobStatistics

MS_PLACES = 2
NONE_SINCE = "no run ended in that time"

Log = Annotated[
    list[str] | None,
    typer.Option(
        "--log",
        metavar="FILE",
        help="A log of JSON lines instead of the stream; - is standard input; may be repeated.",
    ),
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="SPAN", help="Only what ended in the last 90s, 30m, 24h or 7d."),
]


def jobs(
    log: Log = None,
    since: Since = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Show how often each job ran, how it ended, how long it took.

    As in: bongsu jobs --log .bongsu/logs/collector.log --since 24h
    """
    begin = span_begin(since)
    if log:
        _report_log(log, begin, as_json=as_json)
    else:
        _report_stream(data_dir, begin, as_json=as_json)


def _report_stream(data_dir: Path, begin: datetime | None, *, as_json: bool) -> None:
    tally = JobAggregator()
    broken = asyncio.run(read_kept_runs(load_context(data_dir).nats_url, tally.add, since=begin))
    rows = tally.rows()
    if as_json:
        print_json({"since": begin, "broken": broken, "jobs": [asdict(row) for row in rows]})
    else:
        _print(rows, none="no run is recorded yet" if begin is None else NONE_SINCE)
    if broken:
        note(f"not counted, because they are no record of a run: {broken} messages of the stream")


def _report_log(names: Sequence[str], begin: datetime | None, *, as_json: bool) -> None:
    tally = JobAggregator()
    log = read_job_logs(names, tally.add, since=begin)
    broken = f"they are no JSON or lack a field: {log.broken} of {log.lines} lines"
    if not log.runs:
        hint = f" ({broken})" if log.broken else ""
        raise CommandError(
            f"no job.finished line in {', '.join(names)}{hint}; services write them with LOG_FORMAT=json"
        )
    rows = tally.rows()
    retries = [
        {"dependency": name, "scheduled": log.scheduled[name], "exhausted": log.exhausted[name]}
        for name in sorted(log.scheduled | log.exhausted)
    ]
    if as_json:
        totals = {"since": begin, "lines": log.lines, "broken": log.broken}
        print_json({**totals, "jobs": [asdict(row) for row in rows], "retries": retries})
    else:
        _print(rows, none=NONE_SINCE)
        if retries:
            say("")
            columns = ("dependency", "retries", "given up")
            cells = [tuple(each.values()) for each in retries]
            print_table("Calls by dependency", columns, cells, wrapped=0)
    if log.broken:
        note(f"not counted, because {broken}; the first is {log.first_broken}")


def _print(rows: list[JobStatistics], *, none: str) -> None:
    if not rows:
        say(none)
        return
    print_table(
        "Runs; milliseconds over ok and failed ones",
        ("service", "job", "runs", "ok %", "p50", "p95", "p99"),
        [
            (
                row.service,
                row.job,
                row.runs,
                row.success_rate,
                *map(_ms, (row.p50_ms, row.p95_ms, row.p99_ms)),
            )
            for row in rows
        ],
    )
    say("")
    print_table(
        "Retries, and how the last run ended",
        ("service", "job", "skipped", "retries", "retried ok", "last"),
        [(row.service, row.job, row.skipped, row.retries, row.ok_after_retries, _last(row)) for row in rows],
    )
    if failing := [row for row in rows if row.last_error]:
        say("")
        print_table(
            "Newest error of each job that failed",
            ("service", "job", "error"),
            [(row.service, row.job, row.last_error) for row in failing],
        )


def _last(row: JobStatistics) -> str:
    return row.last_outcome if row.last_reason is None else f"{row.last_outcome}: {row.last_reason}"


def _ms(value: float | None) -> Decimal | None:
    return None if value is None else round(Decimal(value), MS_PLACES)
