"""Registry of the live instances, by their heartbeats and replies. Pure: times come from the caller.

`now` is monotonic seconds everywhere; wall times are only what the instances themselves report.
"""

from __future__ import annotations

from datetime import datetime

from common.events import SERVICES, InstanceState
from health.domain import LiveInstance

GONE_SECONDS = 15.0
SILENT_SECONDS = 3.0


class Registry:
    """Every known instance, this one included: it knows itself without any bus.

    Args:
        own: This instance's service; its age does not count as the stack's.
    """

    def __init__(self, *, own: str) -> None:
        self._own = own
        self._states: dict[str, InstanceState] = {}
        self._seen_at: dict[str, float] = {}
        self._said_goodbye: dict[str, float] = {}
        self._asked_at: float | None = None
        self._stack_since: datetime | None = None
        self.service_since: dict[str, datetime] = {}
        self.last_success: dict[tuple[str, str], datetime] = {}

    def record_heartbeat(self, state: InstanceState, now: float) -> None:
        """Keep what an instance says of itself; one that said goodbye stays gone."""
        if state.instance in self._said_goodbye:
            return
        self._states[state.instance] = state
        self._seen_at[state.instance] = now
        since = self.service_since.get(state.service, state.started_at)
        self.service_since[state.service] = min(since, state.started_at)
        for job in state.jobs:
            if job.last_success_at:
                key = (state.service, job.job_name)
                known = self.last_success.get(key, job.last_success_at)
                self.last_success[key] = max(known, job.last_success_at)

    def remove(self, instance: str, now: float) -> None:
        """Forget an instance that said goodbye, at once; a late message of it does not bring it back."""
        self._said_goodbye[instance] = now
        self._drop(instance)

    def record_poll(self, now: float) -> None:
        """Note that every instance was asked to answer, or would have been, were the bus there."""
        self._asked_at = now

    def all_answered(self, since: float) -> bool:
        """Return whether every live instance, and one at least of each service, spoke since then."""
        spoke = {name for name, at in self._seen_at.items() if at >= since}
        services = {self._states[name].service for name in spoke}
        return services.issuperset(SERVICES) and spoke.issuperset(self._states)

    def live(self, now: float) -> tuple[LiveInstance, ...]:
        """Return the instances seen in the last 15 s, those of one service together, oldest first."""
        self._drop_gone(now)
        live = [LiveInstance(state, self._silent_seconds(name, now)) for name, state in self._states.items()]
        return tuple(sorted(live, key=lambda item: (item.state.service, item.state.started_at)))

    def stack_since(self, now: float) -> datetime | None:
        """Return when the oldest live instance of another service started; the last known one without any."""
        self._drop_gone(now)
        others = [state.started_at for state in self._states.values() if state.service != self._own]
        self._stack_since = min(others, default=self._stack_since)
        return self._stack_since

    def _silent_seconds(self, name: str, now: float) -> float | None:
        seen_at = self._seen_at[name]
        if self._asked_at is None or seen_at >= self._asked_at or now - seen_at <= SILENT_SECONDS:
            return None
        return now - seen_at

    def _drop_gone(self, now: float) -> None:
        for name in [name for name, at in self._seen_at.items() if now - at > GONE_SECONDS]:
            self._drop(name)
        for name in [name for name, at in self._said_goodbye.items() if now - at > GONE_SECONDS]:
            del self._said_goodbye[name]

    def _drop(self, name: str) -> None:
        self._states.pop(name, None)
        self._seen_at.pop(name, None)
