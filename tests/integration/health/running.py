"""Health as a real process, and other services' voices made of common.runtime.heartbeat."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx

from bongsu.servers import ports
from common.bus.broker import Bus
from common.clock import utc_now
from common.events import CacheUsage, ComponentReport, ComponentState, ConsumerState, JobState, PoolUsage
from common.runtime.heartbeat import Heartbeat
from servers.surroundings import measured
from servers.waiting import HANG_SECONDS, eventually

INTERVALS = {
    "collector": {"data_collection": 10.0, "gap_repair": 60.0, "retention": 3600.0},
    "signaler": {"signal_generation": 3600.0},
}
COMPONENTS = {"collector": "upbit_api", "signaler": "gemini_api"}


@dataclass
class Voice:
    """One instance of another service; what it says may be changed while it speaks."""

    bus: Bus
    presence: Heartbeat = field(init=False)
    components: tuple[ComponentState, ...] = ()
    # None: every job of the service, each just done.
    jobs: tuple[JobState, ...] | None = None
    consumers: tuple[ConsumerState, ...] = ()
    started_at: datetime = field(default_factory=utc_now)

    async def fall_silent(self) -> None:
        """Say nothing any more, no goodbye either, as one that was killed."""
        await self.bus.close()


def healthy_jobs(service: str) -> tuple[JobState, ...]:
    """Every job of the service, each just done."""
    now = utc_now()
    return tuple(
        JobState(
            job_name=name,
            interval_seconds=interval,
            next_run_at=now + timedelta(seconds=interval),
            last_outcome="ok",
            last_finished_at=now,
            last_success_at=now,
        )
        for name, interval in INTERVALS[service].items()
    )


@asynccontextmanager
async def speaking(
    url: str, service: str, instance: str, jobs: tuple[JobState, ...] | None = None
) -> AsyncIterator[Voice]:
    """Have a healthy instance speak until the block ends; its goodbye is the test's own business."""
    bus = Bus(url, service=service, instance=instance)
    voice = Voice(bus, jobs=jobs, components=(ComponentState(name=COMPONENTS[service], status="healthy"),))
    voice.presence = Heartbeat(
        bus,
        report=lambda: ComponentReport(
            service=service,
            instance=instance,
            version="0.1.0",
            started_at=voice.started_at,
            uptime_s=(utc_now() - voice.started_at).total_seconds(),
            sent_at=utc_now(),
            pool=PoolUsage(min=3, max=6, size=3, in_use=0, waiting=0),
            cache=CacheUsage(hits=0, misses=0, hit_rate=0.0, waits=0),
            jobs=healthy_jobs(service) if voice.jobs is None else voice.jobs,
            components=voice.components,
            consumers=voice.consumers,
            bus_refusal=bus.violations.newest,
            bus_problem=bus.publish_failures.problem,
        ),
    )
    await bus.connect()
    await bus.start()
    voice.presence.start()
    try:
        yield voice
    finally:
        await bus.close()


async def soon(predicate: Callable[[], Awaitable[bool]], within: float = HANG_SECONDS) -> None:
    """Wait until the awaited answer is true."""
    # mypy finds no type for a coroutine in eventually's union.
    await eventually(cast("Callable[[], bool]", predicate), within)


class HealthProcess:
    """`python -m health` on a free port."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.port = ports.free_port()
        self._environment = environment | {"HEALTH_PORT": str(self.port)}
        self._log = log
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=HANG_SECONDS)

    @property
    def text(self) -> str:
        """Everything it has logged."""
        return self._log.read_text(encoding="utf-8")

    async def start(self) -> HealthProcess:
        """Start it and return once it serves."""
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(  # noqa: ASYNC220  it returns at once
                [sys.executable, "-m", "health"],
                env=measured(**self._environment),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            await soon(self._serves)
        except BaseException:
            self.process.kill()
            raise
        return self

    async def stop(self) -> int:
        """Stop it and return its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(HANG_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            await self.http.aclose()

    async def detail(self) -> dict[str, Any]:
        """Return /health/detail with its status code as `code`."""
        response = await self.http.get("/health/detail")
        return {**response.json(), "code": response.status_code}

    async def component(self, name: str) -> dict[str, Any]:
        """Return one component of /health/detail."""
        found = next(part for part in (await self.detail())["components"] if part["name"] == name)
        return dict(found)

    async def services(self) -> dict[str, list[str | None]]:
        """Return the listed instances by service name."""
        listed: dict[str, list[str | None]] = {}
        for row in (await self.detail())["services"]:
            listed.setdefault(row["name"], []).append(row["instance"])
        return listed

    async def lists(self, service: str, instances: list[str | None]) -> bool:
        """Tell whether exactly these instances of a service are listed."""
        assert (await self.services())[service] == instances
        return True

    async def blames(self, component: str, words: str) -> bool:
        """Return whether a component has a flaw, in these words."""
        found = await self.component(component)
        assert words in (found["message"] or ""), found
        return bool(found["status"] != "healthy")

    async def has_status(self, status: str, code: int) -> bool:
        """Tell whether /health/detail has this overall status and status code."""
        detail = await self.detail()
        return (detail["status"], detail["code"]) == (status, code)

    async def answers(self, path: str, code: int) -> bool:
        """Tell whether a path answers with this status code."""
        return (await self.http.get(path)).status_code == code

    async def is_healthy(self) -> bool:
        """Tell whether everything is healthy."""
        detail = await self.detail()
        assert detail["status"] == "healthy", detail
        return True

    async def _serves(self) -> bool:
        assert self.process.poll() is None, self._log.read_text()
        with contextlib.suppress(httpx.TransportError):
            return (await self.http.get("/health/live")).status_code == 200
        return False


StartHealth = Callable[..., Awaitable[HealthProcess]]
Speak = Callable[..., Awaitable[Voice]]
