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
        self._subscriptions = Subscriptions(runtime.bus, registry)
        self._database = DatabaseProbe(HealthRepository(runtime.database), runtime.config)
        self._streams = StreamProbe(runtime.bus)
        self._disk = DiskProbe(settings.data_folders)
        service = HealthService(
            instances=InstancePoll(runtime, registry, self._subscriptions),
            database=self._database,
            streams=self._streams,
            disk=self._disk,
            version=runtime.version,
        )
        self._monitor = StatusMonitor(service)
        api = ApiService(
            repository=ApiRepository(runtime.database),
            config=runtime.config,
            exchange=exchange,
            live=live,
            reads=ReadLimiter(),
        )
        self._feed = Feed(page_parts(self._monitor, api))
        counters = Counters()
        subscribe = self._subscriptions.subscribe
        subscribe(TickerUpdated, live.on_ticker_updated)
        subscribe(TickerUpdated, lambda ticker: exchange.observe(ticker.exchange_time))
        subscribe(JobFinished, live.on_job_finished)
        subscribe(JobFinished, counters.on_job_finished)
        subscribe(SignalGenerated, lambda _: self._feed.refresh_now(SIGNALS))
        subscribe(SignalGenerated, counters.on_signal_generated)
        self._measurements = MeasurementsProbe(MeasurementsRepository(runtime.database), runtime.config)
        self._notifier: Notifier | None = None
        if settings.notify_url:
            from health.notifications.webhook import (
                Webhook,  # only where it is set: an HTTP library comes along
            )

            self._notifier = Notifier(
                bus=runtime.bus,
                leader=Leader(
                    runtime.bus,
                    instance=runtime.instance,
                    live_instances=lambda: {live.state.instance for live in registry.live(time.monotonic())},
                ),
                debounce=Debounce(settings.notify_settle_seconds),
                webhook=Webhook(settings.notify_url),
                detail=service.detail,
                newest_dead=lambda: self._streams.reading.last_sequence(DEAD),
                count=counters.record_notification,
            )
        http = build_application(
            build_health(service),
            build_api(self._monitor, api),
            build_page(self._feed),
            build_metrics(service, self._measurements, exchange, counters, version=runtime.version),
            version=runtime.version,
        )
        self._server = HttpServer(http, bound)

    async def prepare(self) -> None:
        """Serve, and begin to look for the bus and the database."""
        await self._server.start()
        self._subscriptions.start()
        self._database.start()
        self._streams.start()
        self._disk.start()
        self._monitor.start()
        self._feed.start()
        if self._notifier:
            self._notifier.start()

    async def start(self) -> None:
        """Begin to read measurements; the rest runs since `prepare`."""
        self._measurements.start()

    async def stop(self) -> None:
        """Stop serving, probing and listening."""
        await self._feed.stop()
        await self._server.stop()
        await self._monitor.stop()
        if self._notifier:
            await self._notifier.stop()
        await self._database.stop()
        await self._streams.stop()
        await self._disk.stop()
        await self._measurements.stop()
        await self._subscriptions.stop()

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
