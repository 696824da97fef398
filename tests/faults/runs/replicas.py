"""Three of each service at once, killed again and again: do they fit, and is anything doubled?"""

from __future__ import annotations

from faults.runs.random_faults import broken, findings
from harness.finding import Finding

KILLS = 60
REPLICAS = {"collector": 3, "signaler": 3, "health": 3}


async def measure(seed: int) -> list[Finding]:
    """Kill, freeze and terminate only; the rows are those of the random faults."""
    outcome = await broken(seed, KILLS, replicas=REPLICAS, kinds=("kill", "freeze", "terminate"))
    return findings(outcome, f"3 replicas of each service, {KILLS} kills and freezes")
