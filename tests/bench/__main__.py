"""`make bench`, or a part of it: `make bench ARGS="cache stream"`."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from bench import report
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
from bench.comparison import Bench, Comparison
from common.telemetry.export import Telemetry
from common.telemetry.logs import configure_logging

PAGE = Path(__file__).parents[2] / "docs" / "performance.md"
# What a person wrote below this line stays.
EXPLANATION = "\n## Where the time goes\n"
BENCHES: dict[str, Bench] = {
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


def main(wanted: list[str]) -> int:
    """Measure; returns 0, or 2 for a bench that is none."""
    if unknown := [name for name in wanted if name not in BENCHES]:
        print(f"unknown bench {unknown[0]!r}; known are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    configure_logging(service="bench", instance="bench", level="CRITICAL", log_format="console")
    # As in a service: without it a span is an empty object, and costs nothing.
    Telemetry(service="bench", instance="bench", environment={})
    rows: list[Comparison] = []
    for name in wanted or BENCHES:
        print(f"{name} …", flush=True)
        began = time.monotonic()
        rows += asyncio.run(BENCHES[name]())
        print(f"{name} took {time.monotonic() - began:.0f} s", flush=True)
    report.print_table(rows)
    if wanted:
        print("a part was measured: docs/performance.md is left as it is")
    else:
        write(rows)
        print(f"written: {PAGE}")
    return 0


def write(rows: list[Comparison]) -> None:
    """Write the page; the explanation at its end stays as it is."""
    known = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    _, found, explanation = known.partition(EXPLANATION)
    PAGE.write_text(report.as_markdown(rows) + found + explanation, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
