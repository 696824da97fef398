"""Context of a command: the URLs of its stack, from `<data-dir>/run.json` or from the environment.

A URL in the environment may also be in a file, which `<NAME>_FILE` names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from bongsu.errors import CommandError, UnreachableError, UsageError, file_error
from common.masking import register_secret
from common.settings import nats_servers, read_secret

DataDir = Annotated[
    Path, typer.Option("--data-dir", metavar="DIR", help="Data folder of the stack, as given to `bongsu up`.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]
DEFAULT_DATA_DIR = Path(".bongsu")

# Each with the schemes that it may have, and an example.
URLS = {
    "DATABASE_URL": (("postgresql", "postgres"), "postgresql://bongsu_admin@127.0.0.1:5432/bongsu"),
    "NATS_URL": (("nats", "tls"), "nats://127.0.0.1:4222"),
    "HEALTH_URL": (("http", "https"), "http://127.0.0.1:8080"),
}


@dataclass(frozen=True)
class StackContext:
    """The URLs of a stack by variable; each is checked when it is asked for, so a wrong one harms no other.

    Attributes:
        document: What `run.json` says besides; {} where it was not needed.

    Raises:
        UnreachableError: The URL is not known.
        UsageError: It is no such URL; the message never shows it.
    """

    urls: Mapping[str, str]
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def database_url(self) -> str:
        """PostgreSQL, with a password."""
        return self._needed("DATABASE_URL")

    @property
    def nats_url(self) -> str:
        """NATS, with a password, of each server; "" where none is known: only news is lost without it."""
        return self._checked("NATS_URL")

    @property
    def health_url(self) -> str:
        """The health service, without a slash at the end."""
        return self._needed("HEALTH_URL").rstrip("/")

    def _needed(self, name: str) -> str:
        if url := self._checked(name):
            return url
        raise UnreachableError(f"{name} is not known; start the stack with `make run`, or set {name}")

    def _checked(self, name: str) -> str:
        url = self.urls.get(name, "")
        schemes, example = URLS[name]
        if url and not all(_is_url(part, schemes) for part in _parts(name, url)):
            raise UsageError(f"{name}: must be a URL such as {example}; correct it")
        return url


def load_context(data_dir: Path) -> StackContext:
    """Return the stack of `data_dir`; DATABASE_URL, NATS_URL and HEALTH_URL in the environment win.

    Raises:
        UnreachableError: Nothing runs there.
        CommandError: `run.json` cannot be read.
        SettingsError: Nor can a file that the environment names.
    """
    urls = {name: read_secret(name, os.environ) for name in URLS}
    written: dict[str, Any] = {}
    if not all(urls.values()):
        written = _read_run_file(data_dir / "run.json", needed=not any(urls.values()))
        urls = {name: url or str(written.get(name.lower()) or "") for name, url in urls.items()}
    for name, url in urls.items():
        for part in _parts(name, url):
            _hide_password(part)
    return StackContext(urls, written)


def _parts(name: str, url: str) -> list[str]:
    return nats_servers(url) if name == "NATS_URL" else [url]


def _is_url(url: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a bracket too few, or a port that is no number or too large
        return False


def _hide_password(url: str) -> None:
    try:
        parts = urlsplit(url)
        register_secret(parts.password or parts.username or "")
    except ValueError:
        register_secret(url)


def _read_run_file(path: Path, *, needed: bool) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if not needed:
            return {}
        raise UnreachableError(
            f"nothing runs in {path.parent}: {path} is missing; start it with `make run`, or name another"
            " folder with --data-dir"
        ) from error
    except OSError as error:
        raise file_error(error)(
            f"{path} cannot be read ({error.strerror}); name the folder of your stack with --data-dir"
        ) from error
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise CommandError(f"{path} is not what `bongsu up` wrote; start the stack again with `make run`")
    return document
