"""`make faults`, the short run; `make faults-long`, all of them; or one: `make faults ARGS=stops SEED=7`."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from acceptance import report
from acceptance.promise import Finding
from common.masking import mask_sensitive
from common.telemetry.logs import configure_logging
from faults import (
    bus_fuzz,
    cluster,
    day_hole,
    kill_points,
    power_cut,
    random_faults,
    replicas,
    rows,
    soak,
    stops,
    weakened,
    weakened_stack,
)

Run = Callable[[int], Coroutine[Any, Any, list[Finding]]]
RUNS: Mapping[str, Run] = {
    "random": random_faults.measure,
    "replicas": replicas.measure,
    "weakened": weakened.measure,
    "weakened-stack": weakened_stack.measure,
    "points": kill_points.measure,
    "stops": stops.measure,
    "power": power_cut.measure,
    "fuzz": bus_fuzz.measure,
    "cluster": cluster.measure,
    "day": day_hole.measure,
    "soak": soak.measure,
    "rows": rows.measure,
}
SHORT = ("random",)
FILE = Path(__file__).parents[2] / "docs" / "faults.md"
WORDS = """\
What was broken on purpose and what came of it, written by `make faults-long` with seed {seed}. Real processes
are broken and looked at from outside; [reliability.md](reliability.md) says what each run proves."""


def main(arguments: list[str]) -> int:
    """Break; returns 0 when everything holds, 1 when something does not."""
    given = _arguments(arguments)
    configure_logging(service="faults", instance="faults", level="CRITICAL", log_format="console")
    print(f"seed {given.seed}", flush=True)
    names = given.runs or (RUNS if given.long else SHORT)
    findings = [finding for name in names for finding in _broken(name, given.seed)]
    page = report.Page("Faults", WORDS.format(seed=given.seed), target=f"faults SEED={given.seed}")
    report.print_table(findings, page)
    if given.long and not given.runs:
        FILE.write_text(report.as_markdown(findings, page), encoding="utf-8")
        print(f"written: {FILE}")
    failed = sorted({finding.promise for finding in findings if not finding.holds})
    for name in failed:
        print(
            f"{name} does not hold; the same again: make faults SEED={given.seed} ARGS={name}",
            file=sys.stderr,
        )
    return 1 if failed else 0


def _arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make faults", description="Breaks the real stack on purpose.")
    parser.add_argument("runs", nargs="*", metavar="run", help=", ".join(RUNS))
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--long", action="store_true", help="all runs, into docs/faults.md")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.runs if name not in RUNS]:
        parser.error(f"unknown run {unknown[0]!r}; known are {', '.join(RUNS)}")
    return given


def _broken(name: str, seed: int) -> list[Finding]:
    print(f"{name} …", flush=True)
    began = time.monotonic()
    try:
        findings = asyncio.run(RUNS[name](seed))
    except Exception as error:  # noqa: BLE001  the other runs are made all the same
        text = mask_sensitive(f"{type(error).__name__}: {error}")
        findings = [Finding(name, "the run itself", "ends without an error", text, holds=False)]
    print(f"{name} took {time.monotonic() - began:.0f} s", flush=True)
    return [replace(finding, promise=name) for finding in findings]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
