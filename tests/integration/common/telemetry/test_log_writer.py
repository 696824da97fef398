"""Logs without a reader: a service goes on working and stops as it should."""

from __future__ import annotations

import contextlib
import os
from contextlib import closing
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from integration.common.conftest import StartMinimal
from integration.common.speaking import count
from servers.waiting import eventually


@pytest.fixture
async def heartbeats(admin: Client) -> list[bytes]:
    """What the service says of itself on the bus."""
    received: list[bytes] = []

    async def on_heartbeat(message: Msg) -> None:
        received.append(message.data)

    await admin.subscribe("service.heartbeat.collector", cb=on_heartbeat)
    return received


class Pipe:
    """A named pipe with a reader that reads nothing until it is asked to."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self._text = ""
        self._file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)

    def fill(self) -> None:
        """Leave no room in it, not for one byte."""
        for size in (4096, 1):
            try:
                while True:
                    os.write(self._writer, b"\n" * size)
            except BlockingIOError:
                continue

    def read(self) -> str:
        """Take what is in it, and return all that was taken so far."""
        with contextlib.suppress(BlockingIOError):
            self._text += os.read(self._file, 1 << 20).decode()
        return self._text

    def close(self) -> None:
        """Go away as a reader that died."""
        os.close(self._file)
        os.close(self._writer)


async def test_a_log_without_a_reader_holds_nothing_up_and_is_whole_once_it_has_one(
    start_minimal: StartMinimal, jetstream: JetStreamContext, heartbeats: list[bytes], tmp_path: Path
) -> None:
    pipe = Pipe(tmp_path / "log")
    pipe.fill()
    with closing(pipe), start_minimal(tmp_path / "log") as running:
        await eventually(lambda: heartbeats)

        async def two_jobs_are_done() -> bool:
            return await count(jetstream, "JOBS") >= 2

        await eventually(two_jobs_are_done)
        await eventually(lambda: "service.starting" in pipe.read() and "service.ready" in pipe.read())
        assert running.stop() == 0
        assert "service.stopped" in pipe.read()


async def test_a_log_whose_reader_is_gone_is_no_reason_to_end(
    start_minimal: StartMinimal, heartbeats: list[bytes], tmp_path: Path
) -> None:
    pipe = Pipe(tmp_path / "log")
    with start_minimal(tmp_path / "log") as running:
        pipe.close()
        await eventually(lambda: heartbeats)
        assert running.stop() == 0


async def test_a_log_on_a_full_disk_is_no_reason_to_end(
    start_minimal: StartMinimal, heartbeats: list[bytes]
) -> None:
    with start_minimal(Path("/dev/full")) as running:
        await eventually(lambda: heartbeats)
        assert running.stop() == 0
