"""Passwords of the embedded servers: random, made once, in a file that only its owner may read."""

from __future__ import annotations

import json
import secrets
import threading
from pathlib import Path

from bongsu.errors import CommandError
from bongsu.servers.atomic_write import write_file


class Secrets:
    """Passwords by name (`postgres.bongsu_admin`, `nats.cli`), kept in one JSON file of mode 0600."""

    def __init__(self, path: Path) -> None:
        self._path = path
        # Servers are prepared at the same time, each in a thread, and ask for the same ones.
        self._lock = threading.Lock()

    def get(self, name: str) -> str:
        """Return the password of that name, made and kept on first use; letters, digits, `-`, `_` only."""
        with self._lock:
            known = self._read()
            if name not in known:
                known[name] = secrets.token_urlsafe(24)
                self._path.parent.mkdir(parents=True, exist_ok=True)
                write_file(self._path, json.dumps(known, indent=1, sort_keys=True) + "\n", mode=0o600)
            return known[name]

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise CommandError(f"{self._path}: is not JSON; delete it, new passwords are made") from error
        return {str(name): str(value) for name, value in known.items()}
