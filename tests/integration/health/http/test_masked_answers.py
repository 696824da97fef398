"""No HTTP answer holds a secret, neither of an instance nor of the caller."""

from __future__ import annotations

import json

import nats as nats_client

from bongsu.servers.nats.server import NatsServer
from common.events import ComponentState
from integration.health.running import HealthProcess, Speak, soon
from integration.health.stored import START, store
from integration.health.watching import next_part
from servers.waiting import HANG_SECONDS

CANARY = "canaryValue8841ofAnInstance"
PATHS = (
    "/health",
    "/health/detail",
    "/health/ready",
    "/api/v1/markets",
    "/api/v1/status",
    "/api/v1/signals",
    "/api/v1/config",
    "/api/v1/config/history",
    f"/api/v1/signals?cursor={CANARY}",
    f"/api/v1/config/history?key={CANARY}",
    "/metrics",
    f"/nothing?api_key={CANARY}",
)


async def test_no_answer_holds_a_secret_that_an_instance_told(
    health: HealthProcess, speak: Speak, fresh_nats: NatsServer, database_url: str
) -> None:
    async with store(database_url) as stored:
        # As a model may repeat it, and as somebody may sign by hand.
        signal = await stored.signal(START, reasoning=f"The api_key={CANARY} says BUY.")
        await stored.setting("retention_days", "30", by=f"token={CANARY}")
    await speak("collector", "c1")
    signaler = await speak("signaler", "s1")
    await soon(health.is_healthy)
    # An older version's word, not yet masked by its sender.
    state = ComponentState.model_construct(
        name="gemini_api", status="warning", latency_ms=None, message=f"403 for ?key={CANARY}"
    )
    signaler.components = (state,)
    await soon(lambda: health.blames("gemini_api", "403 for ?key=***"))
    answers = [(await health.http.get(path)).text for path in (*PATHS, f"/api/v1/signals/{signal}")]
    assert [answer for answer in answers if CANARY in answer] == []
    assert "The api_key=*** says BUY." in answers[-1]
    parts = [await next_part(health, name) for name in ("status", "signals", "changes")]
    assert [part for part in parts if CANARY in str(part)] == []
    assert "api_key=***" in str(parts)
    admin = await nats_client.connect(fresh_nats.url())
    raw = await admin.request("health.check", b"{}", timeout=HANG_SECONDS)
    await admin.close()
    assert json.loads(raw.data)["service"] in ("collector", "signaler", "health")
