"""Does an HTTP answer hold a secret that an instance told, or the caller?"""

from __future__ import annotations

import json

import nats as nats_client

from bongsu.servers.nats import NatsServer
from common.events import ComponentState
from integration.health.running import HealthProcess, Speak, soon

CANARY = "canaryValue8841ofAnInstance"
PATHS = (
    "/health",
    "/health/detail",
    "/health/ready",
    "/api/overview",
    "/metrics",
    f"/nothing?api_key={CANARY}",
)


async def test_no_answer_holds_a_secret_that_an_instance_told(
    health: HealthProcess, speak: Speak, fresh_nats: NatsServer
) -> None:
    await speak("collector", "c1")
    signaler = await speak("signaler", "s1")
    await soon(health.is_healthy)
    # An older version's word, not yet masked by its sender.
    told = ComponentState.model_construct(
        name="gemini_api", status="warning", latency_ms=None, message=f"403 for ?key={CANARY}"
    )
    signaler.components = (told,)
    await soon(lambda: health.blames("gemini_api", "403 for ?key=***"))
    answers = [(await health.http.get(path)).text for path in PATHS]
    assert [answer for answer in answers if CANARY in answer] == []
    admin = await nats_client.connect(fresh_nats.url())
    raw = await admin.request("health.check", b"{}", timeout=5)
    await admin.close()
    assert json.loads(raw.data)["service"] in ("collector", "signaler", "health")
