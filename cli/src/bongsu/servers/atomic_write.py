"""Atomic write: a reader sees the old file or the new one, and a secret only by its owner."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from bongsu.servers.process import Account


def write_file(path: Path, text: str, *, mode: int = 0o600, owner: Account | None = None) -> None:
    """Replace `path` by a file with `text`, by rename; `owner` other than the caller needs root."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    # O_EXCL and O_NOFOLLOW: root writes into a folder that another user owns.
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(handle, mode)
        if owner:
            os.fchown(handle, owner.uid, owner.gid)
        file.write(text)
        file.flush()
        os.fsync(handle)
    draft.replace(path)
