"""`bongsu reconcile`: the reconciler as a process of its own, until it is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from typing import Annotated

import structlog
import typer
from pydantic import BaseModel, ConfigDict, Field

from bongsu.provisioning.reconciler import INTERVAL_SECONDS, reconcile_once
from common.errors import TransientError
from common.settings import BeatFile, LogFormat, LogLevel, NatsUrl, load_settings
from common.tasks import cancel_tasks
from common.telemetry.logs import configure_logging, flush_logs
from common.telemetry.names import LogEvent

SERVICE = "reconciler"
# A server that is away is tried again sooner.
RETRY_SECONDS = 1.0
STOP_SECONDS = 3.0


class ReconcileSettings(BaseModel):
    """NATS_URL, also as NATS_URL_FILE, names the user who may declare streams."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    nats_url: NatsUrl = Field(alias="NATS_URL")
    log_level: LogLevel = Field(default="INFO", alias="LOG_LEVEL")
    log_format: LogFormat = Field(default="json", alias="LOG_FORMAT")
    beat_file: BeatFile | None = Field(default=None, alias="BEAT_FILE")


def reconcile(
    replicas: Annotated[
        int, typer.Option(metavar="N", min=1, max=5, help="How many NATS servers hold each stream.")
    ] = 1,
) -> None:
    """Declare streams and consumers, and keep them so.

    Looks every 5 s until SIGTERM. NATS_URL names the server and the user who may declare; BEAT_FILE a file
    that is touched after each look, for health checks. Exit code 77 when that user may not.

    As in: bongsu reconcile --replicas 3
    """
    settings = load_settings(ReconcileSettings, os.environ)
    configure_logging(
        service=SERVICE,
        instance=f"{socket.gethostname()}-{os.getpid()}",
        level=settings.log_level,
        log_format=settings.log_format,
    )
    try:
        asyncio.run(_until_stopped(settings, replicas))
    finally:
        flush_logs()


async def _until_stopped(settings: ReconcileSettings, replicas: int) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    log = structlog.get_logger(SERVICE)
    log.info(LogEvent.SERVICE_STARTING)
    work = asyncio.create_task(_keep(settings, replicas))
    stop = asyncio.create_task(stopping.wait())
    await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        stop.cancel()
        work.result()
    log.info(LogEvent.SERVICE_STOPPING)
    await asyncio.wait_for(cancel_tasks([work]), STOP_SECONDS)
    log.info(LogEvent.SERVICE_STOPPED)


async def _keep(settings: ReconcileSettings, replicas: int) -> None:
    """Reconcile and log the changes, again and again, whatever the server does."""
    log = structlog.get_logger(SERVICE)
    is_ready = False
    while True:
        pause = INTERVAL_SECONDS
        try:
            changes = await reconcile_once(settings.nats_url.get_secret_value(), replicas=replicas)
        except TransientError as error:
            log.warning(LogEvent.DEPENDENCY_WAITING, dependency="bus", error=str(error))
            pause = RETRY_SECONDS
        else:
            for change in changes:
                log.warning(LogEvent.STREAM_CORRECTED, change=change)
            if not is_ready:
                log.info(LogEvent.SERVICE_READY)
            is_ready = True
        # From the first success on, also while the server is away: to restart this process would not help.
        if is_ready and settings.beat_file:
            settings.beat_file.touch()
        await asyncio.sleep(pause)
