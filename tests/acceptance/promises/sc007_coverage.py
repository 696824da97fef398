"""SC-007: branch coverage of libs and services by the whole test suite, over all measured processes."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path

from harness.finding import Finding

ROOT = Path(__file__).parents[3]
FIGURES = ROOT / ".coverage.json"
SCRIPT = ROOT / "deploy" / "measured_tests.sh"
# The one limit there is, which `make test` fails below.
(LIMIT,) = map(float, re.findall(r"^limit=(\d+)$", SCRIPT.read_text(encoding="utf-8"), re.MULTILINE))


async def measure() -> list[Finding]:
    """Run `make test`, the whole test suite, and read its figures."""
    FIGURES.unlink(missing_ok=True)
    process = await asyncio.create_subprocess_exec(
        "make", "test", f"PYTHON={sys.executable}", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    lines = output.decode(errors="replace").splitlines()
    failed = [line.removeprefix("FAILED ").partition(" - ")[0] for line in lines if line.startswith("FAILED")]
    closing = [line for line in lines if " passed" in line]
    ending = "; ".join([closing[-1].strip("= ") if closing else "the tests did not end", *failed])
    covered = json.loads(FIGURES.read_text())["totals"]["percent_covered"] if FIGURES.exists() else 0.0
    return [
        Finding(
            "SC-007",
            "branch coverage of libs and services over all measured processes, and the suite is green",
            f"at least {LIMIT:.0f} %",
            f"{covered:.1f} %; {ending}",
            holds=covered >= LIMIT and process.returncode == 0,
        )
    ]
