"""`make bench`, or a part of it: `make bench ARGS="cache stream"`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bench.benches import (
    cache,
    database,
    health,
    history,
    latency,
    markets,
    memory,
    scaling,
    start,
    stream,
    ticks,
)
from bench.comparison import COLUMNS, Comparison
from common.telemetry.export import Telemetry
from common.telemetry.logs import configure_logging
from harness import report

WORDS = """\
How fast Bongsu is next to other ways of doing the same, written by `make bench` on {machine}.
Real servers on the same machine: PostgreSQL with `synchronous_commit=on`, nats-server with
`sync_interval: always`. Our side
records its spans with the SDK's tracer, as a service does, and exports none; the other sides have no tracing.
The sides of a row are measured in turn, round by round; a ratio is the median of the rounds' ratios, with the
lowest and the highest in brackets. Trust the ratios, not the rates."""
BENCHES: dict[str, report.Measure[Comparison]] = {
    "cache": cache.measure,
    "database": database.measure,
    "stream": stream.measure,
    "latency": latency.measure,
    "markets": markets.measure,
    "health": health.measure,
    "start": start.measure,
    "memory": memory.measure,
    "ticks": ticks.measure,
    "history": history.measure,
    "scaling": scaling.measure,
}
PAGE = report.Page(
    "Performance",
    WORDS,
    COLUMNS,
    Comparison.cells,
    Comparison.of_error,
    packages=("asyncpg", "nats-py", "faststream", "aiocache", "cashews", "SQLAlchemy"),
    keep_from="\n## Where the time goes\n",
)


def main(arguments: Sequence[str]) -> int:
    """Measure; returns 0, or 1 where a bench ended with an error."""
    names = report.parser("make bench", "Measures speed side by side.", BENCHES).parse_args(arguments).names
    configure_logging(service="bench", instance="bench", level="CRITICAL", log_format="console")
    # As in a service: without it a span is an empty object, and costs nothing.
    Telemetry(service="bench", instance="bench", environment={})
    wanted = {name: BENCHES[name] for name in names or BENCHES}
    rows = report.run(wanted, PAGE, None if names else report.DOCS / "performance.md")
    return 1 if any(row.is_error for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
