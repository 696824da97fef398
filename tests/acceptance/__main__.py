"""`make acceptance`, or a part of it: `make acceptance ARGS="SC-001 SC-003"`."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from acceptance import (
    masking_lines,
    migration_under_load,
    report,
    restart_without_downtime,
    sc001_connections,
    sc002_cache,
    sc003_indexes,
    sc004_retry,
    sc005_six_components,
    sc006_percentiles,
    sc007_coverage,
)
from acceptance.promise import Finding, Measure
from common.masking import mask_sensitive
from common.telemetry.logs import configure_logging

FILE = Path(__file__).parents[2] / "docs" / "acceptance.md"
WORDS = """\
What was promised and what was measured, written by `make acceptance`. Every row is measured on the real
stack: PostgreSQL, nats-server with `sync_interval: always`, the simulators and the services. A row's command
measures its promise alone."""
PAGE = report.Page("Acceptance", WORDS, target="acceptance")
MEASURES: dict[str, Measure] = {
    "SC-001": sc001_connections.measure,
    "SC-002": sc002_cache.measure,
    "SC-003": sc003_indexes.measure,
    "SC-004": sc004_retry.measure,
    "SC-005": sc005_six_components.measure,
    "SC-006": sc006_percentiles.measure,
    "SC-007": sc007_coverage.measure,
    "masking": masking_lines.measure,
    "restart": restart_without_downtime.measure,
    "migration": migration_under_load.measure,
}


def main(wanted: list[str]) -> int:
    """Measure; returns 0 when every promise holds, 1 when one falls short, 2 for a promise that is none."""
    if unknown := [name for name in wanted if name not in MEASURES]:
        print(f"unknown promise {unknown[0]!r}; known are {', '.join(MEASURES)}", file=sys.stderr)
        return 2
    configure_logging(service="acceptance", instance="acceptance", level="CRITICAL", log_format="console")
    findings = [finding for name in wanted or MEASURES for finding in measured(name)]
    report.print_table(findings, PAGE)
    if wanted:
        print("a part was measured: docs/acceptance.md is left as it is")
    else:
        FILE.write_text(report.as_markdown(findings, PAGE), encoding="utf-8")
        print(f"written: {FILE}")
    return 0 if all(finding.holds for finding in findings) else 1


def measured(name: str) -> list[Finding]:
    """Return one promise's rows; one that ends with an error is a row that does not hold."""
    print(f"{name} …", flush=True)
    began = time.monotonic()
    try:
        findings = asyncio.run(MEASURES[name]())
    except Exception as error:  # noqa: BLE001  the other promises are measured all the same
        text = mask_sensitive(f"{type(error).__name__}: {error}")
        findings = [Finding(name, "the measure itself", "ends without an error", text, holds=False)]
    print(f"{name} took {time.monotonic() - began:.0f} s", flush=True)
    return findings


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
