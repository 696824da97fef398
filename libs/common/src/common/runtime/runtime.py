"""What is every service process made of, and how does it start and stop?

Start: connect the bus and the database (waiting up to a minute for them), read the settings, then the
service. Stop, on SIGTERM or SIGINT: take no more work, end or hand back what is in flight, say goodbye, close
everything, each step within a limit; exit code 0 in less than 5 s. A second signal ends at once.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
import socket
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Protocol, runtime_checkable

import structlog

from common.bus.broker import Bus
from common.bus.consumer_monitor import ConsumerMonitor
from common.cache import TTLCache
from common.config.repository import ConfigRepository
from common.config.watch import ConfigWatch
from common.database.pool import SHARES, Database, open_when_ready
from common.database.schema import require_schema
from common.errors import PermanentError, ServiceError, TransientError
from common.events import ComponentState, JobFinished
from common.jobs.reporter import JobReporter
from common.jobs.scheduler import Scheduler
from common.jobs.states import JobStates
from common.jobs.tracking import JobOwner
from common.runtime.heartbeat import Heartbeat
from common.runtime.watchdog import Watchdog
from common.settings import ServiceSettings, SettingsError, SettingsT, load_settings
from common.telemetry.excepthook import log_uncaught_errors
from common.telemetry.export import Telemetry
from common.telemetry.instruments import observe_cache, observe_pool
from common.telemetry.logs import configure_logging, flush_logs
from common.telemetry.names import LogEvent

START_SECONDS = 60.0
RETRY_SECONDS = 1.0
# Between two looks for what somebody has to put right, by a service that does not end for it.
WAITS_SECONDS = 5.0
# More than the two seconds that work in flight has: what does not end is then cancelled and handed back.
STEP_SECONDS = 2.5
STOP_SECONDS = 3.5
EXIT_USAGE = 2


class Service(Protocol):
    """What a service adds to the runtime; its `app.py` builds it."""

    async def start(self) -> None:
        """Begin to work; the bus and the database are open."""

    async def stop(self) -> None:
        """Take no more work; ends within two seconds."""

    def components(self) -> tuple[ComponentState, ...]:
        """Return what this instance knows of the health answer's components; must not wait."""


@runtime_checkable
class EarlyService(Service, Protocol):
    """A service that works before the bus and the database are there; it waits for them without a limit."""

    async def prepare(self) -> None:
        """Begin what needs neither; called once, before anything is connected."""


