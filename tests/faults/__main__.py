"""`make faults`, or one run of it: `make faults ARGS="random" SEED=7`."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time

from acceptance import report
from acceptance.promise import Finding
from common.masking import mask_sensitive
from common.telemetry.logs import configure_logging
from faults import random_faults

RUNS = {"random": random_faults.measure}


def main(arguments: list[str]) -> int:
    """Break; returns 0 when everything holds, 1 when something does not, 2 for a run that is none."""
    parser = argparse.ArgumentParser(prog="make faults")
    parser.add_argument("runs", nargs="*", choices=[*RUNS, []], help=f"which: {', '.join(RUNS)}")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    given = parser.parse_args(arguments)
    configure_logging(service="faults", instance="faults", level="CRITICAL", log_format="console")
    print(f"seed {given.seed}; the same run again: make faults SEED={given.seed}", flush=True)
    findings = [finding for name in given.runs or RUNS for finding in _broken(name, given.seed)]
    report.print_table(findings)
    holds = all(finding.holds for finding in findings)
    if not holds:
        print(f"something does not hold; the same again: make faults SEED={given.seed}", file=sys.stderr)
    return 0 if holds else 1


def _broken(name: str, seed: int) -> list[Finding]:
    print(f"{name} …", flush=True)
    began = time.monotonic()
    try:
        findings = asyncio.run(RUNS[name](seed))
    except Exception as error:  # noqa: BLE001  the other runs are made all the same
        text = mask_sensitive(f"{type(error).__name__}: {error}")
        findings = [Finding(name, "the run itself", "ends without an error", text, holds=False)]
    print(f"{name} took {time.monotonic() - began:.0f} s", flush=True)
    return findings


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
