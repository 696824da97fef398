"""Which faults happen when? Pure: the same seed is the same plan."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

SERVICES = ("collector", "signaler", "health")
SERVERS = ("postgres", "nats")
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


def plan(seed: int, count: int, *, pause_seconds: float) -> list[Fault]:
    """Return `count` faults, `pause_seconds` apart on average; exactly one of them is Upbit's block (418)."""
    chance = random.Random(seed)
    faults = [_fault(chance, pause_seconds) for _ in range(count)]
    # Whoever is blocked is silent for a minute at least, so it comes early enough to be over in time.
    early = chance.randrange(max(1, count // 4))
    blocked = (("block_seconds", 2),)
    faults[early] = Fault("upbit", "blocked", 0.5, pause_seconds, blocked)
    return faults


def _fault(chance: random.Random, pause_seconds: float) -> Fault:
    kind = chance.choices(
        ("kill", "freeze", "crash", "terminate", "cut", "stall", "deaf", "mute", "upbit", "gemini"),
        weights=(24, 14, 3, 7, 9, 7, 5, 5, 18, 8),
    )[0]
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
    target = chance.choices((*SERVICES, *SERVERS, "upbit", "gemini"), weights=(6, 6, 2, 3, 3, 1, 1))[0]
    return Fault(kind, target, lasts if kind == "freeze" else 0.0, pause)
