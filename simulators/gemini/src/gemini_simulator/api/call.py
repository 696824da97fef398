"""What is asked of the service: which of its methods, of which model?"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from gemini_simulator.api import models as catalog

_GENERATIONS = ("GenerativeService.GenerateContent", "GenerativeService.StreamGenerateContent")


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
    return Call(version, rpc, name, catalog.served_by(name, api_version=version) or "")
