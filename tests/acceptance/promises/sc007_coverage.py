"""SC-007: how much of libs and services do the tests run, over all measured processes?"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from harness.finding import Finding

ROOT = Path(__file__).parents[3]
FIGURES = ROOT / ".coverage.json"
BAR = 90.0


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
            f"at least {BAR:.0f} %",
            f"{covered:.1f} %; {ending}",
            holds=covered >= BAR and process.returncode == 0,
        )
    ]
