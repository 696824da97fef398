"""HTTP clients that break the rules: each gets its answer, and the others are served meanwhile."""

from __future__ import annotations

import asyncio
import json
import resource
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from health.http.connection import MAX_HEAD_BYTES, MOST_CONNECTIONS, REQUEST_SECONDS
from integration.health.running import HealthProcess, StartHealth, soon
from servers.waiting import HANG_SECONDS, eventually

NOWHERE = "127.0.0.1:9"
HEAD = b"GET /nothing HTTP/1.1\r\nHost: bongsu\r\n"
MIB = 1024 * 1024
# Enough for the buffers of one connection; a body that is kept would be ten times that.
BODY_MIB = 50
KEPT_MIB = 5


@dataclass(frozen=True)
class RawAnswer:
    """One answer as it came over the socket."""

    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self) -> dict[str, Any]:
        """Return the problem; fails when it is no complete one, or tells of our insides."""
        assert self.headers["content-type"] == "application/problem+json"
        found = dict(json.loads(self.body))
        assert set(found) == {"type", "title", "status", "detail", "request_id"}
        assert found["status"] == self.status
        assert not any(word in self.body.lower() for word in (b"traceback", b"error:", b"h11", b"uvicorn"))
        return found


@pytest.fixture
async def lone_health(start_health: StartHealth) -> HealthProcess:
    """Health without a bus and a database: what it answers is not the question here."""
    return await start_health(f"postgresql://bongsu_health@{NOWHERE}/bongsu", f"nats://{NOWHERE}")


async def test_no_http_another_protocol_and_a_path_with_a_slash_after_it_are_answered_as_a_problem(
    lone_health: HealthProcess,
) -> None:
    for request in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
        "GET /봉수 HTTP/1.1\r\nHost: bongsu\r\n\r\n".encode(),
        b"POST /health HTTP/1.1\r\nHost: bongsu\r\nContent-Length: -1\r\n\r\n",
        b"POST /health HTTP/1.1\r\nHost: bongsu\r\nTransfer-Encoding: gzip\r\n\r\n",
        HEAD + b"X-Request-Id: a\0b\r\n\r\n",
        HEAD + b"X-Request-Id: a\rSet-Cookie: b=c\r\n\r\n",
    ):
        answer = await _ask(lone_health, request)
        assert (answer.status, answer.problem()["title"]) == (400, "Bad Request"), request
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n"
    assert (await _ask(lone_health, HEAD + upgrade)).problem()["status"] == 404
    # Nobody is sent to another host.
    answer = await _ask(lone_health, b"GET /health/ HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert (answer.problem()["status"], answer.headers.get("location")) == (404, None)


async def test_a_request_id_with_line_breaks_comes_back_in_no_header_and_no_body(
    lone_health: HealthProcess,
) -> None:
    for value in (
        b"evil\r\nSet-Cookie: evil=1",
        b"evil\r\n Set-Cookie: evil=1",
        b"evil%0d%0aevil",
        b"evil" * 999,
    ):
        answer = await _ask(lone_health, HEAD + b"X-Request-Id: " + value + b"\r\n\r\n")
        assert answer.status == 404
        assert "set-cookie" not in answer.headers
        assert b"evil" not in answer.body + str(answer.headers).encode()
        assert len(answer.problem()["request_id"]) == 32
    answer = await _ask(
        lone_health, b"POST /health%0d%0aSet-Cookie:%20evil=1 HTTP/1.1\r\nHost: bongsu\r\n\r\n"
    )
    assert (answer.status, answer.headers.get("set-cookie")) == (404, None)


async def test_a_head_that_is_too_long_is_refused_in_one_piece_and_in_many(
    lone_health: HealthProcess,
) -> None:
    long_value = b"X-Long: " + b"a" * MAX_HEAD_BYTES + b"\r\n"
    many = b"".join(b"X-%d: b\r\n" % number for number in range(5000))
    long_path = b"GET /" + b"a" * MAX_HEAD_BYTES + b" HTTP/1.1\r\nHost: bongsu\r\n"
    for request in (HEAD + long_value, HEAD + many, long_path):
        whole = await _ask(lone_health, request + b"\r\n")
        assert whole.problem()["status"] == 431
        endless = await _ask(lone_health, request)
        assert endless.problem()["status"] == 431


async def test_a_big_body_is_answered_and_not_kept(lone_health: HealthProcess) -> None:
    process = psutil.Process(lone_health.process.pid)
    before = process.memory_info().rss
    body = b"a" * (BODY_MIB * MIB)
    refused = await lone_health.http.post("/health/detail", content=body)
    assert (refused.status_code, refused.headers["content-type"]) == (405, "application/problem+json")
    ignored = await lone_health.http.request("GET", "/health/live", content=body)
    assert ignored.status_code == 200
    assert process.memory_info().rss - before < KEPT_MIB * MIB


async def test_idle_and_slow_connections_hold_nobody_up_and_are_closed(lone_health: HealthProcess) -> None:
    async with AsyncExitStack() as held:
        idle = [(await _connect(lone_health, held))[0] for _ in range(1000)]
        assert (await _ask(lone_health, HEAD + b"\r\n")).status == 404
        await eventually(lambda: _open(idle) <= MOST_CONNECTIONS)
        # Those that waited longest made room, and no others.
        closed = [number for number, reader in enumerate(idle) if reader.at_eof()]
        assert closed == list(range(max(100, len(closed))))

        slow, writer = await _connect(lone_health, held)
        writer.write(HEAD)
        async with asyncio.timeout(HANG_SECONDS):
            assert (await _answer(slow)).problem()["status"] == 408
        await eventually(lambda: _open(idle) == 0)
    assert (await _ask(lone_health, HEAD + b"\r\n")).status == 404


async def test_with_few_files_to_open_idle_connections_make_room_and_are_no_flood_of_the_log(
    lone_health: HealthProcess,
) -> None:
    async def is_answered_beside_idle_connections() -> bool:
        async with AsyncExitStack() as held:
            for _ in range(200):
                await _connect(lone_health, held)
            began = time.monotonic()
            assert (await _ask(lone_health, HEAD + b"\r\n")).status == 404
            # After their time they would be closed anyhow.
            return time.monotonic() - began < REQUEST_SECONDS / 2

    resource.prlimit(lone_health.process.pid, resource.RLIMIT_NOFILE, (64, 64))
    await soon(is_answered_beside_idle_connections)
    assert len(lone_health.text) < 200_000


async def test_a_second_request_that_is_broken_does_not_spoil_the_answer_to_the_first(
    lone_health: HealthProcess,
) -> None:
    broken_body = (
        b"POST /health HTTP/1.1\r\nHost: bongsu\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", lone_health.port)
    writer.write(HEAD + b"\r\n" + broken_body)
    assert (await _answer(reader)).problem()["status"] == 404
    async with asyncio.timeout(HANG_SECONDS):
        await reader.read()
    writer.close()
    assert '"level": "error"' not in lone_health.text
    assert "Traceback" not in lone_health.text


def _open(connections: list[asyncio.StreamReader]) -> int:
    return sum(not reader.at_eof() for reader in connections)


async def _connect(
    health: HealthProcess, held: AsyncExitStack
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", health.port)
    held.callback(writer.close)
    return reader, writer


async def _ask(health: HealthProcess, request: bytes) -> RawAnswer:
    reader, writer = await asyncio.open_connection("127.0.0.1", health.port)
    try:
        writer.write(request)
        async with asyncio.timeout(HANG_SECONDS):
            return await _answer(reader)
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> RawAnswer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(headers["content-length"]))
    return RawAnswer(int(head[0].split()[1]), headers, body)
