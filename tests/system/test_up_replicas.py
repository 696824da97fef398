"""Replicas of each service share the work, the budget and the health answer."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from servers.commands import bongsu
from servers.waiting import HANG_SECONDS, eventually_sync
from system.conftest import Run, Start

REPLICAS = "collector=2,signaler=2,health=2"
INSTANCES = Counter({"collector": 2, "signaler": 2, "health": 2})
# Enough scheduled runs of every job that two replicas would have doubled one.
RUNS = 4


def _live(run: Run) -> Counter[str]:
    rows = run.health().get("services", [])
    return Counter(row["name"] for row in rows if row["status"] == "healthy")


def _finished(log: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line[:1] == "{"]
    return [line for line in lines if line["event"] == "job.finished"]


def _scheduled_runs(logs: list[Path]) -> list[str]:
    """Return the run ids of the scheduled collections of all replicas, `data_collection-<unix time>`."""
    ids = [str(line["run_id"]) for log in logs for line in _finished(log)]
    return [name for name in ids if name.rpartition("-")[0] == "data_collection"]


def test_replicas_of_every_service_share_jobs_connections_and_health(start: Start) -> None:
    run = start("--replicas", REPLICAS).until_up()
    eventually_sync(lambda: run.health().get("status") == "healthy" and _live(run) == INSTANCES)

    urls = run.document["health_urls"]
    assert len(set(urls)) == 2
    eventually_sync(
        lambda: {httpx.get(f"{url}/health", timeout=HANG_SECONDS).status_code for url in urls} == {200}
    )

    pools = [row["pool"]["max"] for row in run.health()["services"]]
    assert sum(pools) == 20

    bongsu("config", "set", "collect_interval_seconds", "1", "--data-dir", str(run.folder))
    logs = [run.folder / "logs" / f"{name}.log" for name in ("collector", "collector-2")]
    eventually_sync(lambda: len(_scheduled_runs(logs)) >= RUNS)
    assert max(Counter(_scheduled_runs(logs)).values()) == 1
    assert run.stop() == 0
