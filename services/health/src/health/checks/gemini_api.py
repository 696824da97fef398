"""Gemini lists its models and generations come through.

The signaler reads the model list every 60 s (5 s once it fails), which costs nothing, and remembers how its
last decision went. Silence of the signaler is unhealthy: no other service holds the key.
"""

from __future__ import annotations

from health.checks.reported import reported_component
from health.domain import Facts
from health.schemas import ComponentHealth

NAME = "gemini_api"


def gemini_answers(facts: Facts) -> ComponentHealth:
    """Return the component as the signalers see it."""
    return reported_component(facts, NAME, reporter="signaler")