class Runtime:
    """The parts every service has; a service's `app.py` hangs its own onto them before `run`."""

    def __init__(self, name: str, settings: ServiceSettings, environment: Mapping[str, str]) -> None:
        self.service = name
        self.instance = f"{socket.gethostname().split('.')[0]}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self.version = version(f"bongsu-{name}")
        configure_logging(
            service=name,
            instance=self.instance,
            level=settings.log_level,
            log_format=settings.log_format,
        )
        self.log = structlog.get_logger(name)
        self.telemetry = Telemetry(
            service=name, instance=self.instance, version=self.version, environment=environment
        )
        self.bus = Bus(settings.nats_url.get_secret_value(), service=name, instance=self.instance)
        self.database = Database(
            settings.database_url.get_secret_value(),
            service=name,
            share=SHARES[name].divided_by(settings.replicas),
        )
        self.ledger = JobStates()
        self._reports = JobReporter(self.bus)
        self.job_owner = JobOwner(name, self.instance, self._report)
        self.config = ConfigRepository(self.database, TTLCache(), self.bus.publish)
        self.config_watch = ConfigWatch(self.bus, self.config)
        self.consumer_watch = ConsumerMonitor(self.bus)
        self.scheduler = Scheduler(owner=self.job_owner, bus=self.bus, ledger=self.ledger)
        observe_pool(f"bongsu.{name}", self.database.usage)
        observe_cache(self.config.usage)
        # Set by the service that hears the exchange.
        self.exchange_stands_since: Callable[[], datetime | None] = lambda: None
        self._beat_file = settings.beat_file

    async def run(self, service: Service) -> int:
        """Run until a signal; returns the exit code: 0, or 1 when a server did not come up in time."""
        stopping = _stop_on_signals()
        watchdog = Watchdog()
        watchdog.start()
        self.log.info(LogEvent.SERVICE_STARTING, version=self.version)
        presence = self._presence(service)
        code = 0
        try:
            start = asyncio.create_task(self._start(service, presence))
            stop = asyncio.create_task(stopping.wait())
            await asyncio.wait({start, stop}, return_when=asyncio.FIRST_COMPLETED)
            if start.done():
                start.result()
                self.log.info(LogEvent.SERVICE_READY)
                await stop
            else:
                start.cancel()
        except ServiceError as error:
            self.log.error(LogEvent.SERVICE_STOPPED, error=str(error))
            code = 1
        finally:
            stop.cancel()
            self.log.info(LogEvent.SERVICE_STOPPING)
            await self._stop(service, presence)
            watchdog.stop()
            self.log.info(LogEvent.SERVICE_STOPPED)
            self.telemetry.shutdown()
        return code

    def _presence(self, service: Service) -> Heartbeat:
        return Heartbeat(
            self.bus,
            service=self.service,
            instance=self.instance,
            version=self.version,
            figures=lambda: self.figures(service.components()),
            beat_file=self._beat_file,
        )

    def figures(self, components: tuple[ComponentState, ...] = ()) -> dict[str, object]:
        """Return what an `InstanceState` says of this moment, identity and age apart."""
        return {
            "pool": self.database.usage(),
            "cache": self.config.usage(),
            "jobs": self.scheduler.states(),
            "components": components,
            "consumers": self.consumer_watch.states(),
            "exchange_stands_since": self.exchange_stands_since(),
            "bus_refusal": self.bus.refusals.newest,
            "bus_problem": self.bus.acknowledgements.problem,
        }

    async def _start(self, service: Service, presence: Heartbeat) -> None:
        within_seconds = START_SECONDS
        if isinstance(service, EarlyService):
            await service.prepare()
            within_seconds = math.inf
        await asyncio.gather(
            open_when_ready(self.database, within_seconds=within_seconds),
            _within(within_seconds, self.bus.connect, "NATS cannot be reached"),
        )
        await self._require_schema(waits=within_seconds == math.inf)
        # Twice: without its inbox it would wait a minute for consumers that are there.
        await _within(within_seconds, self._hear_itself, "an own message does not come back from NATS")
        await _within(within_seconds, self._read_settings, "the settings cannot be read")
        await _within(START_SECONDS, self.consumer_watch.wait_until_declared, "a consumer is not declared")
        await self.bus.start()
        await _within(within_seconds, self._hear_itself, "an own message does not come back from NATS")
        self._reports.start()
        self.config_watch.start()
        self.consumer_watch.start()
        await service.start()
        self.scheduler.start()
        presence.start()

    async def _require_schema(self, *, waits: bool) -> None:
        """Return once every table and column is there.

        Raises:
            PermanentError: One is missing, unless the service `waits` for whatever it needs.
        """
        while True:
            try:
                await self._until_there("database", self._look_at_schema)
            except PermanentError as error:
                if not waits:
                    raise
                self.log.warning(LogEvent.DEPENDENCY_WAITING, dependency="database", error=str(error))
                await asyncio.sleep(WAITS_SECONDS)
            else:
                return

    async def _look_at_schema(self) -> None:
        async with self.database.connection() as connection:
            await require_schema(connection)

    async def _hear_itself(self) -> None:
        """Return once a message to itself came back; only what NATS refuses ends the process."""
        await self._until_there("bus", self.bus.self_test)

    async def _read_settings(self) -> None:
        """Return once the settings' revision is known: a database that is there may still be too slow."""
        await self._until_there("settings", self.config.refresh)

    async def _until_there(self, dependency: str, step: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await step()
            except TransientError as error:
                self.log.warning(LogEvent.DEPENDENCY_WAITING, dependency=dependency, error=str(error))
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def _stop(self, service: Service, presence: Heartbeat) -> None:
        """Each step has a limit, all together too, and one that fails does not keep the next from running."""
        deadline = time.monotonic() + STOP_SECONDS
        for step in (
            service.stop,
            self._end_work,
            self._reports.stop,
            self.config_watch.stop,
            self.consumer_watch.stop,
            presence.stop,
            self.bus.close,
            self.database.close,
        ):
            left = max(0.1, deadline - time.monotonic())
            await self._bounded(step, min(STEP_SECONDS, left))

    async def _end_work(self) -> None:
        """Runs and messages in flight have the same two seconds."""
        await asyncio.gather(self.scheduler.stop(), self.bus.stop_receiving())

    async def _bounded(self, step: Callable[[], Awaitable[None]], limit_seconds: float) -> None:
        started = time.monotonic()
        ending = asyncio.ensure_future(step())
        try:
            # Not `wait_for`: it waits on for a step that swallows its cancellation, as nats-py's flush does.
            if not (await asyncio.wait({ending}, timeout=limit_seconds))[0]:
                ending.cancel()
                raise TimeoutError
            ending.result()
        except Exception as error:  # noqa: BLE001  the process ends: say what was not clean, go on closing
            self.log.warning(
                LogEvent.SERVICE_STOPPING,
                step=step.__qualname__,
                seconds=round(time.monotonic() - started, 2),
                error=f"{type(error).__name__}: {error}",
            )

    def _report(self, record: JobFinished) -> None:
        self.ledger.finished(record)
        self._reports.add(record)


def main(
    name: str, settings_type: type[SettingsT], build: Callable[[SettingsT], tuple[Runtime, Service]]
) -> None:
    """Run a service as this process: settings, composition, loop, exit code."""
    # Before the settings are known, so that no error at all is printed as it is.
    configure_logging(service=name, instance=f"{os.getpid()}", level="INFO", log_format="json")
    log_uncaught_errors()
    try:
        settings = load_settings(settings_type, os.environ)
    except SettingsError as error:
        sys.stderr.write("".join(f"{name}: {problem}\n" for problem in error.problems))
        sys.exit(EXIT_USAGE)

    async def run() -> int:
        runtime, service = build(settings)
        return await runtime.run(service)

    with asyncio.Runner() as runner:
        code = runner.run(run())
        flush_logs()
        # Everything is closed. The runner's own end would wait for a DNS lookup that hangs in a thread.
        os._exit(code)


async def _within(seconds: float, step: Callable[[], Awaitable[None]], problem: str) -> None:
    try:
        await asyncio.wait_for(step(), seconds)
    except TimeoutError as error:
        raise TransientError(f"{problem} after {seconds:.0f} s") from error


def _stop_on_signals() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stopping.is_set():
            os._exit(1)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return stopping
