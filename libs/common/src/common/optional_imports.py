"""Optional imports that a service keeps out of its memory, although the shared environment has them.

`make run` has one environment for all, and structlog, FastStream, nats-py, PyJWT and google-genai import
these wherever they are installed. In an image of its own they are missing.
"""

from __future__ import annotations

import sys

_OPTIONAL = ("aiohttp", "cryptography", "greenlet", "rich", "uvicorn")


def hide_packages_of_others(*, but: tuple[str, ...] = ()) -> None:
    """Have the optional packages found missing, except `but`; called before anything imports them."""
    for name in _OPTIONAL:
        if name not in but:
            sys.modules.setdefault(name, None)  # type: ignore[arg-type]
