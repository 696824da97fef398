"""Does every example in a help text do what it says, on a stack as a newcomer starts it?"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import nats
import pytest
from typer.core import TyperGroup
from typer.main import get_command

from bongsu.app import build_app
from bongsu.invocation import run
from servers.waiting import eventually_sync

if TYPE_CHECKING:
    from system.conftest import Run, Start

EXAMPLE = re.compile(r"^(?:As in|A list needs quotes): (bongsu .+)$", re.MULTILINE)
FIRST_SECONDS = 40.0
DEAD_MESSAGES = 9
NO_JSON = b"<html>502 Bad Gateway</html>"


def helps(command: Any, name: str) -> Iterator[tuple[str, str]]:
    """Yield each command line, without its arguments, and its help."""
    if name != "bongsu up":
        yield name, command.help
    for each, below in command.commands.items() if isinstance(command, TyperGroup) else ():
        yield from helps(below, f"{name} {each}")


def examples() -> dict[str, list[str]]:
    """Return the examples by command line; that of `bongsu up` is the stack they are tried on."""
    app = get_command(build_app())
    return {name: EXAMPLE.findall(text) for name, text in helps(app, "bongsu")}


@pytest.fixture
def stack(start: Start, home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A healthy stack in `.bongsu` of the working directory, with a signal and nine dead messages."""
    running = start("--ephemeral", folder=home / ".bongsu").until_up()
    monkeypatch.chdir(home)
    for name in ("DATABASE_URL", "NATS_URL", "HEALTH_URL"):
        monkeypatch.delenv(name, raising=False)
    asyncio.run(bury(running.document["nats_url"]))
    eventually_sync(lambda: running.health().get("status") == "healthy", FIRST_SECONDS)
    overview = f"{running.document['health_url']}/api/overview"
    eventually_sync(
        lambda: httpx.get(overview, trust_env=False).json()["markets"][0]["signals"], FIRST_SECONDS
    )
    return running


async def bury(url: str) -> None:
    client = await nats.connect(url)
    for _ in range(DEAD_MESSAGES):
        await client.jetstream().publish("dead.market.candle.closed.KRW-BTC", NO_JSON)
    await client.close()


@pytest.mark.usefixtures("stack")
def test_every_example_does_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["signals", "--json"]) == (0, "")
    known = json.loads(capsys.readouterr().out)[0]["id"][:8]
    found = examples()
    assert [name for name, lines in found.items() if not lines] == []
    for example in itertools.chain(*found.values()):
        words = shlex.split(example.partition(" > ")[0])[1:]
        if words[:2] == ["signals", "show"]:
            words[2] = known
        code, message = run(words)
        printed = capsys.readouterr()
        assert (code, message, printed.err) == (0, "", ""), (example, printed.out)
        # No line warns where nothing is wrong.
        assert printed.out or words[0] == "logs"
        if "--json" in words:
            json.loads(printed.out)
