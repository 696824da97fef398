"""The stack: all children of one run, their addresses, and the order in which they start and stop."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from bongsu.provisioning import migrations
from bongsu.provisioning.reconciler import keep_reconciled, reconcile_when_ready
from bongsu.servers import ports
from bongsu.servers.nats.cluster import NatsServers
from bongsu.servers.postgres.paths import existing_cluster
from bongsu.servers.postgres.server import PostgresServer
from bongsu.servers.secrets import Secrets
from bongsu.up.data_dir import DataDir
from bongsu.up.data_source import UPBIT_URL, Market
from bongsu.up.environment import Addresses, base, for_service
from bongsu.up.options import DEFAULT_SPEED, Options
from bongsu.up.seeding import seed
from bongsu.up.supervision.program import Program
from bongsu.up.supervision.supervisor import Supervisor, WatchedChild
from common.clock import utc_now
from common.events import SERVICES
from common.tasks import cancel_tasks

SERVER_SECONDS = 20.0
PROGRAM_SECONDS = 60.0
# The supervisor cuts them short together; each usually needs a fraction of a second.
SERVICE_STOP_SECONDS = 3.4
SIMULATOR_STOP_SECONDS = 0.4
NATS_STOP_SECONDS = 0.4
POSTGRES_STOP_SECONDS = 0.7


class Stack:
    """All children of one run and their addresses, which stay the same as long as it runs.

    Args:
        say: Takes a line for people.
        environment: Where the optional variables come from.
    """

    def __init__(
        self,
        options: Options,
        folder: DataDir,
        market: Market,
        environment: Mapping[str, str],
        say: Callable[[str], None],
    ) -> None:
        self.market = market
        self._options = options
        self._folder = folder
        self._environment = environment
        self._say = say
        self._started_at = utc_now()
        self._up = False
        self._reconciling: asyncio.Task[None] | None = None
        secrets = Secrets(folder.path / "secrets.json")
        self.postgres = PostgresServer(
            folder.path / "postgres", secrets=secrets, log=folder.logs / "postgres.log"
        )
        self.nats = NatsServers(folder.path, options.nats_cluster, secrets=secrets, logs=folder.logs)
        self.upbit_url = environment.get("UPBIT_BASE_URL") or UPBIT_URL
        self.gemini_url = environment.get("GOOGLE_GEMINI_BASE_URL") or None
        self.health_host = environment.get("HEALTH_HOST") or ports.HOST
        self.supervisor = Supervisor(say, self._changed)
        self._database = self.supervisor.stage([self.postgres], stop_seconds=POSTGRES_STOP_SECONDS)
        self._bus = self.supervisor.stage(self.nats.servers, stop_seconds=NATS_STOP_SECONDS)
        self._simulators = self.supervisor.stage(
            [] if market.kind == "live" else [self._upbit(), self._gemini()],
            stop_seconds=SIMULATOR_STOP_SECONDS,
        )
        self._services: list[WatchedChild] = []
        self._further_health_urls: list[str] = []

    @property
    def health_url(self) -> str:
        """Where people and programs ask for health."""
        return self._health_url(self._options.port)

    def _health_url(self, port: int) -> str:
        host = ports.HOST if self.health_host in ("0.0.0.0", "::", "") else self.health_host  # noqa: S104
        return f"http://{host}:{port}"

    async def start(self) -> None:
        """Bring everything up; returns when health answers and run.json is written."""
        for name in await asyncio.to_thread(self._folder.end_orphans):
            self._say(f"{name} of a run that was killed was still there and is ended")
        await self._together(
            self._prepare_database(), self._prepare_bus(), *(self._start(child) for child in self._simulators)
        )
        self._reconciling = asyncio.create_task(
            keep_reconciled(self.nats.url(), self._say, replicas=self.nats.replicas)
        )
        self._services = self.supervisor.stage(
            [service for name in SERVICES for service in self._replicas(name)],
            stop_seconds=SERVICE_STOP_SECONDS,
        )
        await self._together(*(self._start(service) for service in self._services))
        self._up = True
        self._changed()

    async def stop(self) -> None:
        """Stop services, simulators, NATS and PostgreSQL, in this order."""
        await cancel_tasks([self._reconciling])
        await self.supervisor.stop()

    def run_document(self) -> dict[str, Any]:
        """Return what run.json says."""
        return {
            "pid": os.getpid(),
            "pids": self.supervisor.pids,
            "database_url": self.postgres.url(),
            "nats_url": self.nats.url(),
            "nats_monitor_urls": self.nats.monitor_urls,
            "health_url": self.health_url,
            "health_urls": [self.health_url, *self._further_health_urls],
            "upbit_url": self.upbit_url,
            "gemini_url": self.gemini_url,
            "data_dir": str(self._folder.path),
            "started_at": f"{self._started_at:%Y-%m-%dT%H:%M:%SZ}",
            "market": self.market.as_json(),
        }

    async def _prepare_database(self) -> None:
        await self._start(*self._database)
        applied = await migrations.apply(self.postgres.url())
        await seed(self.postgres.url(), self.market)
        if applied:
            self._say(f"database: applied {', '.join(applied)}")

    async def _prepare_bus(self) -> None:
        await self._together(*(self._start(server) for server in self._bus))
        await reconcile_when_ready(self.nats.url(), replicas=self.nats.replicas)

    async def _start(self, watched: WatchedChild) -> None:
        server = watched.child in (self.postgres, *self.nats.servers)
        began = time.monotonic()
        self._say(f"starting {watched.child.name} …")
        await self.supervisor.start(watched, within_seconds=SERVER_SECONDS if server else PROGRAM_SECONDS)
        self._say(f"{watched.child.name} is up ({time.monotonic() - began:.1f} s)")

    async def _together(self, *steps: Coroutine[Any, Any, None]) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for step in steps:
                    group.create_task(step)
        except BaseExceptionGroup as errors:
            # The first one that failed; the others were only cancelled for it.
            raise errors.exceptions[0] from errors

    def _changed(self) -> None:
        self._folder.write_children(self.supervisor.pids)
        if self._up:
            self._folder.write_run(self.run_document())

    def _upbit(self) -> Program:
        port = ports.free_port()
        self.upbit_url = f"http://{ports.HOST}:{port}"
        market = ["--seed", self.market.key]
        if self._options.replay:
            speed = self._options.speed or DEFAULT_SPEED
            market = ["--replay", str(self._options.replay.resolve()), "--speed", f"{speed:g}"]
            market += ["--anchor", str(self._folder.path / "clock.json")]
        return self._simulator("upbit", self.upbit_url, ["--port", str(port), *market])

    def _gemini(self) -> Program:
        port = ports.free_port()
        self.gemini_url = f"http://{ports.HOST}:{port}"
        return self._simulator("gemini", self.gemini_url, ["--port", str(port)])

    def _simulator(self, name: str, url: str, arguments: list[str]) -> Program:
        return Program(
            name,
            f"{name}_simulator",
            arguments,
            environment=base(self._environment),
            directory=self._folder.path,
            log=self._folder.logs / f"{name}.log",
            ready_url=f"{url}/_control/stats",
        )

    def _replicas(self, service: str) -> list[Program]:
        """Return each instance of a service, `collector`, `collector-2`, …; health's on further ports."""
        number = self._options.replicas.get(service, 1)
        names = [service, *(f"{service}-{index}" for index in range(2, number + 1))]
        programs = []
        for name in names:
            port = self._options.port if name == service else ports.free_port()
            programs.append(self._service(service, name, port))
            if service == "health" and name != service:
                self._further_health_urls.append(self._health_url(port))
        return programs

    def _data_folders(self) -> tuple[str, ...]:
        # Root's cluster may lie on a disk of its own.
        cluster = existing_cluster(self._folder.path / "postgres")
        return tuple(str(folder) for folder in (self._folder.path, cluster) if folder)

    def _service(self, service: str, name: str, health_port: int) -> Program:
        # Only now: a server that lost its port while starting has another one.
        addresses = Addresses(
            databases={service: self.postgres.url(f"bongsu_{service}")},
            buses={service: self.nats.url(service)},
            upbit=self.upbit_url,
            gemini=None if self.market.kind == "live" else self.gemini_url,
            health_host=self.health_host,
            health_port=health_port,
            data_folders=self._data_folders(),
        )
        return Program(
            name,
            service,
            environment=for_service(
                service,
                self._environment,
                addresses,
                self.market,
                replicas=self._options.replicas.get(service, 1),
            ),
            directory=self._folder.path,
            log=Path(self._folder.logs / f"{name}.log"),
            ready_url=f"{self._health_url(health_port)}/health" if service == "health" else None,
        )
