"""Samplers that run all the time: connections and health's answers; and the search for leaked secrets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from dataclasses import dataclass, field
from urllib.parse import quote

import asyncpg
import httpx

from bongsu.provisioning.roles import SERVICE_ROLES
from common.streams import STREAMS
from faults.stack.supervised import GEMINI_CANARY, SupervisedStack
from harness.servers import Connection, nats_connection, postgres_connection
from integration.common.speaking import kept

SAMPLE_SECONDS = 0.05
ASK_SECONDS = 0.5
PATHS = ("/health", "/health/detail", "/health/ready", "/api/v1/markets", "/api/v1/signals?limit=5")
_COUNT = "SELECT count(*) FROM pg_stat_activity WHERE usename = ANY($1)"


@dataclass
class Samples:
    """The most service connections seen at once, how often was looked, and every answer of health."""

    peak_connections: int = 0
    looks: int = 0
    answers: list[str] = field(default_factory=list)

    async def count_connections(self, stack: SupervisedStack) -> None:
        """Count every 50 ms until cancelled."""
        while True:
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                async with postgres_connection(stack.running.postgres.url(), timeout=1) as connection:
                    await self._count(connection)
            await asyncio.sleep(SAMPLE_SECONDS)

    async def _count(self, connection: Connection) -> None:
        while True:
            seen = await connection.fetchval(_COUNT, list(SERVICE_ROLES), timeout=1)
            self.peak_connections = max(self.peak_connections, seen)
            self.looks += 1
            await asyncio.sleep(SAMPLE_SECONDS)

    async def ask_health(self, stack: SupervisedStack) -> None:
        """Ask for everything health tells, twice a second, until cancelled."""
        async with httpx.AsyncClient(base_url=stack.health_url, timeout=2, trust_env=False) as client:
            while True:
                for path in PATHS:
                    with contextlib.suppress(httpx.HTTPError):
                        self.answers.append((await client.get(path)).text)
                await asyncio.sleep(ASK_SECONDS)


async def leaks(stack: SupervisedStack, samples: Samples) -> list[str]:
    """Return where a canary shows: a log, a span, a message, an answer, a table; [] when nowhere."""
    canaries = _spellings(_canaries(stack))
    texts: dict[str, bytes] = {path.name: path.read_bytes() for path in stack.logs}
    texts["the answers of health"] = "\n".join(samples.answers).encode()
    texts["the spans and metrics"] = b"\n".join(stack.spans.bodies)
    texts |= await _messages(stack)
    texts["the table trading_signals"] = await _signals(stack)
    return [f"a secret in {where}" for where, text in texts.items() for canary in canaries if canary in text]


def _canaries(stack: SupervisedStack) -> list[str]:
    secrets = json.loads((stack.running.folder / "secrets.json").read_text(encoding="utf-8"))
    return [GEMINI_CANARY, *map(str, secrets.values())]


def _spellings(secrets: list[str]) -> list[bytes]:
    found = []
    for secret in secrets:
        raw = secret.encode()
        found += [
            raw,
            quote(secret, safe="").encode(),
            raw.hex().encode(),
            base64.b64encode(raw).rstrip(b"="),
        ]
    return list(dict.fromkeys(found))


async def _messages(stack: SupervisedStack) -> dict[str, bytes]:
    async with nats_connection(stack.running.nats.url()) as client:
        return {
            f"the stream {stream.name}": b"\n".join(
                (message.data or b"") + repr(message.headers).encode()
                for message in await kept(client.jetstream(), str(stream.name))
            )
            for stream in STREAMS
        }


async def _signals(stack: SupervisedStack) -> bytes:
    async with postgres_connection(stack.running.postgres.url(), timeout=5) as connection:
        rows = await connection.fetch("SELECT trading_signals::text AS row FROM trading_signals")
    return "\n".join(row["row"] for row in rows).encode()
