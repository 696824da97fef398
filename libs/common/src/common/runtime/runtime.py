"""The runtime of a service process: the parts that every service has, their start and their stop.

Start: connect the bus and the database (waiting up to a minute for them), read the settings, then the
service. Stop, on SIGTERM or SIGINT: take no more work, end or nak what is in flight, say goodbye, close
everything, each step within a limit; exit code 0 in less than 5 s. A second signal ends at once.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
import socket
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from importlib.metadata import version

import structlog

from common.bus.broker import Bus
from common.bus.consumer_monitor import ConsumerMonitor
from common.cache import TTLCache
from common.clock import utc_now
from common.config.repository import ConfigRepository
from common.config.watch import ConfigWatch
from common.database.pool import SHARES, Database, open_when_ready
from common.database.schema import require_schema
from common.errors import PermanentError, ServiceError, TransientError
from common.events import ComponentReport, ComponentState, JobFinished
from common.jobs.reporter import JobReporter
from common.jobs.scheduler import Scheduler
from common.jobs.states import JobStates
from common.jobs.tracking import JobOwner
from common.runtime.heartbeat import Heartbeat
from common.runtime.service import EarlyService, Service
from common.runtime.watchdog import Watchdog
from common.settings import ServiceSettings
from common.telemetry.export import Telemetry
from common.telemetry.instruments import observe_cache, observe_pool
from common.telemetry.logs import configure_logging
from common.telemetry.names import LogEvent

START_SECONDS = 60.0
RETRY_SECONDS = 1.0
# Between two checks for what an operator has to put right, by a service that does not end for it.
WAITS_SECONDS = 5.0
# More than the two seconds that work in flight has: what does not end is then cancelled.
STEP_SECONDS = 2.5
STOP_SECONDS = 3.5


class Runtime:
    """The parts every service has; a service's `app.py` hangs its own onto them before `run`."""

    def __init__(self, name: str, settings: ServiceSettings, environment: Mapping[str, str]) -> None:
        self.service = name
        self.instance = f"{socket.gethostname().split('.')[0]}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self.version = version(f"bongsu-{name}")
        configure_logging(
            service=name, instance=self.instance, level=settings.log_level, log_format=settings.log_format
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
        self.job_states = JobStates()
        self._job_reporter = JobReporter(self.bus)
        self.job_owner = JobOwner(name, self.instance, self._record_finish)
        self.config = ConfigRepository(self.database, TTLCache(), self.bus.publish)
        self.config_watch = ConfigWatch(self.bus, self.config)
        self.consumer_monitor = ConsumerMonitor(self.bus)
        self.scheduler = Scheduler(owner=self.job_owner, bus=self.bus, states=self.job_states)
        observe_pool(f"bongsu.{name}", self.database.usage)
        observe_cache(self.config.usage)
        # Set by the service that follows the exchange.
        self.exchange_stands_since: Callable[[], datetime | None] = lambda: None
        self._beat_file = settings.beat_file
        self._started_at = utc_now()
        self._started = time.monotonic()

    async def run(self, service: Service) -> int:
        """Run until a signal; returns the exit code: 0, or 1 when a server did not come up in time."""
        stopping = _install_signal_handlers()
        watchdog = Watchdog()
        watchdog.start()
        self.log.info(LogEvent.SERVICE_STARTING, version=self.version)
        heartbeat = Heartbeat(
            self.bus, report=lambda: self.report(service.components()), beat_file=self._beat_file
        )
        code = 0
        try:
            start = asyncio.create_task(self._start(service, heartbeat))
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
            await self._stop(service, heartbeat)
            watchdog.stop()
            self.log.info(LogEvent.SERVICE_STOPPED)
            self.telemetry.shutdown()
        return code

    def report(self, components: tuple[ComponentState, ...] = ()) -> ComponentReport:
        """Return how this instance is now, with `components` as its service sees them; waits for nothing."""
        return ComponentReport(
            service=self.service,
            instance=self.instance,
            version=self.version,
            started_at=self._started_at,
            uptime_s=round(time.monotonic() - self._started, 1),
            sent_at=utc_now(),
            pool=self.database.usage(),
            cache=self.config.usage(),
            jobs=self.scheduler.states(),
            components=components,
            consumers=self.consumer_monitor.states(),
            exchange_stands_since=self.exchange_stands_since(),
            bus_refusal=self.bus.violations.newest,
            bus_problem=self.bus.publish_failures.problem,
        )

    async def _start(self, service: Service, heartbeat: Heartbeat) -> None:
        within_seconds = START_SECONDS
        if isinstance(service, EarlyService):
            await service.prepare()
            within_seconds = math.inf
        await asyncio.gather(
            open_when_ready(self.database, within_seconds=within_seconds),
            _within(within_seconds, self.bus.connect, "NATS cannot be reached"),
        )
        waits = within_seconds == math.inf
        await self._retry_until_ready("database", self._check_schema, waits_for_operator=waits)
        # Twice: without its inbox it would wait a minute for consumers that are there.
        await self._require_own_messages(within_seconds)
        # A database that is there may still be too slow.
        read_settings = partial(self._retry_until_ready, "settings", self.config.refresh)
        await _within(within_seconds, read_settings, "the settings cannot be read")
        await _within(START_SECONDS, self.consumer_monitor.wait_until_declared, "a consumer is not declared")
        await self.bus.start()
        await self._require_own_messages(within_seconds)
        self._job_reporter.start()
        self.config_watch.start()
        self.consumer_monitor.start()
        await service.start()
        self.scheduler.start()
        heartbeat.start()

    async def _check_schema(self) -> None:
        async with self.database.connection() as connection:
            await require_schema(connection)

    async def _require_own_messages(self, within_seconds: float) -> None:
        """Return once a message to itself came back; only what NATS refuses ends the process."""
        self_test = partial(self._retry_until_ready, "bus", self.bus.self_test)
        await _within(within_seconds, self_test, "an own message does not come back from NATS")

    async def _retry_until_ready(
        self, dependency: str, step: Callable[[], Awaitable[object]], *, waits_for_operator: bool = False
    ) -> None:
        """Return once `step` succeeds; a PermanentError ends the wait, unless it `waits_for_operator`."""
        while True:
            try:
                await step()
            except (TransientError, PermanentError) as error:
                is_permanent = isinstance(error, PermanentError)
                if is_permanent and not waits_for_operator:
                    raise
                self.log.warning(LogEvent.DEPENDENCY_WAITING, dependency=dependency, error=str(error))
                await asyncio.sleep(WAITS_SECONDS if is_permanent else RETRY_SECONDS)
            else:
                return

    async def _stop(self, service: Service, heartbeat: Heartbeat) -> None:
        """Each step has a limit, all together too, and one that fails does not keep the next from running."""
        deadline = time.monotonic() + STOP_SECONDS
        for step in (
            service.stop,
            self._end_work,
            self._job_reporter.stop,
            self.config_watch.stop,
            self.consumer_monitor.stop,
            heartbeat.stop,
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

    def _record_finish(self, record: JobFinished) -> None:
        self.job_states.record_finish(record)
        self._job_reporter.add(record)


async def _within(seconds: float, step: Callable[[], Awaitable[None]], problem: str) -> None:
    try:
        await asyncio.wait_for(step(), seconds)
    except TimeoutError as error:
        raise TransientError(f"{problem} after {seconds:.0f} s") from error


def _install_signal_handlers() -> asyncio.Event:
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
