"""Inboxes: the subjects of a connection's replies, which only its own NATS user may read. Pure."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from common.settings import nats_servers

_PREFIX = "_INBOX"
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")


def inbox_of(user: str) -> str:
    """Return a user's inbox prefix, without the dot that follows."""
    return f"{_PREFIX}_{user}"


def inbox_prefix(urls: str) -> str:
    """Return the inbox prefix of the user in a NATS_URL; NATS's own one, `_INBOX`, where it names none."""
    parts = urlsplit(nats_servers(urls)[0])
    user = unquote(parts.username or "")
    # A user without a password is a token, which must not be readable in a subject.
    return inbox_of(user) if parts.password and _TOKEN.fullmatch(user) else _PREFIX
