"""Error answers that key faults and error faults stand for."""

from collections.abc import Callable
from dataclasses import replace

from gemini_simulator.api import errors
from gemini_simulator.api.call import Call
from gemini_simulator.api.errors import ApiError
from gemini_simulator.faults.kinds import number
from gemini_simulator.quotas import FREE_TIER, Quota, quota_exceeded
from simulator_control import Fault


def error_of(fault: Fault, call: Call) -> Exception:
    """Return the error answer that a key kind or an error kind stands for."""
    status = int(number(fault, "status", 500))
    no_requests = replace(FREE_TIER["requests_per_minute"], limit=0)
    makers: dict[str, Callable[[], Exception]] = {
        "quota_per_minute": lambda: _quota(fault, call, _violated(fault, "requests_per_minute"), 34),
        "quota_per_day": lambda: _quota(fault, call, _violated(fault, "requests_per_day"), 38),
        "limit_zero": lambda: _quota(fault, call, [no_requests], 38),
        "model_retired": lambda: errors.model_retired(call.name, call.model),
        "key_invalid": errors.key_invalid,
        "auth_key_invalid": lambda: errors.auth_key_invalid(call.method),
        "http_error": lambda: errors.of_status(status),
        "models_list_fails": lambda: errors.of_status(status),
        "html_error": lambda: errors.HtmlError(int(number(fault, "status", 502))),
    }
    maker = makers.get(fault.kind)
    return errors.fixed(fault.kind) if maker is None else maker()


def _violated(fault: Fault, default: str) -> list[Quota]:
    return [FREE_TIER[name] for name in fault.params.get("violations", [default])]


def _quota(fault: Fault, call: Call, violated: list[Quota], default_delay: int) -> ApiError:
    delay = fault.params.get("retry_delay_seconds", default_delay)
    return quota_exceeded(call.model, violated, retry_in=str(delay))
