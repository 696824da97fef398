"""Composition root of health: every part is built and wired here."""

from __future__ import annotations

import os
import socket
import sys
import time

from common.clock import ExchangeClock
from common.events import ComponentState, JobFinished, SignalGenerated, TickerUpdated
from common.runtime.runtime import Runtime
from common.streams import DEAD
from common.tasks import Background
from health.api.limiter import ReadLimiter
from health.api.live import LiveData
from health.api.repository import ApiRepository
from health.api.routes import build_api
from health.api.service import ApiService
from health.api.status import StatusMonitor
from health.http.application import build_application
from health.http.server import HttpServer, ListenError, listen
from health.instances.poll import InstancePoll
from health.instances.registry import Registry
from health.instances.subscriptions import Subscriptions
from health.metrics.counters import Counters
from health.metrics.probe import MeasurementsProbe
from health.metrics.repository import MeasurementsRepository
from health.metrics.routes import build_metrics
from health.notifications.debounce import Debounce
from health.notifications.leader import Leader
from health.notifications.notifier import Notifier
from health.page.feed import Feed
from health.page.parts import SIGNALS, page_parts
from health.page.routes import build_page
from health.probes.database import DatabaseProbe
from health.probes.disk import DiskProbe
from health.probes.repository import HealthRepository
from health.probes.streams import StreamProbe
from health.routes import build_health
from health.service import HealthService
from health.settings import HealthSettings


class Health:
    """The service: HTTP first, so that it answers also while everything else is away."""

    def __init__(self, runtime: Runtime, settings: HealthSettings, bound: socket.socket) -> None:
        exchange = ExchangeClock()
        registry = Registry(own=runtime.service)
        live = LiveData()
        subscriptions = Subscriptions(runtime.bus, registry)
        database = DatabaseProbe(HealthRepository(runtime.database), runtime.config)
        streams = StreamProbe(runtime.bus)
        disk = DiskProbe(settings.data_folders)
        service = HealthService(
            instances=InstancePoll(runtime, registry, subscriptions),
            database=database,
            streams=streams,
            disk=disk,
            version=runtime.version,
        )
        monitor = StatusMonitor(service)
        api = ApiService(
            repository=ApiRepository(runtime.database),
            config=runtime.config,
            exchange=exchange,
            live=live,
            reads=ReadLimiter(),
        )
        self._feed = Feed(page_parts(monitor, api))
        counters = Counters()
        subscriptions.subscribe(TickerUpdated, live.on_ticker_updated)
        subscriptions.subscribe(TickerUpdated, lambda ticker: exchange.observe(ticker.exchange_time))
        subscriptions.subscribe(JobFinished, live.jobs.add)
        subscriptions.subscribe(JobFinished, counters.on_job_finished)
        subscriptions.subscribe(SignalGenerated, lambda _: self._feed.refresh_now(SIGNALS))
        subscriptions.subscribe(SignalGenerated, counters.on_signal_generated)
        self._measurements = MeasurementsProbe(MeasurementsRepository(runtime.database), runtime.config)
        self._background: list[Background] = [subscriptions, database, streams, disk, monitor, self._feed]
        if settings.notify_url:
            # Only where it is set: an HTTP library comes along.
            from health.notifications.webhook import Webhook

            notifier = Notifier(
                bus=runtime.bus,
                leader=Leader(
                    runtime.bus,
                    instance=runtime.instance,
                    live_instances=lambda: {live.state.instance for live in registry.live(time.monotonic())},
                ),
                debounce=Debounce(settings.notify_settle_seconds),
                webhook=Webhook(settings.notify_url),
                detail=service.detail,
                newest_dead=lambda: streams.reading.last_sequence(DEAD),
                count=counters.record_notification,
            )
            self._background.append(notifier)
        http = build_application(
            build_health(service),
            build_api(monitor, api),
            build_page(self._feed),
            build_metrics(service, self._measurements, exchange, counters, version=runtime.version),
            version=runtime.version,
        )
        self._server = HttpServer(http, bound)

    async def prepare(self) -> None:
        """Serve, and begin to look for the bus and the database."""
        await self._server.start()
        for part in self._background:
            part.start()

    async def start(self) -> None:
        """Begin to read measurements; the rest runs since `prepare`."""
        self._measurements.start()

    async def stop(self) -> None:
        """Stop everything; first the viewers, or the server waits for them."""
        await self._feed.stop()
        await self._server.stop()
        for part in (*self._background, self._measurements):
            await part.stop()

    def components(self) -> tuple[ComponentState, ...]:
        """Return nothing: what health knows, it answers itself."""
        return ()


def build(settings: HealthSettings) -> tuple[Runtime, Health]:
    """Build the service for the running event loop; a port that is taken ends the process with one line."""
    try:
        bound = listen(settings.health_host, settings.health_port)
    except ListenError as error:
        sys.exit(f"health: {error}")
    runtime = Runtime("health", settings, os.environ)
    return runtime, Health(runtime, settings, bound)
