"""`make faults`, the short run; `make faults-long`, all of them; or one: `make faults ARGS=stops SEED=7`."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from common.telemetry.logs import configure_logging
from faults.runs import (
    bus_fuzz,
    cluster,
    day_hole,
    kill_points,
    power_cut,
    random_faults,
    rows,
    soak,
    stops,
    weakened,
    weakened_stack,
)
from harness import report
from harness.finding import Finding, finding_page

RUNS: Mapping[str, Callable[[int], Coroutine[Any, Any, list[Finding]]]] = {
    "random": random_faults.measure,
    "replicas": random_faults.measure_replicas,
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
WORDS = """\
What was broken on purpose and what came of it, written by `make faults-long` with seed {seed}. Real processes
are broken and looked at from outside; [reliability.md](reliability.md) says what each run proves.

Measured on {{machine}}."""


def main(arguments: Sequence[str]) -> int:
    """Break; returns 0 when everything holds, 1 when something does not."""
    parser = report.parser("make faults", "Breaks the real stack on purpose.", RUNS)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--long", action="store_true", help="all runs, into docs/faults.md")
    given = parser.parse_args(arguments)
    configure_logging(service="faults", instance="faults", level="CRITICAL", log_format="console")
    print(f"seed {given.seed}", flush=True)
    names = given.names or (RUNS if given.long else SHORT)
    findings = report.run(
        {name: partial(_measure, name, given.seed) for name in names},
        finding_page("Faults", WORDS.format(seed=given.seed), f"faults SEED={given.seed}"),
        report.DOCS / "faults.md" if given.long and not given.names else None,
    )
    failed = sorted({finding.promise for finding in findings if not finding.holds})
    for name in failed:
        again = f"make faults SEED={given.seed} ARGS={name}"
        print(f"{name} does not hold; the same again: {again}", file=sys.stderr)
    return 1 if failed else 0


async def _measure(name: str, seed: int) -> list[Finding]:
    return [replace(finding, promise=name) for finding in await RUNS[name](seed)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
