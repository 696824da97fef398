"""A PostgreSQL that somebody else runs: a superuser with a password, as its official image makes it."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from bongsu.provisioning.roles import DATABASE, ROLES
from bongsu.servers import ports
from bongsu.servers.atomic_write import write_file
from bongsu.servers.postgres.paths import ClusterLocation, locate_cluster
from bongsu.servers.postgres.template import environment, run
from bongsu.servers.process import ChildProcess, wait_until
from servers.waiting import HANG_SECONDS

SUPERUSER_PASSWORD = "superuser-password"
# One that has to be quoted.
PASSWORDS = {role: f"it's-{role}-password" for role in ROLES}
# What `bongsu migrate` reads, and the role that each names.
URL_NAMES = ("DATABASE_URL", "COLLECTOR_DATABASE_URL", "SIGNALER_DATABASE_URL", "HEALTH_DATABASE_URL")


@dataclass(frozen=True)
class ForeignPostgres:
    """One that runs."""

    place: ClusterLocation
    port: int

    @property
    def variables(self) -> Mapping[str, str]:
        """What `bongsu migrate` needs to make all roles."""
        urls = {name: self.url(role) for name, role in zip(URL_NAMES, ROLES, strict=True)}
        return {"SUPERUSER_DATABASE_URL": self.superuser_url(), **urls}

    def superuser_url(self, database: str = "postgres") -> str:
        """Return the superuser's URL."""
        return f"postgresql://postgres:{SUPERUSER_PASSWORD}@{ports.HOST}:{self.port}/{database}"

    def url(self, role: str, password: str | None = None) -> str:
        """Return a role's URL of the database of ours."""
        return f"postgresql://{role}:{password or PASSWORDS[role]}@{ports.HOST}:{self.port}/{DATABASE}"

    def run(self, program: str, *arguments: str) -> None:
        """Run one of its programs as the superuser; CalledProcessError when it fails."""
        here = ("-h", ports.HOST, "-p", str(self.port), "-U", "postgres")
        subprocess.run(
            [str(self.place.binaries / program), *here, *arguments],
            env={**environment(), "PGPASSWORD": SUPERUSER_PASSWORD},
            check=True,
            capture_output=True,
        )

    def takes_connections(self) -> bool:
        """Return whether it is up."""
        try:
            return bool(ask(self.superuser_url(), "SELECT 1"))
        except (OSError, asyncpg.CannotConnectNowError):
            return False


@contextmanager
def foreign_postgres(folder: Path) -> Iterator[ForeignPostgres]:
    """Make one in `folder`, which PostgreSQL's user may enter, and run it."""
    place = locate_cluster(folder / "server")
    given = folder / "superuser"
    write_file(given, SUPERUSER_PASSWORD, owner=place.account)
    initdb = str(place.binaries / "initdb")
    run(place, initdb, "-D", str(place.cluster), "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={given}")
    port = ports.free_port()
    postgres = [str(place.binaries / "postgres"), "-D", str(place.cluster)]
    server = ChildProcess(folder / "foreign.log")
    server.spawn(
        [*postgres, "-h", ports.HOST, "-p", str(port), "-k", ""],
        environment=environment(),
        directory=Path("/"),
        account=place.account,
    )
    running = ForeignPostgres(place, port)
    try:
        assert wait_until(running.takes_connections, HANG_SECONDS), server.log.read_text()
        yield running
    finally:
        server.kill()


def ask(url: str, query: str, *arguments: object) -> list[asyncpg.Record]:
    """Return the rows of one query, on a connection of its own."""

    async def ask() -> list[asyncpg.Record]:
        connection: asyncpg.Connection[Any] = await asyncpg.connect(url)
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    return asyncio.run(ask())
