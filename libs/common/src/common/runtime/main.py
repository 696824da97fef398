"""The entry point of a service process: settings, composition, event loop, exit code."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

from common.runtime.runtime import Runtime
from common.runtime.service import Service
from common.settings import SettingsError, SettingsT, load_settings
from common.telemetry.excepthook import log_uncaught_errors
from common.telemetry.logs import configure_logging, flush_logs

EXIT_USAGE = 2


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
