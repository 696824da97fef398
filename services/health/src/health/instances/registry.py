"""Which instances are alive, by what they said last? Pure: times come from the caller.

`now` is monotonic seconds everywhere; wall times are only what the instances themselves told.
"""

from __future__ import annotations

from datetime import datetime

from common.events import InstanceState
from health.domain import EXPECTED_SERVICES, HeardInstance

GONE_SECONDS = 15.0
SILENT_SECONDS = 3.0


class Registry:
    """Every instance heard, this one included: it knows itself without any bus.

    Args:
        own: This instance's service; its age does not count as the stack's.
    """

    def __init__(self, *, own: str) -> None:
        self._own = own
        self._states: dict[str, InstanceState] = {}
        self._heard_at: dict[str, float] = {}
        self._said_goodbye: dict[str, float] = {}
        self._asked_at: float | None = None
        self._stack_since: datetime | None = None
        self.heard_since: dict[str, datetime] = {}
        self.last_success: dict[tuple[str, str], datetime] = {}

    def heard(self, state: InstanceState, now: float) -> None:
        """Take over what an instance says of itself; one that said goodbye stays gone."""
        if state.instance in self._said_goodbye:
            return
        self._states[state.instance] = state
        self._heard_at[state.instance] = now
        since = self.heard_since.get(state.service, state.started_at)
        self.heard_since[state.service] = min(since, state.started_at)
        for job in state.jobs:
            if job.last_success_at:
                key = (state.service, job.job_name)
                known = self.last_success.get(key, job.last_success_at)
                self.last_success[key] = max(known, job.last_success_at)

    def goodbye(self, instance: str, now: float) -> None:
        """Forget an instance at once; a late message of it does not bring it back."""
        self._said_goodbye[instance] = now
        self._drop(instance)

    def asked(self, now: float) -> None:
        """Everybody has been asked to answer, or would have been, were the bus there."""
        self._asked_at = now

    def all_answered(self, since: float) -> bool:
        """Tell whether every live instance, and one at least of each service, spoke since then."""
        spoke = {name for name, at in self._heard_at.items() if at >= since}
        services = {self._states[name].service for name in spoke}
        return services.issuperset(EXPECTED_SERVICES) and spoke.issuperset(self._states)

    def live(self, now: float) -> tuple[HeardInstance, ...]:
        """Return the instances heard in the last 15 s, those of one service together, oldest first."""
        self._drop_gone(now)
        heard = [
            HeardInstance(state, self._silent_seconds(name, now)) for name, state in self._states.items()
        ]
        return tuple(sorted(heard, key=lambda item: (item.state.service, item.state.started_at)))

    def stack_since(self, now: float) -> datetime | None:
        """Return when the oldest live instance of another service started; the last known one without any."""
        self._drop_gone(now)
        others = [state.started_at for state in self._states.values() if state.service != self._own]
        self._stack_since = min(others, default=self._stack_since)
        return self._stack_since

    def _silent_seconds(self, name: str, now: float) -> float | None:
        heard_at = self._heard_at[name]
        if self._asked_at is None or heard_at >= self._asked_at or now - heard_at <= SILENT_SECONDS:
            return None
        return now - heard_at

    def _drop_gone(self, now: float) -> None:
        for name in [name for name, at in self._heard_at.items() if now - at > GONE_SECONDS]:
            self._drop(name)
        for name in [name for name, at in self._said_goodbye.items() if now - at > GONE_SECONDS]:
            del self._said_goodbye[name]

    def _drop(self, name: str) -> None:
        self._states.pop(name, None)
        self._heard_at.pop(name, None)
