"""Fault plan: which faults happen when. Pure: the same seed is the same plan."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SERVICES = ("collector", "signaler", "health")
# How often each kind of fault comes, of a hundred.
WEIGHTS = {
    "kill": 24,
    "freeze": 14,
    "crash": 3,
    "terminate": 7,
    "cut": 9,
    "stall": 7,
    "deaf": 5,
    "mute": 5,
    "upbit": 18,
    "gemini": 8,
}
KINDS = tuple(WEIGHTS)
SERVERS = ("postgres", "nats")
# What is killed and frozen, by chance: the services that write more often than the others.
PROCESSES = (*("collector", "signaler") * 6, "health", "health", *SERVERS * 3, "upbit", "gemini")
LONGEST_SECONDS = 2.5
SHORTEST_SECONDS = 0.2
# One bad answer, as often as a service asks while the fault lasts.
UPBIT_FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("rate_limited", {}),
    ("rate_limited", {"body": "json"}),
    ("http_error", {"status": 500}),
    ("http_error", {"status": 502, "body": "html"}),
    ("http_error", {"status": 503, "body": "empty"}),
    ("http_error", {"status": 504}),
    ("market_offline", {}),
    ("html_page", {}),
    ("truncated_json", {}),
    ("cut_off", {}),
    ("wrong_content_type", {}),
    ("huge_body", {"megabytes": 4}),
    ("gzip_bomb", {"megabytes": 20}),
    ("hang", {}),
    ("reset", {}),
    ("slow", {"delay_seconds": 1.5}),
    ("duplicate_candles", {}),
    ("out_of_order", {}),
    ("missing_candles", {}),
    ("newest_candle_late", {}),
    ("future_candle", {}),
    ("bad_values", {"value": "nan"}),
    ("bad_values", {"value": "negative"}),
    ("bad_values", {"value": "huge"}),
    ("clock_skew", {"seconds": -120}),
    ("ws_refuse", {}),
    ("ws_stall", {}),
    ("ws_silent", {}),
    ("ws_close", {}),
    ("ws_half_frame", {}),
    ("ws_error_frame", {}),
)
GEMINI_FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("unavailable", {}),
    ("quota_per_minute", {"retry_delay_seconds": 2}),
    ("deadline_exceeded", {}),
    ("http_error", {"status": 500}),
    ("html_error", {}),
    ("hang", {}),
    ("reset", {}),
    ("truncated_json", {}),
    ("malformed_json", {}),
    ("no_candidates", {}),
    ("wrong_types", {}),
    ("stop_empty", {}),
)


@dataclass(frozen=True)
class Fault:
    """One fault: what is done to whom, and for how long where it lasts.

    Attributes:
        kind: `kill`, `freeze`, `crash`, `terminate`, `cut`, `stall`, `deaf`, `mute`, `upbit` or `gemini`.
        target: A process; `service>server` for a link; the simulator's kind of fault.
        pause_seconds: From the fault before to this one.
    """

    kind: str
    target: str
    seconds: float
    pause_seconds: float
    params: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        lasts = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.kind} {self.target}{lasts}"


def plan(
    seed: int,
    count: int,
    *,
    pause_seconds: float,
    kinds: Sequence[str] = KINDS,
    processes: Sequence[str] = PROCESSES,
) -> list[Fault]:
    """Return `count` faults, `pause_seconds` apart on average; with Upbit's, exactly one is a block (418).

    Args:
        processes: What is killed and frozen; a service with replicas is named once for each.
    """
    chance = random.Random(seed)
    faults = [_fault(chance, pause_seconds, kinds, processes) for _ in range(count)]
    if "upbit" not in kinds:
        return faults
    # A blocked client is silent for a minute at least, so it comes early enough to be over in time.
    early = chance.randrange(max(1, count // 4))
    blocked = (("block_seconds", 2),)
    faults[early] = Fault("upbit", "blocked", 0.5, pause_seconds, blocked)
    return faults


def _fault(
    chance: random.Random, pause_seconds: float, kinds: Sequence[str], processes: Sequence[str]
) -> Fault:
    kind = chance.choices(kinds, weights=[WEIGHTS[kind] for kind in kinds])[0]
    pause = chance.uniform(0.2, 1.8) * pause_seconds
    lasts = chance.uniform(SHORTEST_SECONDS, LONGEST_SECONDS)
    if kind in ("upbit", "gemini"):
        target, params = chance.choice(UPBIT_FAULTS if kind == "upbit" else GEMINI_FAULTS)
        return Fault(kind, target, lasts, pause, tuple(params.items()))
    if kind in ("cut", "stall", "deaf", "mute"):
        target = f"{chance.choice(SERVICES)}>{chance.choice(SERVERS)}"
        return Fault(kind, target, 0.0 if kind == "cut" else lasts, pause)
    if kind in ("crash", "terminate"):
        return Fault(kind, "postgres", 0.0, pause)
    return Fault(kind, chance.choice(processes), lasts if kind == "freeze" else 0.0, pause)
