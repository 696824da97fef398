"""What does the embedded nats-server's configuration say? Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bongsu.servers.nats_users import RIGHTS, USERS
from bongsu.servers.ports import HOST

CLUSTER = "bongsu"
# A request is answered once, while whoever asked still waits.
ANSWER = {"max": 1, "expires": "10s"}


@dataclass(frozen=True)
class Cluster:
    """What one of several servers has to know of them all.

    Attributes:
        member: Its own name among them.
        route_ports: On which port each listens for the others.
        password: Of the servers among themselves.
    """

    member: str
    route_ports: Mapping[str, int]
    password: str


def server_configuration(
    *,
    name: str,
    port: int,
    monitor_port: int,
    store: Path,
    passwords: Mapping[str, str],
    cluster: Cluster | None = None,
) -> str:
    """Return the text of nats.conf.

    Args:
        name: Told in the server's greeting, so that a client knows it speaks to this one.
        passwords: By user; letters, digits, `-` and `_` only.
    """
    users = "\n".join(_user(user, passwords[user]) for user in USERS)
    return f"""\
server_name: {json.dumps(name)}
listen: "{HOST}:{port}"
http: "{HOST}:{monitor_port}"
max_payload: 1MB
jetstream {{
  store_dir: {json.dumps(str(store))}
  # Acknowledged means on disk; the default syncs every two minutes.
  sync_interval: always
  max_file_store: 4GB
}}
authorization {{
  users: [
{users}
  ]
}}
{_cluster(cluster) if cluster else ""}"""


def _cluster(cluster: Cluster) -> str:
    routes = [
        f"nats-route://{CLUSTER}:{cluster.password}@{HOST}:{port}"
        for member, port in cluster.route_ports.items()
        if member != cluster.member
    ]
    return f"""\
cluster {{
  name: "{CLUSTER}"
  listen: "{HOST}:{cluster.route_ports[cluster.member]}"
  # A client that is told of a server by another one has no password for it.
  no_advertise: true
  authorization {{user: "{CLUSTER}", password: "{cluster.password}", timeout: 5}}
  routes: {json.dumps(routes)}
}}
"""


def _user(user: str, password: str) -> str:
    rights = RIGHTS.get(user)
    if rights is None:
        return f'    {{user: "{user}", password: "{password}"}}'
    permissions = {
        "publish": {"allow": rights.publish},
        "subscribe": {"allow": rights.subscribe},
        **({"allow_responses": ANSWER} if rights.answers else {}),
    }
    return f'    {{user: "{user}", password: "{password}", permissions: {json.dumps(permissions)}}}'
