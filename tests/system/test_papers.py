"""Does every command that the papers name do what a person types it for?

`make` itself is looked at in tests/unit/papers, `docker` in tests/compose.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from papers.commands import Typed, typed
from servers.commands import bongsu
from servers.surroundings import unmeasured
from servers.waiting import eventually_sync
from system.conftest import Run, Start

COMMANDS = [command for command in typed() if command.program in ("bongsu", "curl")]
SECONDS = 30.0


def test_every_command_works_as_it_is_written(start: Start, home: Path) -> None:
    run = start(folder=home / ".bongsu").until_up()
    eventually_sync(lambda: run.health().get("status") == "healthy", 40.0)
    program = home / "bin" / "bongsu"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m bongsu "$@"\n')
    program.chmod(0o755)
    failed = {command.line: ended for command in COMMANDS if (ended := _run(command, run, home))}
    assert failed == {}


def _newest_signal(run: Run) -> str:
    listed = bongsu("signals", "--limit", "1", "--json", "--data-dir", str(run.folder)).document
    return str(listed[0]["id"])


def _run(command: Typed, run: Run, home: Path) -> str:
    """Run one as it is written, but on this run's port; returns what it printed where it failed."""
    line = command.line.replace(".venv/bin/bongsu", "bongsu").replace(":8080", f":{run.port}")
    line = re.sub(r"^curl", "curl --fail-with-body --silent", line)
    line = line.replace(" ID", f" {_newest_signal(run)}")
    environment = {"PATH": f"{home / 'bin'}:{os.environ['PATH']}", "UPBIT_URL": run.document["upbit_url"]}
    result = subprocess.run(
        ["sh", "-c", line],
        cwd=home,
        env=unmeasured(**environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    return f"{result.returncode}: {result.stdout[-500:]}{result.stderr[-500:]}" if result.returncode else ""
