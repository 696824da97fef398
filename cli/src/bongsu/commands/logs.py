"""`bongsu logs`: log lines of all processes of a stack, in order of time."""

from __future__ import annotations

import json
import re
import shlex
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bongsu.commands.options import span_begin
from bongsu.context import DEFAULT_DATA_DIR, DataDir
from bongsu.errors import UnreachableError, UsageError, file_error
from bongsu.logs.files import LogFile, LogFilter, follow, newest_lines
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
    query = _LogQuery(tuple(services or ()), _level(level), since, lines, following)
    begin = span_begin(since)
    files = _files(data_dir, query)
    _hide_passwords(data_dir / "secrets.json")
    try:
        _report(data_dir / "logs", files, query, begin, as_json=as_json)
    except OSError as error:
        if error.filename is None:
            raise  # what is printed cannot be written
        raise file_error(error)(f"{error.filename} cannot be read ({error.strerror})") from error


@dataclass(frozen=True)
class _LogQuery:
    services: tuple[str, ...]
    level: Level
    since: str | None
    lines: int | None
    following: bool

    def takes(self, path: Path) -> bool:
        return not self.services or bool({path.stem, REPLICA.sub("", path.stem)} & set(self.services))

    def for_docker(self) -> str:
        words = ["docker", "compose", "logs", *(["--follow"] if self.following else [])]
        words += ["--since", self.since] if self.since else []
        words += ["--tail", str(self.lines)] if self.lines else []
        return shlex.join([*words, *self.services])


def _report(
    folder: Path, files: list[LogFile], query: _LogQuery, begin: datetime | None, *, as_json: bool
) -> None:
    count = query.lines or (None if begin else SHOWN)
    for line in newest_lines(files, LogFilter(query.level, begin, count)):
        _print(line, as_json=as_json)
    if not query.following:
        return
    for added in follow(folder, files, query.takes, query.level):
        for line in added:
            _print(line, as_json=as_json)
        sys.stdout.flush()
        time.sleep(POLL_SECONDS)


def _files(data_dir: Path, query: _LogQuery) -> list[LogFile]:
    folder = data_dir / "logs"
    try:
        paths = sorted(
            (path for path in folder.iterdir() if path.suffix == ".log"), key=lambda path: path.stem
        )
    except (FileNotFoundError, NotADirectoryError):
        paths = []
    except OSError as error:
        raise file_error(error)(f"{folder} cannot be read ({error.strerror})") from error
    if not paths:
        raise UnreachableError(
            f"there are no logs in {folder}; start the stack with `make run`, or name its folder with"
            f" --data-dir; of a stack under Docker Compose: {query.for_docker()}"
        )
    paths.sort(key=lambda path: path.stem)
    for name in query.services:
        if not any(_LogQuery((name,), query.level, None, None, False).takes(path) for path in paths):
            known = ", ".join(path.stem for path in paths)
            raise UsageError(f"--service {name[:40]!r}: there is no log of it; there are {known}")
    return [LogFile(path) for path in paths if query.takes(path)]


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
