"""Verdicts of the doctor's pure checks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bongsu.doctor.checks.budget import judge_budget
from bongsu.doctor.checks.bus import judge_instances
from bongsu.doctor.checks.clock import judge_clock, seconds_ahead
from bongsu.doctor.checks.database import DatabaseFacts, TableSize, judge_server
from bongsu.doctor.checks.disk import free_bytes, fullest_folder, judge_disk
from bongsu.doctor.checks.gemini import judge_newest_signal
from bongsu.doctor.checks.migrations import judge_migrations
from bongsu.doctor.checks.settings import judge_settings
from bongsu.doctor.finding import Finding, Verdict
from bongsu.provisioning.migrations import Migration
from common.config.queries import StoredSetting
from common.events import ComponentReport

AT = datetime(2026, 11, 27, tzinfo=UTC)
SOUND: Mapping[str, object] = {
    "number": 180006,
    "version": "18.6",
    "max_connections": 100,
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
}
FACTS = DatabaseFacts(SOUND, (), {}, {}, {}, None, 0.0)
BUDGET: dict[str, Any] = {
    "interval_minutes": 60,
    "markets": 1,
    "budget": 20,
    "models": 3,
    "has_key": True,
    "is_simulated": False,
}


def verdicts(findings: list[Finding]) -> dict[str, Verdict]:
    return {finding.check: finding.verdict for finding in findings}


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"number": 140012}, "postgresql"),
        ({"number": 190000}, "postgresql"),
        ({"max_connections": 20}, "connections"),
        ({"fsync": "off"}, "durability"),
        ({"full_page_writes": "off"}, "durability"),
        ({"synchronous_commit": "off"}, "durability"),
    ],
)
def test_a_server_that_is_not_fit_is_a_problem(change: dict[str, object], check: str) -> None:
    assert set(verdicts(judge_server(FACTS)).values()) == {Verdict.OK}
    found = verdicts(judge_server(replace(FACTS, server={**SOUND, **change})))
    assert [name for name, verdict in found.items() if verdict is Verdict.PROBLEM] == [check]


def test_one_role_that_does_not_wait_for_the_disk_is_a_problem() -> None:
    [_, durability] = judge_server(replace(FACTS, careless_roles=("bongsu_collector",)))
    assert durability.verdict is Verdict.PROBLEM
    assert durability.fix == "ALTER ROLE bongsu_collector RESET synchronous_commit"


@pytest.mark.parametrize(
    ("change", "verdict", "said"),
    [
        (
            {},
            Verdict.WARNING,
            "a signal every 60 minutes is 24 calls a day, retries not counted; the budget of",
        ),
        (
            {"models": 1},
            Verdict.PROBLEM,
            "24 calls a day, retries not counted; the budget is 20 a model, of 1",
        ),
        ({"interval_minutes": 120}, Verdict.OK, "12 calls a day"),
        ({"markets": 3}, Verdict.PROBLEM, "72 calls a day for 3 markets"),
        ({"budget": 1000}, Verdict.WARNING, "but a free key has 20 a model"),
        ({"budget": 1000, "is_simulated": True}, Verdict.OK, "24 calls a day"),
        ({"budget": 0}, Verdict.WARNING, "Gemini is never asked"),
        ({"has_key": False}, Verdict.OK, "there is no key"),
    ],
)
def test_the_budget_is_judged_by_the_calls_of_a_day(
    change: dict[str, Any], verdict: Verdict, said: str
) -> None:
    finding = judge_budget(**{**BUDGET, **change})
    assert finding.verdict is verdict
    assert said in finding.found


@pytest.mark.parametrize(("markets", "minutes"), [(1, 69), (2, 131), (30, 1440)])
def test_the_interval_that_is_advised_keeps_to_the_budget(markets: int, minutes: int) -> None:
    finding = judge_budget(**{**BUDGET, "markets": markets, "models": 1})
    assert f"signal_interval_minutes {minutes}," in str(finding.fix)
    if minutes < 1440:
        advised = {**BUDGET, "markets": markets, "models": 1, "interval_minutes": minutes}
        assert judge_budget(**advised).verdict is Verdict.OK
        assert judge_budget(**{**advised, "interval_minutes": minutes - 1}).verdict is Verdict.PROBLEM


@pytest.mark.parametrize(
    ("seconds", "verdict"),
    [(0, Verdict.OK), (-2, Verdict.OK), (3, Verdict.WARNING), (-29, Verdict.WARNING), (31, Verdict.PROBLEM)],
)
def test_a_clock_is_judged_in_both_directions(seconds: float, verdict: Verdict) -> None:
    assert judge_clock("of the exchange", seconds).verdict is verdict


@pytest.mark.parametrize(("theirs", "ahead"), [(0, 0.0), (4, 0.0), (7, 2.0), (-1, 0.0), (-3, -2.0)])
def test_what_the_way_there_took_is_no_difference(theirs: int, ahead: float) -> None:
    answered = AT + timedelta(seconds=5)
    asked_at = AT + timedelta(seconds=theirs)
    assert seconds_ahead(asked_at, asked=AT, answered=answered, resolution_seconds=1) == ahead


@pytest.mark.parametrize(
    ("applied", "verdict", "said"),
    [
        (None, Verdict.PROBLEM, "none was ever applied"),
        ({1: "-"}, Verdict.PROBLEM, "not applied: 0002_second.sql"),
        ({1: "-", 2: "other"}, Verdict.PROBLEM, "changed after it was applied: 0002_second.sql"),
        ({1: "-", 2: "-", 3: "x"}, Verdict.WARNING, "the database has 0003, which this build does not know"),
        ({1: "-", 2: "-"}, Verdict.OK, "all 2 are applied"),
    ],
)
def test_migrations_are_compared_one_by_one(
    applied: dict[int, str] | None, verdict: Verdict, said: str
) -> None:
    known = [Migration(1, "first", "SELECT 1"), Migration(2, "second", "SELECT 2")]
    right = {each.version: each.sha256 for each in known}
    found = applied and {number: right[number] if text == "-" else text for number, text in applied.items()}
    finding = judge_migrations(found, known)
    assert (finding.verdict, said in finding.found) == (verdict, True)


def stored(value: str) -> StoredSetting:
    return StoredSetting(value, 1, AT, "somebody")


@pytest.mark.parametrize(
    ("settings", "verdict", "said"),
    [
        ({}, Verdict.OK, "every stored value holds"),
        ({"backfill_days": '"seven"'}, Verdict.PROBLEM, "backfill_days: what somebody stored is not a whole"),
        ({"markets": "[]"}, Verdict.PROBLEM, "markets: what somebody stored is not a list"),
        ({"no_such_key": "1"}, Verdict.WARNING, "no_such_key is stored and no setting of this build"),
        ({"retention_days": "2"}, Verdict.WARNING, "what comes is deleted at once"),
        (
            {"gemini_timeout_seconds": "300", "signal_interval_minutes": "1"},
            Verdict.WARNING,
            "half an interval",
        ),
        ({"signal_min_confidence": "1"}, Verdict.WARNING, "nearly every BUY and SELL is kept as HOLD"),
    ],
)
def test_settings_are_judged_alone_and_together(
    settings: dict[str, str], verdict: Verdict, said: str
) -> None:
    [finding] = judge_settings({name: stored(value) for name, value in settings.items()})
    assert (finding.verdict, said in finding.found) == (verdict, True)


def report(service: str, version: str = "1.0.0") -> ComponentReport:
    return ComponentReport(
        service=service, instance=f"{service}-1", version=version, started_at=AT, uptime_s=1, sent_at=AT
    )


def test_an_old_version_and_a_missing_service_are_found() -> None:
    everybody = [report("collector"), report("signaler"), report("health")]
    assert judge_instances(everybody, "1.0.0").verdict is Verdict.OK
    old = judge_instances([*everybody, report("signaler", "0.9.0")], "1.0.0")
    assert (old.verdict, "signaler 0.9.0" in old.found) == (Verdict.WARNING, True)
    missing = judge_instances([report("health")], "1.0.0")
    assert missing.verdict is Verdict.PROBLEM
    assert missing.found == "no collector and no signaler answers on NATS"


@pytest.mark.parametrize(
    ("signal", "verdict", "said"),
    [
        (None, Verdict.UNKNOWN, "none yet"),
        ({"source": "rule", "cause": "model_gone: x is gone"}, Verdict.WARNING, "model_gone: x is gone"),
        (
            {"source": "gemini", "model_requested": "a", "model_served": "b"},
            Verdict.WARNING,
            "asked of a, answered by b",
        ),
        ({"source": "gemini", "model_requested": "a", "model_served": "a"}, Verdict.OK, "decided by a"),
    ],
)
def test_the_newest_signal_tells_whether_the_model_still_answers(
    signal: dict[str, str | None] | None, verdict: Verdict, said: str
) -> None:
    finding = judge_newest_signal(signal)
    assert (finding.verdict, said in finding.found) == (verdict, True)


@pytest.mark.parametrize(
    ("free_gigabytes", "bytes_a_candle", "verdict"),
    [(5, 200, Verdict.OK), (5, 10_000, Verdict.WARNING), (0.5, 200, Verdict.PROBLEM)],
)
def test_a_year_is_reckoned_from_what_a_row_takes_here(
    tmp_path: Path, free_gigabytes: float, bytes_a_candle: int, verdict: Verdict
) -> None:
    sizes = {"market_data": TableSize(bytes_a_candle * 10_000, 10_000)}
    free = int(free_gigabytes * 1024**3)
    finding = judge_disk(free, tmp_path, sizes=sizes, markets=1, interval_minutes=60, retention_days=400)
    assert finding.verdict is verdict


def test_room_is_looked_for_where_a_folder_is_to_be_made(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "not" / "there") > 0


def test_a_database_that_lies_elsewhere_is_looked_for_there(tmp_path: Path) -> None:
    assert fullest_folder(tmp_path) == tmp_path
    # Where nothing can be written, nothing is free.
    cluster = next((path for path in (Path("/proc"), Path("/dev")) if free_bytes(path) == 0), None)
    if cluster is None:
        pytest.skip("no file system without room")
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "postgres.path").write_text(f"{cluster}\n")
    assert fullest_folder(tmp_path) == cluster
