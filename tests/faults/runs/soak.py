"""A day without a fault, faster than it is: does a service's memory, or anything else it holds, grow?"""

from __future__ import annotations

import random

from faults.inputs.plan import SERVICES
from faults.inputs.recording import MARKETS, write_recording
from faults.oracles.usage import MEGABYTE, grown, slope
from faults.runs.soaking import HISTORY_MINUTES, Outcome, soaked
from harness.finding import Finding
from harness.servers import scratch_folder

PROMISE = "soak"
# From the start of the stack until everything behind it is stored, and as much to spare at the end.
SPARE_SECONDS = 60
MOST_SLOPE = 1.0
MOST_GROWN = 1.0
# On the clock of the wall.
MOST_BEHIND_SECONDS = 5.0
LEAST_SHARE = 0.9
FLAT = ("files", "threads", "connections", "tasks")


async def measure(seed: int, cycles: int = 1440, speed: float = 120.0) -> list[Finding]:
    """Replay so many minutes, `speed` times faster, while somebody looks and asks every second.

    Args:
        cycles: With less than about 500 the services still warm up, and their memory grows.
        speed: At 120 a minute of each market is a page of its own; from about 180 on some share one.
    """
    chance = random.Random(seed)
    with scratch_folder() as folder:
        minutes = HISTORY_MINUTES + cycles + int(2 * SPARE_SECONDS * speed / 60)
        write_recording(folder / "recording.json", seed=chance.randrange(1 << 30), minutes=minutes)
        outcome = await soaked(folder / "recording.json", cycles, speed)
    return findings(outcome)


def findings(outcome: Outcome) -> list[Finding]:
    """Return the rows of one soak."""
    rows = [_memory(outcome, service) for service in SERVICES]
    rows += [_flat(outcome, kind) for kind in FLAT]
    behind = max(outcome.behind_minutes) * 60 / outcome.speed
    return [
        *rows,
        _cycles(outcome),
        Finding(
            PROMISE,
            "behind the exchange",
            f"< {MOST_BEHIND_SECONDS:g} s",
            f"{behind:.1f} s at most, in {len(outcome.behind_minutes):,} looks",
            holds=behind < MOST_BEHIND_SECONDS,
        ),
        Finding(PROMISE, "services ended", "0", ", ".join(outcome.ends) or "0", holds=not outcome.ends),
    ]


def _cycles(outcome: Outcome) -> Finding:
    """Tell whether there was a page a minute, and decisions in time: otherwise less was done than it says."""
    pages, signals = outcome.made
    least = int(LEAST_SHARE * outcome.cycles)
    return Finding(
        PROMISE,
        f"{outcome.cycles:,} cycles at {outcome.speed:g}x",
        f">= {least:,} pages a market, {len(MARKETS) * least:,} signals",
        f"{pages:,} pages, {signals:,} signals",
        holds=pages >= least and signals >= len(MARKETS) * least,
    )


def _memory(outcome: Outcome, service: str) -> Finding:
    series = outcome.series[service, "memory"]
    a_second = slope(series) / MEGABYTE
    simulated = a_second * 3600 / outcome.speed
    last = series[-1][1] / MEGABYTE
    return Finding(
        PROMISE,
        f"memory of {service}",
        f"< {MOST_SLOPE:g} MB a simulated hour",
        f"{simulated:+.3f} MB ({a_second * 3600:+.1f} MB an hour of the wall), {last:.0f} MB at the end",
        holds=simulated < MOST_SLOPE,
    )


def _flat(outcome: Outcome, kind: str) -> Finding:
    by_service = {service: outcome.series[service, kind] for service in SERVICES}
    told = [
        f"{service} {grown(series):+g}, {max(value for _, value in series):g} at most"
        for service, series in by_service.items()
    ]
    holds = all(grown(series) <= MOST_GROWN for series in by_service.values())
    return Finding(PROMISE, kind, f"median grows <= {MOST_GROWN:g}", "; ".join(told), holds=holds)
