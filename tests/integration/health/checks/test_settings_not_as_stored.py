"""Settings of nonsense: health names them for as long as they are there, and goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from integration.common.configured import ByHand, instance, write_by_hand
from integration.health.running import HealthProcess, Speak, StartHealth, soon

# Health itself never asks for either.
KEY, DEEP_KEY = "retention_days", "backfill_days"


async def own_row(health: HealthProcess) -> tuple[str, list[str]]:
    """Return what health says of itself: status, and the settings that are nonsense."""
    [row] = [row for row in (await health.detail())["services"] if row["name"] == "health"]
    return row["status"], row["cache"]["invalid_keys"]


@pytest.fixture
async def by_hand(database_url: str) -> AsyncIterator[ByHand]:
    """A connection of somebody with psql."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_a_row_of_nonsense_is_a_warning_until_it_is_set_again_or_put_right_by_hand(
    start_health: StartHealth,
    postgres: PostgresServer,
    database: str,
    database_url: str,
    fresh_nats: NatsServer,
    speak: Speak,
    by_hand: ByHand,
) -> None:
    await write_by_hand(by_hand, KEY, '"for ever"')
    await write_by_hand(by_hand, DEEP_KEY, "[" * 5000 + "]" * 5000)
    health = await start_health(postgres.url("bongsu_health", database), fresh_nats.url("health"))
    await speak("collector", "c1")
    await speak("signaler", "s1")
    await soon(lambda: health.has_status("degraded", 200))
    assert await own_row(health) == ("warning", [DEEP_KEY, KEY])
    flaws = (await health.http.get("/health")).json()["flaws"]
    flaw = next(flaw for flaw in flaws if KEY in flaw)
    assert flaw.endswith(
        f"does not use what is stored for {DEEP_KEY}, {KEY}: it breaks the rule; set it again"
    )
    assert "for ever" not in flaw + health.text

    async def only_the_other_is_left() -> bool:
        return await own_row(health) == ("warning", [DEEP_KEY])

    async with instance(database_url, fresh_nats.url("cli"), "setter") as setter:
        await setter.config.set_value(KEY, 90, changed_by="cli:ada")
    await soon(only_the_other_is_left)
    assert (await health.detail())["status"] == "degraded"
    await by_hand.execute("DELETE FROM system_config WHERE key = $1", DEEP_KEY)
    await soon(health.is_healthy)
    assert await own_row(health) == ("healthy", [])
