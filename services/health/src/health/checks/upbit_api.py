"""Upbit answers a ping and the collector's own calls come through.

The collector pings every 3 s and judges; health holds no key and never calls Upbit itself, so that checks
cost none of the rate limit. Silence of the collector is unhealthy: only it could say that Upbit is there.
"""

from __future__ import annotations

from health.checks.reported import reported_component
from health.domain import Facts
from health.schemas import ComponentHealth

NAME = "upbit_api"


def upbit_answers(facts: Facts) -> ComponentHealth:
    """Return the component as the collectors see it."""
    return reported_component(facts, NAME, reporter="collector")
