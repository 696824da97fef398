"""Where is the stack that a command talks to? In `<data-dir>/run.json`, or in the environment."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bongsu.errors import CommandError, UnreachableError
from common.masking import register_secret

DataDir = Annotated[
    Path, typer.Option("--data-dir", help="Data folder of the stack, as given to `bongsu up`.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]
DEFAULT_DATA_DIR = Path(".bongsu")


@dataclass(frozen=True)
class RunningStack:
    """The URLs of a stack; the first two carry passwords."""

    database_url: str
    nats_url: str
    health_url: str


def find_stack(data_dir: Path) -> RunningStack:
    """Return the stack of `data_dir`; DATABASE_URL, NATS_URL and HEALTH_URL in the environment win.

    Raises:
        UnreachableError: Nothing runs there.
        CommandError: `run.json` cannot be read.
    """
    known = {name: os.environ.get(name.upper(), "") for name in ("database_url", "nats_url", "health_url")}
    if not all(known.values()):
        written = _read_run_file(data_dir / "run.json", needed=not any(known.values()))
        known = {name: value or str(written.get(name, "")) for name, value in known.items()}
    for name in ("database_url", "nats_url"):
        register_secret(known[name])
    return RunningStack(**known)


def _read_run_file(path: Path, *, needed: bool) -> dict[str, object]:
    try:
        document: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if not needed:
            return {}
        raise UnreachableError(
            f"nothing runs in {path.parent}: {path} is missing; start it with `make run`, or name another"
            " folder with --data-dir"
        ) from error
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} cannot be read ({type(error).__name__}); is it your stack?") from error
    return document
