"""Which API keys are taken? Without a list any key of a plausible shape."""

from __future__ import annotations

import re

from aiohttp import web

from gemini_simulator.api.call import Call
from gemini_simulator.api.errors import auth_key_invalid, key_invalid, key_missing

# New keys begin with `AQ.`, old ones with `AIza` and have 39 characters.
_PLAUSIBLE = re.compile(r"AQ\.[A-Za-z0-9_-]{16,}|AIza[A-Za-z0-9_-]{35}")


def check_key(request: web.Request, call: Call, known: frozenset[str]) -> None:
    """Raise what the service answers to a missing or unknown key (header or `?key=`)."""
    key = request.headers.get("x-goog-api-key") or request.query.get("key", "")
    if not key:
        raise key_missing()
    if key in known or (not known and _PLAUSIBLE.fullmatch(key)):
        return
    raise auth_key_invalid(call.method) if key.startswith("AQ.") else key_invalid()
