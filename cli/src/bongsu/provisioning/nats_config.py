"""The configuration of a nats-server, as text. Pure."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bongsu.provisioning.nats_users import RIGHTS, USERS

CLUSTER = "bongsu"
# A request is answered once, while its sender still waits.
ANSWER = {"max": 1, "expires": "10s"}


@dataclass(frozen=True)
class Cluster:
    """What one of several servers has to know of all of them.

    Attributes:
        member: Its own name among them.
        host: On which all of them listen.
        route_ports: On which port each listens for the others.
        password: Of the servers among themselves.
    """

    member: str
    host: str
    route_ports: Mapping[str, int]
    password: str


def server_configuration(
    *,
    name: str,
    host: str,
    port: int,
    monitor_port: int,
    store: Path,
    passwords: Mapping[str, str],
    cluster: Cluster | None = None,
) -> str:
    """Return the text of nats.conf.

    Args:
        name: Part of the server's greeting, so that a client knows that this is the right one.
        passwords: By user; letters, digits, `-` and `_` only.
    """
    return f"""\
server_name: {json.dumps(name)}
listen: "{host}:{port}"
http: "{host}:{monitor_port}"
{_store(str(store))}
{_users({user: json.dumps(password) for user, password in passwords.items()})}
{_cluster(cluster) if cluster else ""}"""


def compose_configuration() -> str:
    """Return the text of deploy/nats.conf, for the Compose stack; the passwords are in another file."""
    return f"""\
# The nats-server of compose.yaml, made from the table of rights (provisioning/nats_users.py of the command):
#   .venv/bin/python -m bongsu.provisioning.nats_config > deploy/nats.conf
server_name: bongsu
listen: "0.0.0.0:4222"
# For the health check only, which is inside the container.
http: "127.0.0.1:8222"
{_store("/data")}
# ADMIN_PASSWORD: "...", and so on; deploy/secrets.sh makes it.
include "nats_passwords.conf"
{_users({user: f"${password_variable(user)}" for user in USERS})}
"""


def password_variable(user: str) -> str:
    """Return the name of a user's password in nats_passwords.conf."""
    return f"{user.upper()}_PASSWORD"


def _store(folder: str) -> str:
    return f"""\
max_payload: 1MB
jetstream {{
  store_dir: {json.dumps(folder)}
  # Acknowledged means on disk; the default syncs every two minutes.
  sync_interval: always
  max_file_store: 4GB
}}"""


def _users(passwords: Mapping[str, str]) -> str:
    """Return the users and their rights; a password as the configuration spells it."""
    users = "\n".join(_user(user, passwords[user]) for user in USERS)
    return f"""\
authorization {{
  users: [
{users}
  ]
}}"""


def _cluster(cluster: Cluster) -> str:
    routes = [
        f"nats-route://{CLUSTER}:{cluster.password}@{cluster.host}:{port}"
        for member, port in cluster.route_ports.items()
        if member != cluster.member
    ]
    return f"""\
cluster {{
  name: "{CLUSTER}"
  listen: "{cluster.host}:{cluster.route_ports[cluster.member]}"
  # A client that learned of a server from another one has no password for it.
  no_advertise: true
  authorization {{user: "{CLUSTER}", password: "{cluster.password}", timeout: 5}}
  routes: {json.dumps(routes)}
}}
"""


def _user(user: str, password: str) -> str:
    rights = RIGHTS.get(user)
    if rights is None:
        return f'    {{user: "{user}", password: {password}}}'
    permissions = {
        "publish": {"allow": rights.publish},
        "subscribe": {"allow": rights.subscribe},
        **({"allow_responses": ANSWER} if rights.answers else {}),
    }
    return f'    {{user: "{user}", password: {password}, permissions: {json.dumps(permissions)}}}'


if __name__ == "__main__":
    sys.stdout.write(compose_configuration())
