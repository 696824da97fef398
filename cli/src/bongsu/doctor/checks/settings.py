"""Settings check: stored values, each alone and together. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bongsu.database.settings import settings_in_force, spelled
from bongsu.doctor.finding import Finding, ok, problem, warning
from common.config.keys import REGISTRY
from common.config.queries import StoredSetting

CHECK = "settings"


def judge_settings(stored: Mapping[str, StoredSetting]) -> list[Finding]:
    """Judge every row; what breaks its rule was written by hand, past every check."""
    in_force = settings_in_force(stored)
    findings = [
        problem(
            CHECK,
            f"{name}: what {setting.stored.updated_by} stored is not {setting.key.rule}, so it does not hold",
            f"bongsu config set {name} {_quoted(setting.key.default)}",
        )
        for name, setting in in_force.items()
        if setting.stored and not setting.is_valid
    ]
    findings += [
        warning(
            CHECK, f"{name[:60]} is stored and no setting of this build", "delete the row from system_config"
        )
        for name in sorted(set(stored) - set(REGISTRY))
    ]
    findings += _judge_together({name: setting.value for name, setting in in_force.items()})
    return findings or [ok(CHECK, "every stored value holds")]


def _judge_together(values: Mapping[str, Any]) -> list[Finding]:
    retention, backfill = values["retention_days"], values["backfill_days"]
    interval, timeout = values["signal_interval_minutes"] * 60, values["gemini_timeout_seconds"]
    flaws = (
        (
            backfill > retention,
            f"backfill_days is {backfill}, retention_days {retention}: what comes is deleted at once",
            f"bongsu config set retention_days {backfill}",
        ),
        (
            timeout * 2 > interval,
            f"gemini_timeout_seconds is {timeout}, but a decision ends after half an interval,"
            f" {interval // 2} s",
            f"bongsu config set gemini_timeout_seconds {max(1, interval // 3)}",
        ),
        (
            values["signal_min_confidence"] == 1,
            "signal_min_confidence is 1: nearly every BUY and SELL is kept as HOLD",
            "bongsu config set signal_min_confidence 0.6",
        ),
    )
    return [warning(CHECK, found, fix) for is_so, found, fix in flaws if is_so]


def _quoted(value: object) -> str:
    text = spelled(value)
    return f"'{text}'" if isinstance(value, list) else text
