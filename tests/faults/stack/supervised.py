"""Supervised stack: every process is restarted when it dies, and each service has proxies of its own.

Kills, freezes and cut connections are injected from outside; an end that none of them explains is recorded.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from bongsu.provisioning.reconciler import keep_reconciled
from bongsu.servers import ports
from bongsu.servers.process import ChildProcess
from bongsu.servers.server_process import SupervisedProcess
from bongsu.up.data_source import Market
from bongsu.up.environment import Addresses, base, for_service
from common.tasks import cancel_tasks
from faults.inputs.plan import SERVERS, SERVICES
from harness.servers import Servers, frozen, servers
from integration.signaler.running import configure
from servers.otlp import SpanReceiver, span_receiver
from servers.proxy import Proxy
from servers.simulators import Controls
from upbit_simulator.recorded.clock_anchor import replay_clock
from upbit_simulator.recorded.recording import load_recording

# As fast as a service manager would.
RESTART_SECONDS = 0.4
SUPERVISE_SECONDS = 0.05
HISTORY_MINUTES = 100
GEMINI_CANARY = "AQ.canary-of-the-fault-run-0123456789abcdef"
STOP_SECONDS = 6.0
# The load generator, beside the services.
LOAD = "load"

Command = Sequence[str]


class StackProcess(ChildProcess):
    """A process of the stack that is no server of it, with what each of its starts runs."""

    def __init__(self, argv: Command, *, log: Path, environment: Mapping[str, str], directory: Path) -> None:
        super().__init__(log)
        self._argv = argv
        self._environment = environment
        self._directory = directory

    def launch(self) -> None:
        """Start it; in the loop's own thread, since the kernel ends a child with the thread that made it."""
        self.spawn(self._argv, environment=self._environment, directory=self._directory)


Process = StackProcess | SupervisedProcess


class SupervisedStack:
    """What runs, by name: services (`collector`, `collector-2` …), `postgres`, `nats`, `upbit`, `gemini`.

    Attributes:
        proxies: Each service's way to each server, as in `collector>nats`.
        deaths: How often each process was found dead and started again.
        unexpected: Ends that no fault explains, as `name: exit code`.
    """

    def __init__(
        self, running: Servers, spans: SpanReceiver, recording: Path, speed: float, history_minutes: int
    ) -> None:
        self.running = running
        self.spans = spans
        self.proxies: dict[str, Proxy] = {}
        self.processes: dict[str, Process] = {"postgres": running.postgres, "nats": running.nats}
        self.deaths: Counter[str] = Counter()
        self.unexpected: list[str] = []
        self._killed: set[int] = set()
        self._health_port = ports.free_port()
        self.health_url = f"http://{ports.HOST}:{self._health_port}"
        self.gemini = self._add_simulator("gemini")
        anchor = running.folder / "clock.json"
        # The clock has run for a while already: a signal looks back on 50 candles.
        begun = time.time() - history_minutes * 60 / speed
        replay_clock(load_recording(recording), speed=speed, path=anchor, wall=lambda: begun)
        options = ("--replay", str(recording), "--speed", f"{speed:g}", "--anchor", str(anchor))
        self.upbit = self._add_simulator("upbit", *options)

    @property
    def logs(self) -> list[Path]:
        """Every log file, those set aside too."""
        return sorted(self.running.folder.glob("**/*.log*"))

    def add_service(self, service: str, number: int, command: Command | None) -> None:
        """Have so many of a service; `command` is run instead of `python -m <service>`."""
        for index in range(1, number + 1):
            name = service if index == 1 else f"{service}-{index}"
            port = self._health_port if index == 1 else ports.free_port()
            self.processes[name] = StackProcess(
                command or [sys.executable, "-P", "-m", service],
                log=self.running.folder / f"{name}.log",
                environment=_environment(self, service, port, number),
                directory=self.running.folder,
            )

    async def add_proxy(self, service: str, server: str) -> Proxy:
        """Start the proxy between a service and a server."""
        ports_of = {"postgres": self.running.postgres.port, "nats": self.running.nats.port}
        added = self.proxies[f"{service}>{server}"] = Proxy(ports_of[server])
        await added.listen()
        return added

    def kill(self, name: str) -> None:
        """End a process as a crash would; of PostgreSQL only the postmaster."""
        self._end(self.processes[name], signal.SIGKILL)

    def crash_postgres(self) -> None:
        """Have PostgreSQL stop at once, so that its next start has to recover."""
        self._end(self.running.postgres, signal.SIGQUIT)

    def _end(self, process: Process, number: signal.Signals) -> None:
        if pid := process.pid:
            self._killed.add(pid)
            os.kill(pid, number)

    async def freeze(self, name: str, seconds: float) -> None:
        """Stop a process and its children for a while; one that is just dead is left alone."""
        if pid := self.processes[name].pid:
            with contextlib.suppress(psutil.NoSuchProcess), frozen(pid):
                await asyncio.sleep(seconds)

    async def supervise(self, name: str) -> None:
        """Start a process, and again whenever it is dead."""
        process = self.processes[name]
        if not process.running:
            process.launch()
        while True:
            pid = process.pid
            while process.running:
                await asyncio.sleep(SUPERVISE_SECONDS)
            if pid not in self._killed:
                self.unexpected.append(f"{name}: {process.exit_code}")
            await asyncio.sleep(RESTART_SECONDS)
            self.deaths[name] += 1
            process.launch()

    async def stop(self) -> None:
        """End what this stack has started; the servers belong to another."""
        own = [process for process in self.processes.values() if isinstance(process, StackProcess)]
        await asyncio.gather(
            *(asyncio.to_thread(process.signal_and_wait, signal.SIGTERM, STOP_SECONDS) for process in own)
        )
        for process in own:
            process.kill()

    def _add_simulator(self, name: str, *options: str) -> Controls:
        port = ports.free_port()
        self.processes[name] = StackProcess(
            [sys.executable, "-P", "-m", f"{name}_simulator", "--port", str(port), *options],
            log=self.running.folder / f"{name}.log",
            environment=base(os.environ),
            directory=self.running.folder,
        )
        return Controls(f"http://{ports.HOST}:{port}")


