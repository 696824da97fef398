"""Expressions of the dashboards and alerts in `deploy/observe`, as Prometheus gets them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
OBSERVE = ROOT / "deploy" / "observe"
ALERTS = OBSERVE / "alerts.yml"
_NAME = re.compile(r"\b(?:bongsu|otlp)_[a-z0-9_]+\b")


def alerts() -> list[dict[str, Any]]:
    """Return the alert rules."""
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def dashboards() -> list[dict[str, Any]]:
    """Return the dashboards."""
    found = sorted((OBSERVE / "grafana" / "dashboards").glob("*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in found]


def expressions() -> Iterator[str]:
    """Yield every PromQL expression of the alerts and the dashboards."""
    for rule in alerts():
        yield rule["expr"]
    for dashboard in dashboards():
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                yield target["expr"]


def used_names(prefix: str) -> set[str]:
    """Return the metrics in them that begin so: `bongsu_` those of health, `otlp_` those sent over OTLP."""
    return {name for text in expressions() for name in _NAME.findall(text) if name.startswith(prefix)}
