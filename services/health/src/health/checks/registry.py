"""Registry of the checks: one component of the health answer each, in the answer's order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from health.checks import database, gemini_api, recent_orders, recent_signal, scheduler, upbit_api
from health.domain import Facts
from health.schemas import ComponentHealth


@dataclass(frozen=True)
class Check:
    """One component.

    Attributes:
        is_essential: Without it the relay does not run; the others only make it poorer.
    """

    name: str
    judge: Callable[[Facts], ComponentHealth]
    is_essential: bool = False


CHECKS = (
    Check(database.NAME, database.database_answers, is_essential=True),
    Check(upbit_api.NAME, upbit_api.upbit_answers, is_essential=True),
    Check(gemini_api.NAME, gemini_api.gemini_answers),
    Check(scheduler.NAME, scheduler.jobs_succeed, is_essential=True),
    Check(recent_signal.NAME, recent_signal.signal_is_recent),
    Check(recent_orders.NAME, recent_orders.orders_do_not_wait),
)
COMPONENTS = tuple(check.name for check in CHECKS)