@asynccontextmanager
async def supervised_stack(
    recording: Path,
    *,
    speed: float,
    settings: Mapping[str, Any],
    replicas: Mapping[str, int] | None = None,
    commands: Mapping[str, Command] | None = None,
    history_minutes: int = HISTORY_MINUTES,
) -> AsyncIterator[SupervisedStack]:
    """Start everything over a replayed recording; all of it is gone afterwards.

    Args:
        settings: Rows of `system_config`.
        replicas: How many of a service, 1 where it is not named.
        commands: What to run instead of `python -m <service>`, by service.
        history_minutes: How much of the recording is over for the exchange at the start.
    """
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(servers())
        spans = await stack.enter_async_context(span_receiver())
        await configure(running.postgres.url(), **settings)
        made = SupervisedStack(running, spans, recording, speed, history_minutes)
        for service, server in itertools.product((*SERVICES, LOAD), SERVERS):
            stack.push_async_callback((await made.add_proxy(service, server)).close)
        for service in SERVICES:
            made.add_service(service, (replicas or {}).get(service, 1), (commands or {}).get(service))
        stack.push_async_callback(made.stop)
        tasks = [asyncio.create_task(made.supervise(name)) for name in made.processes]
        tasks.append(asyncio.create_task(keep_reconciled(running.nats.url(), lambda _: None)))
        stack.push_async_callback(cancel_tasks, tasks)
        yield made


def _environment(made: SupervisedStack, service: str, health_port: int, replicas: int) -> dict[str, str]:
    database = made.running.postgres.url(f"bongsu_{service}")
    addresses = Addresses(
        databases={service: made.proxies[f"{service}>postgres"].url(database)},
        buses={service: made.proxies[f"{service}>nats"].url(made.running.nats.url(service))},
        upbit=made.upbit.url,
        gemini=made.gemini.url,
        health_host=ports.HOST,
        health_port=health_port,
    )
    market = Market("replay", "", "a made-up recording")
    own = for_service(service, os.environ, addresses, market, replicas=replicas)
    if service == "signaler":
        own["GEMINI_API_KEY"] = GEMINI_CANARY
    return own | {"OTEL_EXPORTER_OTLP_ENDPOINT": made.spans.url, "PYTHONPATH": os.pathsep.join(sys.path)}
