"""Docker engine that runs the stack: the one that is there, or one of our own that leaves nothing over."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from compose.private_engine import private_engine

ROOT = Path(__file__).parents[2]
COMMAND_SECONDS = 600.0
TOOLS = ROOT / ".compose"
PACKAGES = ("docker.io", "iptables", "slirp4netns", "mmdebstrap")


class EngineError(Exception):
    """There is no engine and none can be had; the sentence says what is missing."""


@dataclass(frozen=True)
class Engine:
    """Where `docker` and `docker compose` go.

    Attributes:
        docker: The client's path.
        environment: What tells it the engine, on top of this process's.
        inside: Words before a command that is to run where published ports are.
        is_private: Whether it is our own, without images.
    """

    docker: str
    environment: Mapping[str, str] = field(default_factory=dict)
    inside: Sequence[str] = ()
    is_private: bool = False

    def run(
        self, *arguments: str, folder: Path = ROOT, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `docker …` in a folder, the project's by default; its output is captured."""
        return subprocess.run(
            [self.docker, *arguments],
            cwd=folder,
            env={**os.environ, **self.environment, **(variables or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_SECONDS,
        )

    def ask(self, *arguments: str, folder: Path = ROOT, variables: Mapping[str, str] | None = None) -> str:
        """Return what `docker …` prints; AssertionError with its words when it fails."""
        result = self.run(*arguments, folder=folder, variables=variables)
        assert result.returncode == 0, f"docker {' '.join(arguments)}: {result.stderr.decode()[-3000:]}"
        return result.stdout.decode().strip()


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """Return an engine; one of our own lives in `folder` until the end.

    Raises:
        EngineError: There is none, and none can be brought up here.
    """
    found = shutil.which("docker")
    if found and _answers(found):
        yield Engine(found)
        return
    _require_packages()
    with private_engine(folder) as private:
        yield Engine("/usr/bin/docker", private.environment, private.inside, is_private=True)


def _answers(docker: str) -> bool:
    commands = ([docker, "info"], [docker, "compose", "version"])
    return all(subprocess.run(command, capture_output=True).returncode == 0 for command in commands)


def _require_packages() -> None:
    if os.geteuid() != 0:
        raise EngineError(
            "no Docker engine answers, and one of our own needs root; start Docker, or run as root on Debian"
        )
    subprocess.run(["sh", "deploy/debian_packages.sh", *PACKAGES], cwd=ROOT, check=True)
    subprocess.run(["sh", "deploy/compose_tool.sh", str(TOOLS)], cwd=ROOT, check=True)
    needed = ("/usr/sbin/dockerd", "/usr/bin/docker", str(TOOLS / "docker-compose"))
    if missing := [path for path in needed if not Path(path).exists()]:
        raise EngineError(
            f"no Docker engine answers, and {', '.join(missing)} could not be had from Debian's packages;"
            " start Docker"
        )
