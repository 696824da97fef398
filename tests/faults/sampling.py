"""What is looked at all the time: connections, health's answers, and whether a secret shows anywhere."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from dataclasses import dataclass, field
from urllib.parse import quote

import asyncpg
import httpx
import nats as nats_client

from bongsu.provisioning.roles import SERVICE_ROLES
from common.streams import STREAMS
from faults.rig import GEMINI_CANARY, Rig
from integration.common.speaking import kept

SAMPLE_SECONDS = 0.05
ASK_SECONDS = 0.5
_COUNT = "SELECT count(*) FROM pg_stat_activity WHERE usename = ANY($1)"


@dataclass
class Samples:
    """The most service connections seen at once, how often was looked, and every answer of health."""

    peak_connections: int = 0
    looks: int = 0
    answers: list[str] = field(default_factory=list)

    async def count_connections(self, rig: Rig) -> None:
        """Count every 50 ms until cancelled."""
        while True:
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                connection = await asyncpg.connect(rig.running.postgres.url(), timeout=1)
                try:
                    await self._count(connection)
                finally:
                    connection.terminate()
            await asyncio.sleep(SAMPLE_SECONDS)

    async def _count(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        while True:
            seen = await connection.fetchval(_COUNT, list(SERVICE_ROLES), timeout=1)
            self.peak_connections = max(self.peak_connections, seen)
            self.looks += 1
            await asyncio.sleep(SAMPLE_SECONDS)

    async def ask_health(self, rig: Rig) -> None:
        """Ask for everything health tells, twice a second, until cancelled."""
        async with httpx.AsyncClient(base_url=rig.health_url, timeout=2, trust_env=False) as client:
            while True:
                for path in ("/health", "/health/detail", "/health/ready", "/api/v1/markets"):
                    with contextlib.suppress(httpx.HTTPError):
                        self.answers.append((await client.get(path)).text)
                await asyncio.sleep(ASK_SECONDS)


async def leaks(rig: Rig, samples: Samples) -> list[str]:
    """Return where a canary shows: a log, a span, a message, an answer, a table; [] when nowhere."""
    canaries = _spellings(_canaries(rig))
    texts: dict[str, bytes] = {path.name: path.read_bytes() for path in rig.logs}
    texts["the answers of health"] = "\n".join(samples.answers).encode()
    texts["the spans and metrics"] = b"\n".join(rig.spans.bodies)
    texts |= await _messages(rig)
    texts["the table trading_signals"] = await _signals(rig)
    return [f"a secret in {where}" for where, text in texts.items() for canary in canaries if canary in text]


def _canaries(rig: Rig) -> list[str]:
    secrets = json.loads((rig.running.folder / "secrets.json").read_text(encoding="utf-8"))
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


async def _messages(rig: Rig) -> dict[str, bytes]:
    client = await nats_client.connect(rig.running.nats.url())
    try:
        return {
            f"the stream {stream.name}": b"\n".join(
                (message.data or b"") + repr(message.headers).encode()
                for message in await kept(client.jetstream(), str(stream.name))
            )
            for stream in STREAMS
        }
    finally:
        await client.close()


async def _signals(rig: Rig) -> bytes:
    connection = await asyncpg.connect(rig.running.postgres.url(), timeout=5)
    try:
        rows = await connection.fetch("SELECT trading_signals::text AS row FROM trading_signals")
    finally:
        await connection.close(timeout=2)
    return "\n".join(row["row"] for row in rows).encode()
