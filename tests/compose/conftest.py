"""One engine and one stack for all tests of this folder, in the order of their file."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bongsu.servers import ports
from compose import stand_ins
from compose.engine import ROOT, Engine, EngineError, engine
from compose.stack import Stack

_began = time.monotonic()


def told(text: str) -> None:
    """Show how far it is: making an engine and images takes minutes."""
    print(f"[{time.monotonic() - _began:3.0f} s] {text}")


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Where the engine keeps its data; short, for its sockets' names."""
    with tempfile.TemporaryDirectory(prefix="bongsu-compose-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="session")
def docker(folder: Path) -> Iterator[Engine]:
    """An engine with the official images, or what stands in for them."""
    try:
        with engine(folder) as found:
            told(f"engine {found.ask('version', '--format', '{{.Server.Version}}')}")
            if found.is_private:
                stand_ins.make(found, folder)
                told("stand-ins for python, postgres and nats")
            yield found
    except EngineError as error:
        pytest.fail(f"the Compose stack cannot be tested here: {error}", pytrace=False)


@pytest.fixture(scope="session")
def stack(docker: Engine, folder: Path) -> Iterator[Stack]:
    """The stack as `docker compose --env-file sim.env up` brings it up."""
    secrets = folder / "secrets"
    shutil.copytree(ROOT / "deploy/sim-secrets", secrets)
    made = Stack(docker, ports.free_port(), secrets)
    made.compose("build", "--quiet")
    told("images built")
    made.up()
    told("stack is up")
    yield made
    made.compose("down", "--volumes")
