"""Rate limits per client, with 429 for a refusal and 418 for a block. Pure: the caller brings the wall time.

Per group and IP 10 a second in fixed one-second windows. The reference leaves open when 429 becomes 418; here
it is the 10th refused request within 5 s: the IP is blocked for 60 s, and twice as long each time it happens
again within an hour.
"""

from collections import deque
from dataclasses import dataclass, field

PER_SECOND = 10
REFUSALS_UNTIL_BLOCK = 10
REFUSAL_WINDOW_SECONDS = 5.0
FIRST_BLOCK_SECONDS = 60.0
BLOCK_MEMORY_SECONDS = 3600.0
MOST_CLIENTS = 1024


@dataclass(slots=True)
class _Client:
    windows: dict[str, tuple[int, int]] = field(default_factory=dict)
    refusals: deque[float] = field(default_factory=deque)
    blocked_until: float = 0.0
    blocks: int = 0
    injected: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a request gets: allowed, refused (429) or blocked (418, for `block_seconds` more)."""

    allowed: bool
    remaining: int = 0
    block_seconds: float = 0.0


class RateLimits:
    """Counts requests per client IP; times are wall seconds."""

    def __init__(self) -> None:
        self._clients: dict[str, _Client] = {}

    def check(
        self, ip: str, group: str, now: float, *, allowed: int = PER_SECOND, window_seconds: int = 1
    ) -> Verdict:
        """Count one request and say what it gets; `allowed` requests fit into a window."""
        client = self._client(ip)
        if now < client.blocked_until:
            return Verdict(False, block_seconds=client.blocked_until - now)
        current = int(now) // window_seconds
        window, used = client.windows.get(group, (0, 0))
        used = used + 1 if window == current else 1
        client.windows[group] = (current, used)
        if used <= allowed:
            return Verdict(True, remaining=allowed - used)
        return self._refuse(client, now)

    def block(self, ip: str, now: float, seconds: float) -> float:
        """Block a client unless it is blocked already; returns the seconds left. `lift` ends it."""
        client = self._client(ip)
        if now >= client.blocked_until:
            self._start_block(client, now, seconds)
            client.injected = True
        return client.blocked_until - now

    def lift(self) -> None:
        """End the blocks that `block` made, and forget them: the next one is as short as the first."""
        for client in self._clients.values():
            if client.injected:
                client.blocked_until, client.blocks, client.injected = 0.0, 0, False

    def _refuse(self, client: _Client, now: float) -> Verdict:
        client.refusals.append(now)
        while client.refusals[0] <= now - REFUSAL_WINDOW_SECONDS:
            client.refusals.popleft()
        if len(client.refusals) < REFUSALS_UNTIL_BLOCK:
            return Verdict(False)
        self._start_block(client, now, FIRST_BLOCK_SECONDS)
        return Verdict(False, block_seconds=client.blocked_until - now)

    def _start_block(self, client: _Client, now: float, seconds: float) -> None:
        if now - client.blocked_until > BLOCK_MEMORY_SECONDS:
            client.blocks = 0
        client.blocked_until = now + seconds * 2**client.blocks
        client.blocks = min(client.blocks + 1, 10)
        client.injected = False
        client.refusals.clear()

    def _client(self, ip: str) -> _Client:
        if ip not in self._clients and len(self._clients) >= MOST_CLIENTS:
            del self._clients[next(iter(self._clients))]
        return self._clients.setdefault(ip, _Client())
