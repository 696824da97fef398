"""`bongsu logs`: log lines of all processes of a stack, in order of time."""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from bongsu.commands.options import span_begin
from bongsu.context import DEFAULT_DATA_DIR, DataDir
from bongsu.errors import UnreachableError, UsageError, file_error
from bongsu.logs.files import LogFile, follow, newest_lines
from bongsu.logs.lines import Level, LogLine
from bongsu.output import one_line, say
from common.masking import mask_sensitive, register_secret

SHOWN = 100
POLL_SECONDS = 0.2
REPLICA = re.compile(r"-\d+$")
PROCESSES = ("collector", "signaler", "health", "postgres", "nats", "upbit", "gemini")


def _complete(incomplete: str) -> list[str]:
    return [name for name in PROCESSES if name.startswith(incomplete)]


Service = Annotated[
    list[str] | None,
    typer.Option(
        "--service",
        metavar="NAME",
        autocompletion=_complete,
        help="Only this one and its replicas, as in collector or postgres; may be repeated.",
    ),
]
LeastLevel = Annotated[
    str,
    typer.Option(
        "--level",
        metavar="LEVEL",
        autocompletion=lambda: [level.name.lower() for level in Level],
        help="Only lines of this level or above: debug, info, warning, error, critical.",
    ),
]
Span = Annotated[
    str | None,
    typer.Option("--since", metavar="SPAN", help="Only what was written in the last 90s, 30m, 24h or 7d."),
]
Lines = Annotated[
    int | None,
    typer.Option(
        "--lines", metavar="N", min=1, max=10_000_000, help=f"How many at most; {SHOWN}, or all with --since."
    ),
]


def logs(
    services: Service = None,
    level: LeastLevel = "debug",
    since: Span = None,
    lines: Lines = None,
    following: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is added.")] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, as the services write it.")
    ] = False,
) -> None:
    """Show what the processes wrote, in order of time.

    Times are UTC, secrets are masked. Also of a stack of `bongsu up` that has stopped. Under Docker Compose
    the logs are with Docker: docker compose logs.

    As in: bongsu logs --service signaler --level warning --since 24h
    """
    names, least, begin = services or [], _level(level), span_begin(since)
    folder = data_dir / "logs"
    paths = _paths(folder)
    if not paths:
        raise UnreachableError(
            f"there are no logs in {folder}; start the stack with `make run`, or name its folder with"
            " --data-dir; of a stack under Docker Compose:"
            f" {_for_docker(names, since, lines, following=following)}"
        )
    for name in names:
        if not any(_is_of(path, [name]) for path in paths):
            known = ", ".join(path.stem for path in paths)
            raise UsageError(f"--service {name[:40]!r}: there is no log of it; there are {known}")
    _hide_passwords(data_dir / "secrets.json")
    files = [LogFile(path) for path in paths if _is_of(path, names)]
    limit = lines or (None if begin else SHOWN)
    try:
        for line in newest_lines(files, least, since=begin, limit=limit):
            _print(line, as_json=as_json)
        for added in follow(folder, files, lambda path: _is_of(path, names), least) if following else ():
            for line in added:
                _print(line, as_json=as_json)
            sys.stdout.flush()
            time.sleep(POLL_SECONDS)
    except OSError as error:
        if error.filename is None:
            raise  # what is printed cannot be written
        raise file_error(error)(f"{error.filename} cannot be read ({error.strerror})") from error


def _is_of(path: Path, names: Sequence[str]) -> bool:
    """Return whether a log is of one of these services or of a replica of one; of any where none is named."""
    return not names or path.stem in names or REPLICA.sub("", path.stem) in names


def _for_docker(names: Sequence[str], since: str | None, lines: int | None, *, following: bool) -> str:
    words = ["docker", "compose", "logs", *(["--follow"] if following else [])]
    words += ["--since", since] if since else []
    words += ["--tail", str(lines)] if lines else []
    return shlex.join([*words, *names])


def _paths(folder: Path) -> list[Path]:
    try:
        found = [path for path in folder.iterdir() if path.suffix == ".log"]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise file_error(error)(f"{folder} cannot be read ({error.strerror})") from error
    return sorted(found, key=lambda path: path.stem)


def _level(name: str) -> Level:
    try:
        return Level[name.upper()]
    except KeyError:
        known = ", ".join(level.name.lower() for level in Level)
        raise UsageError(f"--level {name[:40]!r}: must be one of {known}") from None


def _hide_passwords(path: Path) -> None:
    """Have the stack's own passwords masked too, should a server have written one down."""
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    for password in known.values() if isinstance(known, dict) else ():
        register_secret(str(password))


def _print(line: LogLine, *, as_json: bool) -> None:
    if as_json:
        say(line.text if line.fields is not None else _as_json(line))
        return
    say(f"{line.time:%Y-%m-%d %H:%M:%S} {line.level.name:8} {line.process:11} {line.message}")
    for text in line.following:
        sys.stdout.write(f"    {one_line(mask_sensitive(text))}\n")


def _as_json(line: LogLine) -> str:
    fields = {
        "timestamp": line.time.isoformat().replace("+00:00", "Z"),
        "level": line.level.name.lower(),
        "service": line.process,
        "event": "\n".join((line.message, *line.following)),
    }
    return json.dumps(fields, ensure_ascii=False)
