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
from compose.stack import DEPLOYED, SIMULATED, Stack

_began = time.monotonic()


def log(text: str) -> None:
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
            log(f"engine {found.ask('version', '--format', '{{.Server.Version}}')}")
            if found.is_private:
                stand_ins.make(found, folder)
                log("stand-ins for the official images")
            yield found
    except EngineError as error:
        pytest.fail(f"the Compose stack cannot be tested here: {error}", pytrace=False)


@pytest.fixture(scope="session")
def built(docker: Engine) -> Engine:
    """The engine, with our own images."""
    docker.ask("compose", "--env-file", "sim.env", "build", "--quiet")
    log("images built")
    return docker


@pytest.fixture(scope="session")
def stack(built: Engine, folder: Path) -> Iterator[Stack]:
    """The simulated stack, begun as docs/operations.md says."""
    home = folder / "simulated"
    home.mkdir()
    for name in ("deploy", "sim.env"):
        (home / name).symlink_to(ROOT / name)
    secrets = home / "secrets"
    shutil.copytree(ROOT / "deploy/sim-secrets", secrets)
    variables = {
        "COMPOSE_FILE": str(ROOT / "compose.yaml"),
        "COMPOSE_ENV_FILES": str(ROOT / "sim.env"),
        "COMPOSE_PROJECT_NAME": SIMULATED,
        "SECRETS_DIR": str(secrets),
    }
    yield from _begun(Stack(built, home, secrets, ports.free_port(), variables), "To look around")


@pytest.fixture(scope="session")
def deployed(built: Engine, folder: Path) -> Iterator[Stack]:
    """The real stack, begun as docs/operations.md says; what it asks are the simulators."""
    home = folder / "deployed"
    home.mkdir()
    for name in ("compose.yaml", ".env.example"):
        shutil.copy(ROOT / name, home)
    shutil.copytree(ROOT / "deploy", home / "deploy")
    variables = {
        "COMPOSE_PROJECT_NAME": DEPLOYED,
        "COMPOSE_PROFILES": "observe,sim",
        "MARKET_SOURCE": "simulator",
        "UPBIT_BASE_URL": "http://upbit-simulator:8080",
        "GOOGLE_GEMINI_BASE_URL": "http://gemini-simulator:8080",
    }
    yield from _begun(Stack(built, home, home / "secrets", ports.free_port(), variables), "The real one")


def _begun(stack: Stack, heading: str) -> Iterator[Stack]:
    stack.variables["HEALTH_PORT"] = str(stack.port)
    try:
        stack.documented(heading)
        log(f"{stack.variables['COMPOSE_PROJECT_NAME']} is up")
        yield stack
    finally:
        stack.compose("down", "--volumes")
