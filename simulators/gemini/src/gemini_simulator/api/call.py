"""API call: method, API version and model that a request asks for, and whether its key is accepted."""

import re
from dataclasses import dataclass

from aiohttp import web

from gemini_simulator.api import errors
from gemini_simulator.api.models import served_by

_GENERATIONS = ("GenerativeService.GenerateContent", "GenerativeService.StreamGenerateContent")
# New keys begin with `AQ.`, old ones with `AIza` and have 39 characters.
_PLAUSIBLE_KEY = re.compile(r"AQ\.[A-Za-z0-9_-]{16,}|AIza[A-Za-z0-9_-]{35}")


@dataclass(frozen=True)
class Call:
    """One request.

    Attributes:
        version: v1 or v1beta.
        rpc: The service's own name of the method.
        name: The model as the caller names it; empty for the model list.
        model: The model that answers for it; empty where there is none.
    """

    version: str
    rpc: str
    name: str
    model: str

    @property
    def method(self) -> str:
        """The whole name of the method, as errors spell it."""
        return f"google.ai.generativelanguage.{self.version}.{self.rpc}"

    @property
    def is_generation(self) -> bool:
        """Whether a model is to write something."""
        return self.rpc in _GENERATIONS


def call_of(request: web.Request) -> Call:
    """Return what a request to one of the service's routes asks for."""
    version, name = request.match_info["version"], request.match_info.get("model", "")
    if method := request.match_info.get("method"):
        rpc = f"GenerativeService.{method[0].upper()}{method[1:]}"
    else:
        rpc = f"ModelService.{'GetModel' if name else 'ListModels'}"
    return Call(version, rpc, name, served_by(name, api_version=version) or "")


def check_key(request: web.Request, call: Call, known: frozenset[str]) -> None:
    """Raise what the service answers to a missing or unknown key (header or `?key=`).

    Without `known` keys any key of a plausible shape is accepted.
    """
    key = request.headers.get("x-goog-api-key") or request.query.get("key", "")
    if not key:
        raise errors.fixed("key_missing")
    if key in known or (not known and _PLAUSIBLE_KEY.fullmatch(key)):
        return
    raise errors.auth_key_invalid(call.method) if key.startswith("AQ.") else errors.key_invalid()
