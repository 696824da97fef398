"""Every example in a help text or a paper works on a stack as a newcomer starts it.

The `make` commands of the docs are looked at in tests/unit/docs, those of Docker in tests/compose.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import nats
import pytest
from typer.core import TyperGroup
from typer.main import get_command

from bongsu.app import build_app
from bongsu.invocation import run
from docs.commands import typed
from servers.fixtures import passable_folder
from servers.waiting import HANG_SECONDS, eventually_sync
from system.conftest import Run

EXAMPLE = re.compile(r"^(?:As in|A list needs quotes): (bongsu .+)$", re.MULTILINE)
# The stack itself, and what a container runs on servers of its own (tests/compose).
NOT_BESIDE_A_STACK = ("bongsu up", "bongsu migrate", "bongsu reconcile")
DEAD_MESSAGES = 9
NO_JSON = b"<html>502 Bad Gateway</html>"


def helps(command: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield each command line, without its arguments, and its help."""
    if name not in NOT_BESIDE_A_STACK:
        yield name, command.help
    for each, below in command.commands.items() if isinstance(command, TyperGroup) else ():
        yield from helps(below, f"{name} {each}")


def examples() -> dict[str, list[str]]:
    """Return the examples by command line; but for those that make a stack."""
    app = get_command(build_app())
    return {name: EXAMPLE.findall(text) for name, text in helps(app, "bongsu")}


@pytest.fixture(scope="module")
def stack() -> Iterator[Run]:
    """A healthy stack in a folder's `.bongsu`, with a signal and nine dead letters."""
    with passable_folder() as home:
        running = Run(home / ".bongsu", "--ephemeral")
        try:
            running.until_up()
            asyncio.run(bury(running.document["nats_url"]))
            eventually_sync(lambda: running.health().get("status") == "healthy")
            url = f"{running.document['health_url']}/api/v1/signals"
            eventually_sync(lambda: httpx.get(url, trust_env=False, timeout=HANG_SECONDS).json()["signals"])
            yield running
        finally:
            running.end()


@pytest.fixture(autouse=True)
def _beside_the_stack(stack: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(stack.folder.parent)
    for name in ("DATABASE_URL", "NATS_URL", "HEALTH_URL"):
        monkeypatch.delenv(name, raising=False)


async def bury(url: str) -> None:
    client = await nats.connect(url)
    for _ in range(DEAD_MESSAGES):
        await client.jetstream().publish("dead.market.candle.closed.KRW-BTC", NO_JSON)
    await client.close()


def test_every_example_does_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    found = examples()
    assert [name for name, lines in found.items() if not lines] == []
    known = newest_signal(capsys)
    for example in itertools.chain(*found.values()):
        try_out(shlex.split(example.partition(" > ")[0])[1:], known, capsys)


def test_every_command_of_the_docs_does_what_it_says(stack: Run, capsys: pytest.CaptureFixture[str]) -> None:
    known = newest_signal(capsys)
    for command in (each for each in typed() if each.program == "bongsu"):
        try_out(command.words[1:], known, capsys)
    for command in (each for each in typed() if each.program == "curl"):
        line = command.line.replace(":8080", f":{stack.port}").replace("curl", "curl --fail-with-body", 1)
        environment = {**os.environ, "UPBIT_URL": stack.document["upbit_url"]}
        done = subprocess.run(
            ["sh", "-c", line], env=environment, capture_output=True, text=True, timeout=HANG_SECONDS
        )
        assert done.returncode == 0, (line, done.stdout, done.stderr)


def newest_signal(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the beginning of its id, as the table shows it."""
    assert run(["signals", "--json"]) == (0, "")
    return str(json.loads(capsys.readouterr().out)[0]["id"][:8])


def try_out(words: list[str], known: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Run a command as it is written, on a signal that there is; no line warns where nothing is wrong."""
    if words[:2] == ["signals", "show"]:
        words = [*words[:2], known, *words[3:]]
    code, message = run(words)
    printed = capsys.readouterr()
    assert (code, message, printed.err) == (0, "", ""), (words, printed.out)
    assert printed.out or words[0] == "logs"
    if "--json" in words:
        json.loads(printed.out)
