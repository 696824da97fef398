"""Which fault concerns this request, and which error does it stand for?"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

from gemini_simulator import errors, quota_errors
from gemini_simulator.errors import ApiError
from gemini_simulator.fault_kinds import ALL_KINDS
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

    def take_for(self, names: Collection[str], *kinds: str) -> Fault | None:
        """Use the oldest active fault of these kinds for a model of these names; others stay unused."""
        for fault in self.active():
            asked = str(fault.params.get("model") or "").removeprefix("models/")
            if fault.kind in kinds and (not asked or asked in names):
                return self.use(fault)
        return None


def number(fault: Fault, name: str, default: float) -> float:
    """Return a numeric parameter; it was checked when it was given."""
    return float(fault.params.get(name, default))


def error_of(fault: Fault, model: str) -> Exception:
    """Return the error answer that a key kind or an error kind stands for."""
    status, params = int(number(fault, "status", 500)), fault.params
    makers: dict[str, Callable[[], Exception]] = {
        "unavailable": errors.unavailable,
        "quota_per_minute": lambda: _quota(model, "PerMinute", 5, params.get("retry_delay_seconds", 34)),
        "quota_per_day": lambda: _quota(model, "PerDay", 20, params.get("retry_delay_seconds", 38)),
        "limit_zero": lambda: _quota(model, "PerMinute", 0, 38),
        "prepay_depleted": quota_errors.prepay_depleted,
        "spend_cap": quota_errors.spend_cap,
        "model_retired": lambda: errors.model_retired(model),
        "key_invalid": errors.key_invalid,
        "auth_key_invalid": errors.auth_key_invalid,
        "key_leaked": errors.key_leaked,
        "region": errors.region_refused,
        "deadline_exceeded": errors.deadline_exceeded,
        "http_error": lambda: errors.of_status(status),
        "models_list_fails": lambda: errors.of_status(status),
        "html_error": lambda: errors.HtmlError(int(number(fault, "status", 502))),
    }
    return makers[fault.kind]()


def _quota(model: str, period: str, limit: int, delay: object) -> ApiError:
    return quota_errors.quota_exceeded(model, period=period, limit=limit, retry_in=str(delay))


def _check(name: str, value: object) -> None:
    if name in _TEXTS:
        if not isinstance(value, str) or not value:
            raise InvalidFaultError(f'params.{name} must be text, as in {{"{name}": "gemini-3.8-flash"}}')
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
