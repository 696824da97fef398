"""`bongsu up` restarts what dies, at the same address."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import asyncpg
import httpx
import psutil

from servers.waiting import HANG_SECONDS, eventually_sync
from system.conftest import Run, Start


def _healthy(run: Run) -> bool:
    return run.health().get("status") == "healthy"


def flawed(run: Run, *components: str) -> Callable[[], bool]:
    """Return what tells whether health has found a flaw in each of these since its first look.

    A flaw that is over by the look at the next component still counts: they all died at once.
    """
    missing = set(components)

    def look() -> bool:
        rows = run.health().get("components", [])
        missing.difference_update(row["name"] for row in rows if row["status"] != "healthy")
        assert not missing, rows
        return True

    return look


@contextmanager
def unsupervised(run: Run) -> Iterator[None]:
    """Have nothing started again until the block ends, so that what is missing is seen."""
    run.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        run.process.send_signal(signal.SIGCONT)


@contextmanager
def frozen(run: Run, name: str) -> Iterator[None]:
    """Have a server answer nothing until the block ends."""
    server = psutil.Process(run.document["pids"][name])
    # PostgreSQL's backends answer on their own.
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def healthy_instances(run: Run, *services: str) -> set[str]:
    """Return the instances of these services that health calls healthy."""
    rows = run.health().get("services", [])
    return {row["instance"] for row in rows if row["name"] in services and row["status"] == "healthy"}


SHOWN_BY = {"postgres": "database", "nats": "scheduler", "upbit": "upbit_api", "gemini": "gemini_api"}


def test_whatever_freezes_or_whatever_dies_shows_and_goes_on_without_a_lost_candle(start: Start) -> None:
    run = start().until_up()
    eventually_sync(lambda: _healthy(run))
    for name in ("postgres", "nats"):
        with frozen(run, name):
            eventually_sync(lambda: not _healthy(run))
        eventually_sync(lambda: _healthy(run))
    before, dead = run.document, healthy_instances(run, "collector", "signaler")
    with unsupervised(run):
        for name in ("postgres", "upbit", "gemini"):
            os.kill(before["pids"][name], signal.SIGKILL)
        eventually_sync(flawed(run, *(SHOWN_BY[name] for name in ("postgres", "upbit", "gemini"))))
    with unsupervised(run):
        os.kill(before["pids"]["nats"], signal.SIGKILL)
        eventually_sync(flawed(run, SHOWN_BY["nats"]))
    for name in ("collector", "signaler"):
        os.kill(before["pids"][name], signal.SIGKILL)
    eventually_sync(lambda: not dead & healthy_instances(run, "collector", "signaler"))
    with unsupervised(run):
        os.kill(before["pids"]["health"], signal.SIGKILL)
        eventually_sync(lambda: run.health() == {})
    eventually_sync(lambda: _healthy(run))

    after = run.document
    assert not set(after["pids"].values()) & set(before["pids"].values())
    assert {name: after[name] for name in after if name.endswith("_url")} == {
        name: before[name] for name in before if name.endswith("_url")
    }
    for name in before["pids"]:
        assert f"{name} died (signal 9), started again" in run.text
    assert lost_candles(run) == []


def lost_candles(run: Run) -> list[str]:
    """Return what the exchange has between the oldest and the newest stored minute and we don't."""
    stored, open_gaps = asyncio.run(newest_minutes(run))
    assert open_gaps == 0
    query = f"market=KRW-BTC&count=200&to={max(stored)}Z"
    served = httpx.get(
        f"{run.document['upbit_url']}/v1/candles/minutes/1?{query}", timeout=HANG_SECONDS
    ).json()
    times = [row["candle_date_time_utc"] for row in served]
    return [moment for moment in times if moment >= min(stored) and moment not in stored]


async def newest_minutes(run: Run) -> tuple[set[str], int]:
    """Return the newest stored minutes as Upbit spells them, and how many gaps are open."""
    connection = await asyncpg.connect(run.document["database_url"])
    rows = await connection.fetch("SELECT timestamp FROM market_data ORDER BY timestamp DESC LIMIT 200")
    open_gaps = await connection.fetchval("SELECT count(*) FROM candle_gaps WHERE status = 'open'")
    await connection.close()
    return {f"{row['timestamp']:%Y-%m-%dT%H:%M:%S}" for row in rows}, open_gaps
