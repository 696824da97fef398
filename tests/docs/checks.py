"""The table of the health checks, made from their registry."""

from __future__ import annotations

import inspect

from docs.markdown import code, table
from health.checks.registry import CHECKS, Check


def table_of_checks() -> str:
    """Return a row per component: what must be true, and what the whole stack is without it."""
    return table(
        ("component", "what must be true", "unhealthy, it makes the stack"), (_row(check) for check in CHECKS)
    )


def _row(check: Check) -> tuple[str, str, str]:
    module = inspect.getmodule(check.judge)
    sentence = ((module and module.__doc__) or "").splitlines()[0]
    return code(check.name), sentence, "unhealthy" if check.is_essential else "degraded"
