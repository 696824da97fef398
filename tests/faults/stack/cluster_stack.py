"""Cluster of three nats-servers that may die or freeze, with a collector and a signaler on it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bongsu.provisioning import migrations
from bongsu.provisioning.reconciler import keep_reconciled, reconcile_when_ready
from bongsu.servers.nats.cluster import NatsServers
from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from bongsu.servers.secrets import Secrets
from common.bus.broker import Bus
from common.streams import CONSUMERS, STREAMS
from common.tasks import cancel_tasks
from harness.servers import scratch_folder
from harness.stack import gemini_at, in_thread, upbit_at
from integration.signaler.running import configure
from servers.nats_cluster import SERVERS, is_whole, meta_leader, stream_leader
from servers.services import ServiceProcess, service, until_ready
from servers.simulators import simulator

RESTART_SECONDS = 0.4
SETTINGS = {"gemini_daily_request_budget": 100_000, "gemini_daily_cost_budget_usd": "10000"}
# What leads the servers themselves, and places streams and consumers.
META = "meta"


@dataclass(frozen=True)
class Cluster:
    """What runs; `bus` is the administrator's."""

    folder: Path
    postgres: PostgresServer
    nats: NatsServers
    bus: Bus
    services: dict[str, ServiceProcess]

    async def leader(self, group: str, *, without: str | None = None) -> str | None:
        """Return who leads a stream or META, None while no server answers.

        Args:
            without: A server that is not to be asked.
        """
        if group == META:
            return await meta_leader([one.monitor_url for one in self.nats.servers if one.name != without])
        return await stream_leader(self.bus.jetstream, group)

    async def is_whole(self) -> bool:
        """Tell whether every server has everything, and they have a leader."""
        streams = [str(stream.name) for stream in STREAMS]
        return await self.leader(META) is not None and await is_whole(self.bus.jetstream, streams)

    async def is_handled(self) -> bool:
        """Tell whether both consumers are done with every message."""
        found = [await self.bus.jetstream.consumer_info(one.stream, one.name) for one in CONSUMERS]
        return not any(info.num_pending or info.num_ack_pending for info in found)

    def ended(self) -> list[str]:
        """Return the services that have ended, which no fault explains."""
        processes = {name: one.process.poll() for name, one in self.services.items()}
        return [f"{name}: {code}" for name, code in processes.items() if code is not None]

    async def kill(self, name: str) -> None:
        """End a server as a crash would, and start it again."""
        server = self._server(name)
        server.kill()
        await asyncio.sleep(RESTART_SECONDS)
        server.launch()

    async def freeze(self, name: str, until: Callable[[], Awaitable[bool]], seconds: float) -> None:
        """Stop a server until something is true, or for so long."""
        pid = self._server(name).pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(seconds):
                while not await until():
                    await asyncio.sleep(RESTART_SECONDS)
        except TimeoutError:
            pass  # it goes on all the same
        finally:
            os.kill(pid, signal.SIGCONT)

    def _server(self, name: str) -> NatsServer:
        return next(server for server in self.nats.servers if server.name == name)


@asynccontextmanager
async def cluster() -> AsyncIterator[Cluster]:
    """Start everything and return once the services are ready and the servers one whole."""
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(scratch_folder())
        postgres = PostgresServer(folder / "postgres")
        stack.callback(postgres.stop)
        postgres.start()
        await migrations.apply(postgres.url())
        await configure(postgres.url(), **SETTINGS)
        nats = await _servers(stack, folder)
        bus = Bus(nats.url(), service="test", instance="cluster")
        await bus.connect()
        stack.push_async_callback(bus.close)
        made = Cluster(folder, postgres, nats, bus, {})
        await _start_services(stack, made)
        yield made


async def _servers(stack: AsyncExitStack, folder: Path) -> NatsServers:
    made = NatsServers(folder, len(SERVERS), secrets=Secrets(folder / "secrets.json"), logs=folder / "logs")
    for server in made.servers:
        stack.callback(server.stop)
        server.start()
    await reconcile_when_ready(made.url(), replicas=made.replicas)
    reconciling = keep_reconciled(made.url(), lambda _: None, replicas=made.replicas)
    stack.push_async_callback(cancel_tasks, [asyncio.create_task(reconciling)])
    return made


async def _start_services(stack: AsyncExitStack, made: Cluster) -> None:
    upbit = await stack.enter_async_context(in_thread(simulator("upbit_simulator")))
    gemini = await stack.enter_async_context(in_thread(simulator("gemini_simulator")))
    for name, own in {"collector": upbit_at(upbit), "signaler": gemini_at(gemini)}.items():
        urls = {"DATABASE_URL": made.postgres.url(f"bongsu_{name}"), "NATS_URL": made.nats.url(name)}
        running = service(name, made.folder / f"{name}.log", **urls, **own)
        made.services[name] = stack.enter_context(running)
        await until_ready(made.services[name])
