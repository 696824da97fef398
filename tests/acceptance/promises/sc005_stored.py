"""SC-005, what health knows from stored rows and old reports; and a database that is slow or frozen."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from acceptance.component_states import StateSampler, Transitions, sampled_states
from common.clock import utc_now
from harness.finding import Finding
from harness.servers import Connection, Servers, frozen, postgres_connection, servers
from integration.health.running import HealthProcess, Voice, healthy_jobs, soon, speaking
from servers.proxy import Proxy, proxy

# A day of uptime, so that nothing is excused as not due yet.
STACK_AGE = timedelta(days=1)
# A probe is three round trips: the check of the connection, SELECT 1, the reset. Together less than its 1 s.
SLOW_SECONDS = 0.28
# So long before a limit a row is put, to see it cross.
AHEAD = timedelta(seconds=2)

PUT_SIGNAL = """
INSERT INTO trading_signals (id, symbol, candle_timestamp, signal_type, confidence, reasoning, source,
                             prompt_version, snapshot, price_at_signal, config_revision, trace_id, created_at)
VALUES (gen_random_uuid(), 'KRW-BTC', $1, 'HOLD', 0.7, 'flat', 'gemini', 'v1', '{}', 100, 1, '', $1)
"""
PUT_ORDER = """
INSERT INTO orders (id, symbol, side, order_type, status, identifier, created_at)
VALUES (gen_random_uuid(), 'KRW-BTC', 'bid', 'limit', 'wait', 'acceptance', $1)
"""


@dataclass
class Stage:
    """Health on real servers, and a collector and a signaler of which only the voices are there."""

    running: Servers
    line: Proxy
    admin: Connection
    collector: Voice
    states: StateSampler


async def measure() -> list[Finding]:
    """Return the rows of database, scheduler, recent_signal and recent_orders."""
    async with _stage() as stage:
        return [
            await _recent_orders(stage),
            await _recent_signal(stage),
            await _scheduler(stage),
            await _database(stage),
        ]


@asynccontextmanager
async def _stage() -> AsyncIterator[Stage]:
    async with servers() as running, AsyncExitStack() as stack:
        admin = await stack.enter_async_context(postgres_connection(running.postgres.url()))
        await admin.execute(PUT_SIGNAL, utc_now())
        line = await stack.enter_async_context(proxy(running.postgres.port))
        collector = await stack.enter_async_context(
            speaking(running.nats.url("collector"), "collector", "c1")
        )
        signaler = await stack.enter_async_context(speaking(running.nats.url("signaler"), "signaler", "s1"))
        collector.started_at = signaler.started_at = utc_now() - STACK_AGE
        health = HealthProcess(
            {
                "DATABASE_URL": line.url(running.database_url("health")),
                "NATS_URL": running.nats.url("health"),
            },
            running.folder / "health.log",
        )
        await health.start()
        stack.push_async_callback(health.stop)
        states = await stack.enter_async_context(sampled_states(health))
        collector.jobs = healthy_jobs("collector")
        await soon(health.is_healthy, within=20)
        yield Stage(running, line, admin, collector, states)


async def _recent_orders(stage: Stage) -> Finding:
    transitions = Transitions("recent_orders", stage.states)
    await stage.admin.execute(PUT_ORDER, utc_now() - timedelta(minutes=10) + AHEAD)
    await transitions.expect("warning", "an active order was 10 min old", since=_in(AHEAD))
    moved = utc_now() - timedelta(minutes=60) + AHEAD
    await stage.admin.execute("UPDATE orders SET created_at = $1", moved)
    await transitions.expect("unhealthy", "it was 60 min old", since=_in(AHEAD))
    await stage.admin.execute("UPDATE orders SET status = 'done'")
    await transitions.expect("healthy", "it was done", since=time.monotonic())
    return transitions.finding()


async def _recent_signal(stage: Stage) -> Finding:
    # The interval is an hour: max(60 min, 60 + 5 min).
    limit = timedelta(minutes=65)
    transitions = Transitions("recent_signal", stage.states)
    await _age_signal(stage, limit - AHEAD)
    await transitions.expect("warning", "the newest signal was 65 min old", since=_in(AHEAD))
    await _age_signal(stage, 3 * limit - AHEAD)
    await transitions.expect("unhealthy", "it was three times that", since=_in(AHEAD))
    await stage.admin.execute(PUT_SIGNAL, utc_now())
    await transitions.expect("healthy", "a new one", since=time.monotonic())
    return transitions.finding()


async def _age_signal(stage: Stage, age: timedelta) -> None:
    await stage.admin.execute("UPDATE trading_signals SET created_at = $1", utc_now() - age)


async def _scheduler(stage: Stage) -> Finding:
    transitions = Transitions("scheduler", stage.states)
    # The rows before took longer than two of its intervals.
    _succeed(stage.collector, utc_now())
    await stage.states.shown("scheduler", "healthy", since=time.monotonic())
    since, last_success = time.monotonic(), utc_now()
    _succeed(stage.collector, last_success)
    await transitions.expect("warning", "data_collection's second missed interval", since=since + 20)
    await transitions.expect("unhealthy", "its third", since=since + 30)
    _succeed(stage.collector, utc_now())
    await transitions.expect("healthy", "a success", since=time.monotonic())
    return transitions.finding()


def _succeed(collector: Voice, moment: datetime) -> None:
    # Its interval is 10 s; of the others, the shortest is a minute.
    collector.jobs = tuple(
        job.model_copy(update={"last_success_at": moment if job.job_name == "data_collection" else utc_now()})
        for job in healthy_jobs("collector")
    )


async def _database(stage: Stage) -> Finding:
    transitions = Transitions("database", stage.states)
    stage.line.delay_seconds = SLOW_SECONDS
    await transitions.expect("warning", f"SELECT 1 took {SLOW_SECONDS * 1000:.0f} ms", since=time.monotonic())
    stage.line.delay_seconds = 0.0
    await transitions.expect("healthy", "it was quick again", since=time.monotonic())
    with frozen(stage.running.postgres.pid):
        await transitions.expect("unhealthy", "PostgreSQL was frozen", since=time.monotonic())
    await transitions.expect("healthy", "it was thawed", since=time.monotonic())
    return transitions.finding()


def _in(span: timedelta) -> float:
    return time.monotonic() + span.total_seconds()
