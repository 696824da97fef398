"""Model catalogue, as ListModels spells it in November 2026, with aliases and retired names."""

import base64
import binascii
from typing import Any

from gemini_simulator.api.errors import bad_request

METHODS = ["generateContent", "countTokens", "createCachedContent", "batchGenerateContent"]
DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 1000

_TITLES = {
    "gemini-3.8-flash": ("3.8", "Gemini 3.8 Flash"),
    "gemini-3.6-flash": ("3.6", "Gemini 3.6 Flash"),
    "gemini-3.5-flash-lite": ("3.5", "Gemini 3.5 Flash-Lite"),
    "gemini-3.1-flash-lite": ("3.1", "Gemini 3.1 Flash-Lite"),
    "gemini-4-argon": ("4", "Gemini 4 Argon"),
    "gemini-4-hydrogen": ("4", "Gemini 4 Hydrogen"),
    "gemini-4-carbon": ("4", "Gemini 4 Carbon"),
    "gemini-3.1-pro-preview": ("3.1", "Gemini 3.1 Pro Preview"),
    "gemini-3-flash-preview": ("3", "Gemini 3 Flash Preview"),
    "gemma-4-31b-it": ("4", "Gemma 4 31B IT"),
    "gemma-4-26b-a4b-it": ("4", "Gemma 4 26B A4B IT"),
}
# Deprecated names that are answered by another model; aliases exist only on v1beta.
ROUTED = {"gemini-3.7-flash": "gemini-3.8-flash", "gemini-3.5-flash": "gemini-3.6-flash"}
ALIASES = {"gemini-flash-latest": "gemini-3.8-flash", "gemini-flash-lite-latest": "gemini-3.5-flash-lite"}
RETIRED = frozenset({"gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.5-pro"})


def model_row(name: str, served: str) -> dict[str, Any]:
    """Return the model called `name` as the API describes it; KeyError unless `served` is a real model."""
    version, title = _TITLES[served]
    return {
        "name": f"models/{name}",
        "version": version,
        "displayName": title,
        "description": f"{_state(served)} {title}" if name == served else f"Answered by {title}",
        "inputTokenLimit": 1048576,
        "outputTokenLimit": 65536,
        "supportedGenerationMethods": METHODS,
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
        "thinking": True,
    }


def _state(model: str) -> str:
    if model.startswith("gemma-"):
        return "Open model"
    return "Preview version of" if model.endswith("-preview") else "Stable version of"


def served_by(name: str, *, api_version: str) -> str | None:
    """Return the model that answers for `name`, or None where it does not exist in this API version."""
    if api_version == "v1beta" and name in ALIASES:
        return ALIASES[name]
    if name in ROUTED:
        return ROUTED[name]
    return name if name in _TITLES else None


def list_page(*, api_version: str, page_size: str, token: str) -> dict[str, Any]:
    """Return one page of ListModels; `token` is what the page before gave, empty for the first.

    Raises:
        ApiError: The size is no whole number, or the token was never given out.
    """
    if not page_size.removeprefix("-").isdecimal() or len(page_size) > 9 or int(page_size) < 0:
        raise bad_request("page_size", f"Invalid value at 'page_size' (TYPE_INT32), \"{page_size[:40]}\"")
    names = [*_TITLES, *(ALIASES if api_version == "v1beta" else ())]
    start = _start(token, names)
    stop = start + min(int(page_size) or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
    rows = [model_row(name, ALIASES.get(name, name)) for name in names[start:stop]]
    return {"models": rows} | ({"nextPageToken": _token(names[stop - 1])} if stop < len(names) else {})


def _token(last: str) -> str:
    """Return the token of the page after the model `last`: opaque, as the service's own."""
    name = f"models/{last}".encode()
    return base64.b64encode(b"\n" + bytes([len(name)]) + name).decode()


def _start(token: str, names: list[str]) -> int:
    if not token:
        return 0
    try:
        return names.index(base64.b64decode(token, validate=True)[2:].decode().removeprefix("models/")) + 1
    except (binascii.Error, ValueError) as error:
        raise bad_request("page_token", "The page token is invalid.") from error
