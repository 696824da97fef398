"""`bongsu status`: what health and PostgreSQL know, and what they do not."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from bongsu.servers import ports
from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from integration.bongsu.rows import FIRST, store_candles, store_signal
from servers.commands import bongsu
from servers.services import service
from servers.waiting import HANG_SECONDS, eventually

if TYPE_CHECKING:
    from integration.bongsu.conftest import Admin, Command


@pytest.fixture
def health_url(postgres: PostgresServer, database: str, nats: NatsServer, tmp_path: Path) -> Iterator[str]:
    """The URL of a health service that is alone: no collector, no signaler."""
    port = ports.free_port()
    environment = {
        "DATABASE_URL": postgres.url("bongsu_health", database),
        "NATS_URL": nats.url("health"),
        "HEALTH_PORT": str(port),
    }
    with service("health", tmp_path / "health.log", **environment):
        yield f"http://127.0.0.1:{port}"


async def knows_its_markets(url: str) -> None:
    """Wait until the service has its database."""

    async def answers() -> bool:
        async with httpx.AsyncClient(trust_env=False, timeout=HANG_SECONDS) as client:
            try:
                return (await client.get(f"{url}/api/v1/markets")).status_code == 200
            except httpx.TransportError:
                return False

    await eventually(answers)


async def test_an_unhealthy_stack_is_shown_whole_and_ends_with_1(
    health_url: str, database_url: str, admin: Admin, tmp_path: Path
) -> None:
    await store_candles(admin, "KRW-BTC", [0, 1])
    await store_signal(admin, minute=1, cause="no_key: GEMINI_API_KEY is not set")
    for minute, minutes, status in ((5, 3, "open"), (8, 2, "confirmed_empty")):
        await admin.execute(
            "INSERT INTO candle_gaps VALUES ('KRW-BTC', $1, $2, $3, $2, $4, 'missing')",
            FIRST + timedelta(minutes=minute),
            FIRST + timedelta(minutes=minute + minutes),
            status,
            None if status == "open" else FIRST + timedelta(minutes=minute + minutes),
        )
    await knows_its_markets(health_url)
    (tmp_path / "run.json").write_text(json.dumps({"health_url": health_url, "database_url": database_url}))
    program = await asyncio.to_thread(
        bongsu, "status", "--json", "--data-dir", str(tmp_path), HTTP_PROXY="http://127.0.0.1:9"
    )
    assert (program.code, program.err) == (1, "")
    assert program.document["health"]["status"] == "unhealthy"
    (market,) = program.document["overview"]["markets"]
    created_at = market["newest_signal"].pop("created_at")
    assert created_at.startswith("20")
    assert market == {
        "market": "KRW-BTC",
        "newest_candle": {"timestamp": "2026-01-13T09:01:00Z", "close": "135000002"},
        "candles": 2,
        "newest_signal": {
            "candle_timestamp": "2026-01-13T09:01:00Z",
            "signal_type": "BUY",
            "confidence": 0.7,
            "source": "rule",
            "cause": "no_key: GEMINI_API_KEY is not set",
        },
        "signals": 1,
        "gaps": {"open": 3, "confirmed_empty": 2},
    }
    person = await asyncio.to_thread(bongsu, "status", HEALTH_URL=f"{health_url}/", DATABASE_URL=database_url)
    assert (person.code, person.err) == (1, "")
    assert person.out.startswith(f"unhealthy  {health_url}/  20")
    assert re.search(r"^collector  unhealthy +missing$", person.out, re.MULTILINE)
    assert "\nupbit_api      unhealthy" in person.out
    assert "KRW-BTC  candles  2, newest 2026-01-13T09:01:00Z at 135,000,002\n" in person.out
    assert "newest BUY 0.7 for 2026-01-13T09:01:00Z (rule, no_key: GEMINI_API_KEY is not set)\n" in person.out


async def test_without_a_database_of_the_commands_own_only_the_counts_are_unknown(
    health_url: str, admin: Admin
) -> None:
    await store_candles(admin, "KRW-BTC", [0, 1])
    await knows_its_markets(health_url)
    ended = await asyncio.to_thread(bongsu, "status", HEALTH_URL=health_url)
    assert "KRW-BTC  candles  newest 2026-01-13T09:01:00Z at 135,000,002\n" in ended.out
    assert ended.line.startswith("bongsu: how much is stored is not known now: DATABASE_URL is not known")


async def test_without_its_database_the_data_is_said_to_be_unknown(
    postgres: PostgresServer, nats: NatsServer, tmp_path: Path
) -> None:
    port = ports.free_port()
    environment = {
        "DATABASE_URL": "postgresql://bongsu_health:hunter2secret@127.0.0.1:9/bongsu",
        "NATS_URL": nats.url("health"),
        "HEALTH_PORT": str(port),
    }
    with service("health", tmp_path / "health.log", **environment):
        await eventually(lambda: not ports.is_free(port))
        ended = await asyncio.to_thread(bongsu, "status", "--json", HEALTH_URL=f"http://127.0.0.1:{port}")
    assert ended.code == 1
    assert ended.document["overview"] is None
    assert ended.document["health"]["components"][0]["status"] == "unhealthy"
    assert ended.line.startswith("bongsu: the newest data is not known now: PostgreSQL cannot be read")


async def test_a_health_service_that_is_away_is_named(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEALTH_URL", "http://user:hunter2secret@127.0.0.1:9")
    ended = await command("status", "--json")
    assert (ended.code, ended.out) == (69, "")
    assert ended.line == (
        "bongsu: http://user:***@127.0.0.1:9/health/detail does not answer (ConnectError);"
        " start the stack with `make run`, or check HEALTH_URL\n"
    )
