"""Does the signaler notice that Gemini was away, however short that was?"""

from __future__ import annotations

import asyncio
import time
from urllib.parse import urlsplit

from pydantic import SecretStr

from common.events import INTERRUPTION_SHOWN_SECONDS
from integration.signaler.conftest import KEY
from integration.signaler.running import GeminiSimulator
from servers.proxy import proxy
from servers.waiting import eventually
from signaler.domain.gemini_status import GeminiState
from signaler.gemini import Gemini
from signaler.jobs import probe_gemini


async def test_a_host_that_is_back_at_once_was_away_for_a_moment_even_if_its_port_went_last(
    gemini_faults: GeminiSimulator, state: GeminiState
) -> None:
    async with proxy(urlsplit(gemini_faults.url).port or 0) as line:
        gemini = Gemini(api_key=SecretStr(KEY), base_url=f"http://127.0.0.1:{line.port}")
        probing = asyncio.create_task(probe_gemini(gemini, state))
        await eventually(lambda: state.list_ms is not None)
        assert state.component().status == "healthy"

        await line.close(port_outlives_seconds=0.1)
        await eventually(lambda: state.component().status == "unhealthy", 2.0)
        seen = time.monotonic()
        await line.listen()
        await eventually(lambda: state.component().status == "healthy", INTERRUPTION_SHOWN_SECONDS + 3)
        assert time.monotonic() - seen > INTERRUPTION_SHOWN_SECONDS - 0.5

        probing.cancel()
        await asyncio.gather(probing, return_exceptions=True)
        await gemini.close()
