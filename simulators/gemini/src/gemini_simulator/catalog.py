"""Which models does the simulator serve? As ListModels spells them in November 2026."""

from __future__ import annotations

from typing import Any

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
}
# Deprecated names that are answered by another model; aliases exist only on v1beta.
ROUTED = {"gemini-3.7-flash": "gemini-3.8-flash", "gemini-3.5-flash": "gemini-3.6-flash"}
ALIASES = {"gemini-flash-latest": "gemini-3.8-flash", "gemini-flash-lite-latest": "gemini-3.5-flash-lite"}


def model_row(name: str) -> dict[str, Any]:
    """Return one model as the API describes it; KeyError for a name that is not listed."""
    version, title = _TITLES[name]
    return {
        "name": f"models/{name}",
        "version": version,
        "displayName": title,
        "description": f"Stable version of {title}",
        "inputTokenLimit": 1048576,
        "outputTokenLimit": 65536,
        "supportedGenerationMethods": METHODS,
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
        "thinking": True,
    }


def served_by(name: str, *, api_version: str) -> str | None:
    """Return the model that answers for `name`, or None where it does not exist in this API version."""
    if api_version == "v1beta" and name in ALIASES:
        return ALIASES[name]
    if name in ROUTED:
        return ROUTED[name]
    return name if name in _TITLES else None


def list_page(page_size: int, token: str) -> dict[str, Any]:
    """Return one page of ListModels; `token` is what the page before gave, empty for the first."""
    names = list(_TITLES)
    start = int(token) if token.isdigit() else 0
    stop = start + min(max(page_size, 1), MAX_PAGE_SIZE)
    page: dict[str, Any] = {"models": [model_row(name) for name in names[start:stop]]}
    if stop < len(names):
        page["nextPageToken"] = str(stop)
    return page
