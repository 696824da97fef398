"""A healthy stack's facts, to be changed where a test wants trouble."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from common.events import ComponentReport, ComponentState, InstanceState, JobState, PoolUsage
from health.domain import (
    DatabaseReading,
    DiskUsage,
    Facts,
    LiveInstance,
    StoredFacts,
    StreamFill,
    StreamReading,
)

NOW = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
JOBS = {
    "collector": {"data_collection": 10.0, "gap_repair": 60.0, "retention": 3600.0},
    "signaler": {"signal_generation": 3600.0},
    "health": {},
}
STARTED = NOW - timedelta(days=2)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def instance(service: str, name: str = "", **changes: Any) -> InstanceState:
    state = ComponentReport(
        service=service,
        instance=name or f"{service}-1",
        version="0.1.0",
        started_at=STARTED,
        uptime_s=172800.0,
        sent_at=NOW,
        pool=PoolUsage(min=3, max=6, size=3, in_use=0, waiting=0),
        jobs=tuple(
            JobState(job_name=job, interval_seconds=seconds, next_run_at=NOW + timedelta(seconds=seconds))
            for job, seconds in JOBS[service].items()
        ),
        components={
            "collector": (ComponentState(name="upbit_api", status="healthy", latency_ms=12.5),),
            "signaler": (ComponentState(name="gemini_api", status="healthy", latency_ms=80.0),),
        }.get(service, ()),
    )
    return state.model_copy(update=changes)


def live(*states: InstanceState) -> tuple[LiveInstance, ...]:
    return tuple(LiveInstance(state) for state in states)


def stored(**changes: Any) -> DatabaseReading:
    facts = StoredFacts(
        server_started_at=STARTED,
        newest_signal_at=NOW,
        oldest_active_order_at=None,
        any_order=False,
        signal_interval_minutes=60,
    )
    return DatabaseReading(latency_ms=1.2, error=None, stored=replace(facts, **changes), stored_error=None)


def facts(**changes: Any) -> Facts:
    healthy = Facts(
        now=NOW,
        database=stored(),
        streams=StreamReading(fills=tuple(StreamFill(name) for name in ("MARKET", "SIGNALS", "DEAD"))),
        disk=DiskUsage(size=1000, free=400),
        instances=live(instance("collector"), instance("health"), instance("signaler")),
        bus_error=None,
        bus_back_since=None,
        stack_since=STARTED,
        service_since=dict.fromkeys(JOBS, STARTED),
        last_success={(service, job): NOW for service, jobs in JOBS.items() for job in jobs},
    )
    return replace(healthy, **changes)
