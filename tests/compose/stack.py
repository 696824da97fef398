"""Compose stack on an engine: the commands that a person types, and the answers of its parts."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compose.engine import ROOT, Engine
from docs.commands import SERVER_PAGES

SERVICES = ("health", "collector", "signaler")
SIMULATED, DEPLOYED = "bongsu-test", "bongsu-deployed"
# Its image holds nothing that could ask it.
UNASKED = ("otel-collector",)
SERVERS = ("postgres", "nats", "reconciler", *SERVICES, "upbit-simulator", "gemini-simulator")
PROBE = Path(__file__).with_name("probe.py")
POLL_SECONDS = 0.5

# Minutes from the first candle to the newest that are neither stored nor proven empty.
UNEXPLAINED = """
SELECT count(*) FROM (
    SELECT symbol, generate_series(min(timestamp), max(timestamp), interval '1 minute') AS minute
    FROM market_data GROUP BY symbol
) AS due
WHERE NOT EXISTS (SELECT FROM market_data AS m WHERE m.symbol = due.symbol AND m.timestamp = due.minute)
AND NOT EXISTS (
    SELECT FROM candle_gaps AS g WHERE g.symbol = due.symbol AND g.status = 'confirmed_empty'
    AND due.minute >= g.from_time AND due.minute < g.to_time)"""
OPEN_GAPS = "SELECT count(*) FROM candle_gaps WHERE status = 'open'"
NEWEST = "SELECT max(timestamp) FROM market_data"
CANDLES = "SELECT count(*) FROM market_data"
SOME_TIME_AGO = "SELECT max(timestamp) - interval '5 minutes' FROM market_data"
# What does not change any more.
CONTENTS = """
SELECT (SELECT md5(string_agg(concat_ws(',', symbol, timestamp, close), ';' ORDER BY symbol, timestamp))
        FROM market_data WHERE timestamp < '{until}'),
       (SELECT md5(string_agg(concat_ws(',', id, reasoning), ';' ORDER BY id))
        FROM trading_signals WHERE candle_timestamp < '{until}'),
       (SELECT count(*) FROM system_config_history)"""
ANYBODY_MAY_CONNECT = "SELECT has_database_privilege('public', 'bongsu', 'CONNECT')"
SIGNALS = "SELECT count(*) FROM trading_signals WHERE source = 'gemini'"


@dataclass
class Stack:
    """One project of Compose.

    Attributes:
        folder: Where everything is typed, and what the typed commands write.
        secrets: The folder that holds them.
        port: Of health, where published ports are.
        variables: Set for every command, the project's name among them.
    """

    engine: Engine
    folder: Path
    secrets: Path
    port: int
    variables: dict[str, str]

    def compose(self, *arguments: str) -> str:
        """Run `docker compose …`; AssertionError with its words when it fails."""
        return self.engine.ask("compose", *arguments, folder=self.folder, variables=self.variables)

    def said_in(self, service: str, command: str) -> list[str]:
        """Return the lines that a shell command prints in a service's container, however it ends."""
        words = ("compose", "exec", "-T", service, "sh", "-c", command)
        result = self.engine.run(*words, folder=self.folder, variables=self.variables)
        return result.stdout.decode().splitlines()

    def documented(self, heading: str, *, typed: str = "") -> str:
        """Run what the docs say below a heading, with `typed` as input; returns what it prints."""
        result = subprocess.run(
            ["sh", "-eu", "-c", _shell_below(heading)],
            cwd=self.folder,
            env={
                **os.environ,
                "PATH": f"{Path(self.engine.docker).parent}:{os.environ['PATH']}",
                **self.engine.environment,
                **self.variables,
            },
            input=typed,
            capture_output=True,
            text=True,
        )
        assert result.returncode == 0, f"{heading}: {result.stdout[-1000:]}{result.stderr[-3000:]}"
        return result.stdout

    def up(self, *arguments: str) -> None:
        """Bring up what is named, everything by default, and wait until it is healthy."""
        self.compose("up", "--detach", "--no-build", "--wait", *arguments)

    def ids(self, service: str) -> list[str]:
        """Return the containers of a service that run."""
        return self.compose("ps", "--quiet", service).split()

    def inspect(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of a service's container, also of one that has ended."""
        container = self.compose("ps", "--all", "--quiet", service).split()[0]
        document: list[dict[str, Any]] = json.loads(self.engine.ask("inspect", container))
        return document[0]

    def sql(self, query: str) -> str:
        """Return what psql prints for a query, columns with | between."""
        psql = ("psql", "--username=postgres", "--dbname=bongsu", "--tuples-only", "--no-align", "--command")
        return self.compose("exec", "--no-TTY", "postgres", *psql, query)

    def detail(self) -> dict[str, Any]:
        """Return /health/detail, {} where it does not answer."""
        code = (
            "import sys, urllib.request as r, urllib.error as e\n"
            "try: answer = r.urlopen(sys.argv[1], timeout=3)\n"
            "except e.HTTPError as error: answer = error\n"
            "print(answer.read().decode())"
        )
        url = f"http://127.0.0.1:{self.port}/health/detail"
        command = [*self.engine.inside, sys.executable, "-c", code, url]
        result = subprocess.run(command, capture_output=True, text=True)
        with contextlib.suppress(ValueError):
            return dict(json.loads(result.stdout))
        return {}

    def is_healthy(self) -> bool:
        """Return whether the stack calls itself healthy."""
        return self.detail().get("status") == "healthy"

    def until_healthy(self, within: float = 60.0) -> None:
        """Return once the stack and each of its containers is."""
        until(lambda: self.unhealthy() == "", within, self.unhealthy)

    def unhealthy(self) -> str:
        """Return what is not healthy, "" when all is."""
        rows = [json.loads(line) for line in self.compose("ps", "--format", "json").splitlines()]
        bad = [
            f"{row['Service']} {row['State']} {row['Health']}"
            for row in rows
            if row["Health"] != "healthy" and row["Service"] not in UNASKED
        ]
        missing = set(SERVERS) - {row["Service"] for row in rows}
        detail = self.detail()
        wrong = [c for c in detail.get("components", []) if c["status"] != "healthy"]
        wrong += [s for s in detail.get("services", []) if s["status"] != "healthy"]
        is_well = detail.get("status") == "healthy"
        return "" if is_well and not bad and not missing else f"{bad} {missing or ''} {wrong or detail}"

    def remains(self) -> str:
        """Return what the engine still has of this project, "" when nothing."""
        project = f"label=com.docker.compose.project={self.variables['COMPOSE_PROJECT_NAME']}"
        kinds = (("ps", "--all"), ("network", "ls"), ("volume", "ls"))
        return "".join(self.engine.ask(*kind, "--quiet", "--filter", project) for kind in kinds)

    @contextmanager
    def probed(self) -> Iterator[Callable[[], float]]:
        """Ask /health/live all the time; what is given tells the longest time without an answer, seconds."""
        url = f"http://127.0.0.1:{self.port}/health/live"
        command = [*self.engine.inside, sys.executable, str(PROBE), url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            lines: list[str] = []

            def longest() -> float:
                process.terminate()
                lines.extend(process.stdout or ())
                answered = [float(line.split()[0]) for line in lines if line.split()[1] == "1"]
                return max(later - earlier for earlier, later in itertools.pairwise(answered))

            try:
                yield longest
            finally:
                process.kill()


def _shell_below(heading: str) -> str:
    """Return the first block of shell below a heading of the pages about a server."""
    text = "".join((ROOT / page).read_text(encoding="utf-8") for page in SERVER_PAGES)
    below = text.partition(f"# {heading}\n")[2]
    block = below.partition("```sh\n")[2].partition("```")[0]
    assert block, f"no shell below {heading!r} in {', '.join(SERVER_PAGES)}"
    return block


def until(condition: Callable[[], bool], within: float, reason: Callable[[], str]) -> None:
    """Return once `condition` holds; AssertionError with the reason after `within` seconds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not so within {within:.0f} s: {reason()}")
        time.sleep(POLL_SECONDS)
