"""Fault registry: which faults are switched on, until when and for how many uses. Counts wall time; no IO."""

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_SECONDS = 1e9


@dataclass(frozen=True)
class FaultKind:
    """A way to break the simulator; `params` gives each parameter's meaning and default."""

    name: str
    description: str
    params: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Fault:
    """One fault that is switched on; `until` in monotonic seconds, `remaining` uses, None = unlimited."""

    id: str
    kind: str
    params: dict[str, Any]
    until: float | None
    remaining: int | None

    def as_dict(self) -> dict[str, Any]:
        """Return what the control route shows."""
        left = None if self.until is None else round(max(0.0, self.until - time.monotonic()), 1)
        return {
            "id": self.id,
            "kind": self.kind,
            "seconds_left": left,
            "count_left": self.remaining,
            "params": self.params,
        }


class InvalidFaultError(Exception):
    """A request for a fault names something wrong; the message says field, rule and fix."""


class Faults:
    """The faults of one simulator.

    `check_parameter(kind, name, value)` raises InvalidFaultError for a value that the kind can't take; it is
    called when a fault is given, for unknown names too.
    """

    def __init__(
        self, kinds: Sequence[FaultKind], check_parameter: Callable[[str, str, object], None]
    ) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
        self._check_parameter = check_parameter
        self._active: list[Fault] = []

    def add(
        self,
        kind: str,
        *,
        seconds: float | None = None,
        count: int | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Fault:
        """Switch a fault on, for `seconds` or `count` uses, whichever ends first; without both until cleared.

        Raises:
            InvalidFaultError: Unknown kind or parameter, a value it can't take, or a number that is not
                above 0.
        """
        self._check(kind, seconds, count, params or {})
        until = None if seconds is None else time.monotonic() + seconds
        fault = Fault(uuid.uuid4().hex[:12], kind, dict(params or {}), until, count)
        self._active.append(fault)
        return fault

    def clear(self, kind: str | None = None) -> int:
        """Switch off one kind, or all; returns how many there were.

        Raises:
            InvalidFaultError: There is no such kind.
        """
        if kind is not None:
            self._check_kind(kind)
        kept = [fault for fault in self.active() if kind is not None and fault.kind != kind]
        removed = len(self._active) - len(kept)
        self._active = kept
        return removed

    def active(self) -> list[Fault]:
        """Return the faults that are on now, oldest first."""
        now = time.monotonic()
        self._active = [
            fault
            for fault in self._active
            if (fault.until is None or fault.until > now) and (fault.remaining is None or fault.remaining > 0)
        ]
        return list(self._active)

    def take(self, *kinds: str, concerns: Callable[[Fault], bool] = lambda _: True) -> Fault | None:
        """Return the oldest active fault of these kinds that `concerns` the caller, one use of it counted."""
        for fault in self.active():
            if fault.kind in kinds and concerns(fault):
                if fault.remaining is not None:
                    fault.remaining -= 1
                return fault
        return None

    def _check(self, kind: str, seconds: float | None, count: int | None, params: Mapping[str, Any]) -> None:
        self._check_kind(kind)
        for name, value in params.items():
            self._check_parameter(kind, name, value)
        if seconds is not None and not (_is_number(seconds) and 0 < seconds <= MAX_SECONDS):
            raise InvalidFaultError(
                "seconds must be a number above 0, at most a billion; leave it out for no limit"
            )
        if count is not None and not (isinstance(count, int) and not isinstance(count, bool) and count > 0):
            raise InvalidFaultError("count must be a whole number above 0; leave it out for no limit")
        known = self.kinds[kind].params
        for name in params:
            if name not in known:
                allowed = ", ".join(known) or "none"
                raise InvalidFaultError(f"params.{str(name)[:60]} is unknown for {kind}; it takes: {allowed}")

    def _check_kind(self, kind: object) -> None:
        if not isinstance(kind, str) or kind not in self.kinds:
            raise InvalidFaultError(
                f"kind {str(kind)[:60]!r} is unknown; GET /_control/faults lists the kinds"
            )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
