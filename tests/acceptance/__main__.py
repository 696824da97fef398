"""`make acceptance`, or a part of it: `make acceptance ARGS="SC-001 SC-003"`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from acceptance.promises import (
    masking_lines,
    migration_under_load,
    restart_without_downtime,
    sc001_connections,
    sc002_cache,
    sc003_indexes,
    sc004_retry,
    sc005_stored,
    sc005_vendors,
    sc006_percentiles,
    sc007_coverage,
)
from common.telemetry.logs import configure_logging
from harness import report
from harness.finding import Finding, finding_page

WORDS = """\
What was promised and what was measured, written by `make acceptance`. Every row is measured on the real
stack: PostgreSQL, nats-server with `sync_interval: always`, the simulators and the services. A row's command
measures its promise alone.

Measured on {machine}."""


async def _components() -> list[Finding]:
    """Return a row per component, one for the load, one for the frozen stack; takes about four minutes."""
    return [*await sc005_stored.measure(), *await sc005_vendors.measure()]


MEASURES: dict[str, report.Measure[Finding]] = {
    "SC-001": sc001_connections.measure,
    "SC-002": sc002_cache.measure,
    "SC-003": sc003_indexes.measure,
    "SC-004": sc004_retry.measure,
    "SC-005": _components,
    "SC-006": sc006_percentiles.measure,
    "SC-007": sc007_coverage.measure,
    "masking": masking_lines.measure,
    "restart": restart_without_downtime.measure,
    "migration": migration_under_load.measure,
}


def main(arguments: Sequence[str]) -> int:
    """Measure; returns 0 when every promise holds, 1 when one falls short."""
    names = report.parser("make acceptance", "Measures every promise.", MEASURES).parse_args(arguments).names
    configure_logging(service="acceptance", instance="acceptance", level="CRITICAL", log_format="console")
    findings = report.run(
        {name: MEASURES[name] for name in names or MEASURES},
        finding_page("Acceptance", WORDS, "acceptance"),
        None if names else report.DOCS / "acceptance.md",
    )
    return 0 if all(finding.holds for finding in findings) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
