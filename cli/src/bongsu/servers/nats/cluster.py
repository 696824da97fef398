"""The nats-servers of one stack: a single one, or several that are one JetStream cluster."""

from __future__ import annotations

from pathlib import Path

from bongsu.provisioning.nats_config import Cluster
from bongsu.provisioning.nats_users import ADMIN
from bongsu.servers import ports
from bongsu.servers.nats.server import NatsServer
from bongsu.servers.secrets import Secrets


class NatsServers:
    """All of them; with one it is called `nats`, with more `nats-1`, `nats-2` and so on.

    Args:
        folder: Holds a folder for each, of its name.
        count: An odd number, so that a majority is left when one dies.
        logs: Holds a log file for each.
    """

    def __init__(self, folder: Path, count: int, *, secrets: Secrets, logs: Path) -> None:
        names = server_names(count)
        route_ports = {name: ports.free_port() for name in names}
        self.servers = tuple(
            NatsServer(
                folder / name,
                secrets=secrets,
                log=logs / f"{name}.log",
                cluster=Cluster(name, ports.HOST, route_ports, secrets.get("nats.cluster"))
                if count > 1
                else None,
            )
            for name in names
        )

    @property
    def replicas(self) -> int:
        """How many servers hold each stream."""
        return len(self.servers)

    @property
    def monitor_urls(self) -> list[str]:
        """Base URL of each server's own HTTP monitor."""
        return [server.monitor_url for server in self.servers]

    def url(self, user: str = ADMIN) -> str:
        """Return the URL of one user on every server, with commas between."""
        return ",".join(server.url(user) for server in self.servers)


def server_names(count: int) -> list[str]:
    """Return what the servers of a stack with so many are called."""
    return ["nats"] if count == 1 else [f"nats-{number}" for number in range(1, count + 1)]
