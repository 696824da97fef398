"""Parts of the page, each an answer of the API with its own interval."""

from __future__ import annotations

from health.api.schemas import JobsAnswer
from health.api.service import ApiService
from health.api.status import StatusMonitor
from health.page.feed import Part

SIGNALS = "signals"
NEWEST_SIGNALS = 20
NEWEST_CHANGES = 8
# They move with every look; no change of these alone is worth a message.
VOLATILE = frozenset({"timestamp", "uptime_s", "latency_ms", "pool", "cache", "next_run_at"})
TICKING = frozenset({"price", "price_at", "exchange_time"})


def page_parts(monitor: StatusMonitor, api: ApiService) -> tuple[Part, ...]:
    """Return the parts; each is an answer of the API."""

    async def jobs() -> JobsAnswer:
        return api.jobs(await monitor.check())

    return (
        Part("status", monitor.check, 1.0, volatile=VOLATILE),
        Part("markets", api.markets, 2.0, volatile=TICKING),
        Part(SIGNALS, lambda: api.signals(None, None, None, NEWEST_SIGNALS), 5.0),
        Part("jobs", jobs, 5.0),
        Part("budget", api.budget, 5.0),
        Part("changes", lambda: api.config_history(None, None, NEWEST_CHANGES), 5.0),
    )
