"""What is health made of? The composition root; nothing else happens here."""

from __future__ import annotations

import os
import socket
import sys
import time

from common.clock import ExchangeClock
from common.events import ComponentState, JobFinished, SignalGenerated
from common.runtime.runtime import Runtime
from common.streams import DEAD
from health.api.limiter import BoundedReads
from health.api.live import Heard
from health.api.overview import MarketsOverview
from health.api.repository import ApiRepository
from health.api.routes import build_api
from health.api.service import ApiAnswers
from health.api.status import StatusWatch
from health.http.server import HttpServer, ListenError, listen
from health.instances.own_state import OwnState
from health.instances.poll import RollCall
from health.instances.registry import Registry
from health.instances.subscriptions import Listening
from health.metrics.counters import Tally
from health.metrics.probe import FiguresProbe
from health.metrics.repository import FiguresRepository
from health.metrics.routes import build_metrics
from health.notifications.debounce import Debounce
from health.notifications.leader import Leader
from health.notifications.notifier import Notifier
from health.page.feed import Feed
from health.page.parts import SIGNALS, page_parts
from health.page.routes import build_page
from health.probes.database import DatabaseProbe
from health.probes.repository import HealthRepository
from health.probes.streams import StreamProbe
from health.routes import build_http
from health.service import HealthAnswers
from health.settings import HealthSettings


class Health:
    """The service: HTTP first, so that it tells the truth also while everything else is away."""

    def __init__(self, runtime: Runtime, settings: HealthSettings, bound: socket.socket) -> None:
        exchange = ExchangeClock()
        registry = Registry(own=runtime.service)
        repository = HealthRepository(runtime.database)
        heard = Heard()
        self._listening = Listening(runtime.bus, registry, exchange, heard)
        self._probe = DatabaseProbe(repository, runtime.config)
        self._streams = StreamProbe(runtime.bus)
        answers = HealthAnswers(
            bus=runtime.bus,
            registry=registry,
            listening=self._listening,
            roll_call=RollCall(runtime.bus, registry, self._listening, OwnState(runtime)),
            probe=self._probe,
            streams=self._streams,
            version=runtime.version,
        )
        overview = MarketsOverview(repository, runtime.config, exchange)
        self._watch = StatusWatch(answers)
        api = ApiAnswers(
            repository=ApiRepository(runtime.database),
            config=runtime.config,
            exchange=exchange,
            heard=heard,
            reads=BoundedReads(),
        )
        self._feed = Feed(page_parts(self._watch, api))
        heard.on_signal = lambda: self._feed.hurry(SIGNALS)
        tally = Tally()
        self._listening.also_hear(
            JobFinished.subject.format(service="*", job_name="*"), tally.on_job_finished
        )
        self._listening.also_hear(SignalGenerated.subject.format(market="*"), tally.on_signal_generated)
        self._figures = FiguresProbe(FiguresRepository(runtime.database), runtime.config)
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
                    live_instances=lambda: {
                        heard.state.instance for heard in registry.live(time.monotonic())
                    },
                ),
                debounce=Debounce(settings.notify_settle_seconds),
                webhook=Webhook(settings.notify_url),
                detail=answers.detail,
                newest_dead=lambda: self._streams.reading.last_sequence(DEAD),
                count=tally.note_notification,
            )
        http = build_http(
            answers,
            overview,
            build_api(self._watch, api),
            build_page(self._feed),
            build_metrics(answers, self._figures, exchange, (tally.families,), version=runtime.version),
            version=runtime.version,
        )
        self._server = HttpServer(http, bound)

    async def prepare(self) -> None:
        """Serve, and begin to look for the bus and the database."""
        await self._server.start()
        self._listening.start()
        self._probe.start()
        self._streams.start()
        self._watch.start()
        self._feed.start()
        if self._notifier:
            self._notifier.start()

    async def start(self) -> None:
        """Begin to read figures; the rest runs since `prepare`."""
        self._figures.start()

    async def stop(self) -> None:
        """Stop serving, asking and hearing."""
        await self._feed.stop()
        await self._server.stop()
        await self._watch.stop()
        if self._notifier:
            await self._notifier.stop()
        await self._probe.stop()
        await self._streams.stop()
        await self._figures.stop()
        await self._listening.stop()

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
