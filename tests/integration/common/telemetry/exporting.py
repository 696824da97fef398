"""A process that makes one span, one log line and one figure of each kind, and ends."""

from __future__ import annotations

import os

import structlog

from common.telemetry.export import Telemetry
from common.telemetry.instruments import job_runs, messages, retries, telemetry_dropped
from common.telemetry.logs import configure_logging
from common.telemetry.spans import span

if __name__ == "__main__":
    configure_logging(service="collector", instance="c-1", level="INFO", log_format="json")
    telemetry = Telemetry(service="collector", instance="c-1", version="9.9", environment=os.environ)
    with span("work"):
        structlog.get_logger("work").info("work.done", market="KRW-BTC")
    for counter in (job_runs, messages, retries, telemetry_dropped):
        counter().add(1, {"of": "work"})
    telemetry.shutdown()
