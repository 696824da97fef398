"""The probe of Gemini shows an interruption, however short."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

from pydantic import SecretStr

from common.events import INTERRUPTION_SHOWN_SECONDS
from integration.signaler.conftest import KEY
from servers.proxy import proxy
from servers.simulators import Simulator
from servers.waiting import eventually
from signaler.domain.gemini.status import GeminiStatus
from signaler.gemini import Gemini
from signaler.probe import GeminiProbe


async def test_a_host_that_is_back_at_once_was_away_for_a_moment_even_if_its_port_went_last(
    gemini_faults: Simulator, status: GeminiStatus
) -> None:
    async with proxy(urlsplit(gemini_faults.url).port or 0) as line:
        gemini = Gemini(api_key=SecretStr(KEY), base_url=f"http://127.0.0.1:{line.port}")
        probe = GeminiProbe(gemini, status)
        probe.start()
        await eventually(lambda: status.list_ms is not None)
        assert status.component().status == "healthy"

        began = time.monotonic()
        await line.close(port_outlives_seconds=0.1)
        await eventually(lambda: status.component().status == "unhealthy")
        await line.listen()
        await eventually(lambda: status.component().status == "healthy")
        assert time.monotonic() - began > INTERRUPTION_SHOWN_SECONDS

        await probe.stop()
        await gemini.close()
