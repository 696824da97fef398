"""One service's whole life inside a process that ends like any Python program, and what it leaves open.

`WHOLE_LIFE=collector python -X dev -m integration.services.whole_life`: a service process proper ends by
`os._exit`, which hides everything; here, what was not closed by hand is counted, and Python warns of it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
from collections.abc import Callable
from typing import Any

import psutil

from collector.app import build as build_collector
from collector.settings import CollectorSettings
from common.settings import load_settings
from health.app import build as build_health
from health.settings import HealthSettings
from signaler.app import build as build_signaler
from signaler.settings import SignalerSettings

SERVICES: dict[str, tuple[type[Any], Callable[[Any], Any]]] = {
    "collector": (CollectorSettings, build_collector),
    "signaler": (SignalerSettings, build_signaler),
    "health": (HealthSettings, build_health),
}
LEFT = "whole_life.left"


def open_sockets() -> list[str]:
    """Return every socket of this process, listening, connected or half closed."""
    gc.collect()
    connections = psutil.Process().net_connections(kind="all")
    return sorted(f"{each.fd}: {each.laddr} -> {each.raddr} {each.status}" for each in connections)


def threads() -> list[str]:
    """Return the names of all threads but the main one and those of the pools that end with the loop."""
    names = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    return sorted(name for name in names if not name.startswith(("asyncio_", "AnyIO worker")))


async def live(name: str) -> dict[str, Any]:
    """Run the service until SIGTERM and return what there is now that was not there before."""
    settings_type, build = SERVICES[name]
    # The loop's own self-pipe is a pair of sockets.
    before = open_sockets()
    runtime, service = build(load_settings(settings_type, os.environ))
    code = await runtime.run(service)
    # A cancelled task ends in the loop's next turn.
    await asyncio.sleep(0)
    tasks = [repr(task) for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    left = [each for each in open_sockets() if each not in before]
    return {"event": LEFT, "code": code, "sockets": left, "tasks": tasks, "threads": threads()}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(live(os.environ["WHOLE_LIFE"]))), flush=True)
