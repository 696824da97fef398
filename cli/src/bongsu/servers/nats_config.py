"""What does the embedded nats-server's configuration say, and who may do what? Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from bongsu.servers.ports import HOST
from common.streams import STREAMS

ADMIN = "admin"
SERVICE_USERS = ("collector", "signaler", "health")
USERS = (ADMIN, *SERVICE_USERS, "cli")

# Only the reconciler, as admin, makes or changes streams and durable consumers.
_NOBODY_ELSE = (
    "$JS.API.STREAM.CREATE.>",
    "$JS.API.STREAM.UPDATE.>",
    "$JS.API.STREAM.DELETE.>",
    "$JS.API.STREAM.PURGE.>",
    "$JS.API.STREAM.RESTORE.>",
    "$JS.API.STREAM.MSG.DELETE.>",
    "$JS.API.CONSUMER.DURABLE.CREATE.>",
    "$JS.API.CONSUMER.PAUSE.>",
)
_CONSUMER_CALLS = ("$JS.API.CONSUMER.CREATE", "$JS.API.CONSUMER.DELETE")
# Who reads through a consumer that lives as long as the reader.
_OWN_CONSUMERS = {"health": ("JOBS", "SIGNALS"), "cli": ("JOBS", "SIGNALS")}


def denied_subjects(user: str) -> list[str]:
    """Return what a user may not publish, [] for the admin."""
    if user == ADMIN:
        return []
    own = _OWN_CONSUMERS.get(user, ())
    # A denial wins over any permission in NATS, so the exceptions are left out stream by stream.
    closed = [str(stream.name) for stream in STREAMS if stream.name not in own]
    per_stream = [
        subject
        for call in _CONSUMER_CALLS
        for name in closed
        for subject in (f"{call}.{name}", f"{call}.{name}.>")
    ]
    return [*_NOBODY_ELSE, *(per_stream if own else [f"{call}.>" for call in _CONSUMER_CALLS])]


def server_configuration(
    *, name: str, port: int, monitor_port: int, store: Path, passwords: Mapping[str, str]
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
  max_file_store: 1GB
}}
authorization {{
  users: [
{users}
  ]
}}
"""


def _user(user: str, password: str) -> str:
    denied = denied_subjects(user)
    limits = f", permissions: {{publish: {{deny: {json.dumps(denied)}}}}}" if denied else ""
    return f'    {{user: "{user}", password: "{password}"{limits}}}'
