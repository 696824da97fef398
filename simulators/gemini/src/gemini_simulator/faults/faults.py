"""Which fault concerns this request, and which error does it stand for?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from gemini_simulator.api import errors
from gemini_simulator.api.call import Call
from gemini_simulator.api.errors import ApiError
from gemini_simulator.faults.kinds import ALL_KINDS, EVERYWHERE, ROUTES
from gemini_simulator.quotas import errors as quota_errors
from gemini_simulator.quotas.errors import FREE_TIER, Quota
from simulator_control import Fault, Faults, InvalidFaultError

MAX_SECONDS = 1e6
_TEXTS = ("model", "version", "action")


class GeminiFaults(Faults):
    """The faults of this simulator; a parameter of the wrong kind is refused when it is given."""

    def __init__(self) -> None:
        super().__init__(ALL_KINDS)

    def add(
        self,
        kind: str,
        *,
        seconds: float | None = None,
        count: int | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Fault:
        for name, value in (params or {}).items():
            _check(name, value)
        return super().add(kind, seconds=seconds, count=count, params=params)

    def take_for(self, call: Call, *kinds: str) -> Fault | None:
        """Use the oldest active fault of these kinds that concerns this call; others stay unused."""
        for fault in self.active():
            if fault.kind in kinds and _concerns(fault, call):
                return self.use(fault)
        return None


def _concerns(fault: Fault, call: Call) -> bool:
    """Say whether it is the fault's model, under the asked or the serving name, and one of its routes."""
    model = str(fault.params.get("model") or "").removeprefix("models/")
    routes = fault.params.get("routes", "all" if fault.kind in EVERYWHERE else "generations")
    return (not model or model in (call.name, call.model)) and (routes == "all" or call.is_generation)


def number(fault: Fault, name: str, default: float) -> float:
    """Return a numeric parameter; it was checked when it was given."""
    return float(fault.params.get(name, default))


def error_of(fault: Fault, call: Call) -> Exception:
    """Return the error answer that a key kind or an error kind stands for."""
    status = int(number(fault, "status", 500))
    no_requests = replace(FREE_TIER["requests_per_minute"], limit=0)
    makers: dict[str, Callable[[], Exception]] = {
        "unavailable": errors.unavailable,
        "quota_per_minute": lambda: _quota(fault, call, _violated(fault, "requests_per_minute"), 34),
        "quota_per_day": lambda: _quota(fault, call, _violated(fault, "requests_per_day"), 38),
        "limit_zero": lambda: _quota(fault, call, [no_requests], 38),
        "prepay_depleted": quota_errors.prepay_depleted,
        "spend_cap": quota_errors.spend_cap,
        "model_retired": lambda: errors.model_retired(call.name, call.model),
        "key_invalid": errors.key_invalid,
        "auth_key_invalid": lambda: errors.auth_key_invalid(call.method),
        "key_leaked": errors.key_leaked,
        "region": errors.region_refused,
        "deadline_exceeded": errors.deadline_exceeded,
        "http_error": lambda: errors.of_status(status),
        "models_list_fails": lambda: errors.of_status(status),
        "html_error": lambda: errors.HtmlError(int(number(fault, "status", 502))),
    }
    return makers[fault.kind]()


def _violated(fault: Fault, default: str) -> list[Quota]:
    return [FREE_TIER[name] for name in fault.params.get("violations", [default])]


def _quota(fault: Fault, call: Call, violated: list[Quota], default_delay: int) -> ApiError:
    delay = fault.params.get("retry_delay_seconds", default_delay)
    return quota_errors.quota_exceeded(call.model, violated, retry_in=str(delay))


def _check(name: str, value: object) -> None:
    if name in _TEXTS:
        if not isinstance(value, str) or not value:
            raise InvalidFaultError(f'params.{name} must be text, as in {{"{name}": "gemini-3.8-flash"}}')
        return
    if name == "routes":
        if value not in ROUTES:
            raise InvalidFaultError('params.routes must be "all" or "generations"')
        return
    if name == "violations":
        if not isinstance(value, list) or not value or any(row not in [*FREE_TIER] for row in value):
            raise InvalidFaultError(f"params.violations must be a list of some of: {', '.join(FREE_TIER)}")
        return
    found = _number(name, value)
    if name == "status" and found not in range(400, 600):
        raise InvalidFaultError("params.status must be a whole number from 400 to 599")
    if name == "bytes_per_second" and not 0 < found <= MAX_SECONDS:
        raise InvalidFaultError("params.bytes_per_second must be above 0 and at most a million")
    if name.endswith("delay_seconds") and not 0 <= found <= MAX_SECONDS:
        raise InvalidFaultError(f"params.{name} must be from 0 to a million")


def _number(name: str, value: object) -> float:
    try:
        found = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        found = None
    if found is None or not math.isfinite(found):
        raise InvalidFaultError(f'params.{name} must be a number, as in {{"{name}": 5}}')
    return found
