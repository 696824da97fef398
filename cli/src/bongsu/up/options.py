"""Options of `bongsu up`: their rules, alone and together, and the command line that repeats them. Pure."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bongsu.errors import UsageError
from common.database.pool import SHARES

DEFAULT_PORT = 8080
DEFAULT_DATA_DIR = Path(".bongsu")
DEFAULT_SPEED = 1.0
FASTEST = 100_000.0
# An even number bears no more deaths than one less.
CLUSTER_SIZES = (1, 3, 5)


@dataclass(frozen=True)
class Options:
    """The command line, with the environment's defaults filled in.

    Attributes:
        port: Health HTTP.
        data_dir: None for the default, which an ephemeral run replaces by a temporary one.
        speed: Exchange seconds per second, None when not given.
        plain: Lines instead of the live view.
        replicas: How many of each service that is not to run once.
        nats_cluster: How many NATS servers.
    """

    port: int = DEFAULT_PORT
    data_dir: Path | None = None
    live: bool = False
    replay: Path | None = None
    speed: float | None = None
    ephemeral: bool = False
    plain: bool = False
    replicas: Mapping[str, int] = field(default_factory=dict)
    nats_cluster: int = 1


def parse_replicas(text: str | None) -> dict[str, int]:
    """Return how many of which service `collector=2,signaler=2` asks for.

    Raises:
        UsageError: No such service, named twice, or a number that its share of connections does not carry.
    """
    replicas: dict[str, int] = {}
    for part in text.split(",") if text is not None else ():
        service, _, number = part.strip().partition("=")
        if service not in SHARES:
            raise UsageError(
                f"--replicas {part.strip()[:40]!r}: must name a service, as in collector=2,signaler=2;"
                f" there are {', '.join(SHARES)}"
            )
        if service in replicas:
            raise UsageError(f"--replicas: {service} is named twice; give one number")
        # Each replica keeps at least one connection, and the floors of all fit in the service's own.
        most = SHARES[service].min
        if not (number.isascii() and number.isdigit() and 1 <= int(number) <= most):
            raise UsageError(f"--replicas {service}={number[:20]}: must be a whole number from 1 to {most}")
        replicas[service] = int(number)
    return replicas


def validate_options(options: Options) -> None:
    """Raise UsageError for options that contradict each other or are out of range."""
    if not 1 <= options.port <= 65535:
        raise UsageError(f"--port {options.port}: must be a whole number from 1 to 65535")
    if options.live and options.replay:
        raise UsageError("--live and --replay: one run has one market; give only one of them")
    if options.nats_cluster not in CLUSTER_SIZES:
        sizes = ", ".join(map(str, CLUSTER_SIZES))
        raise UsageError(f"--nats-cluster {options.nats_cluster}: must be one of {sizes}")
    if options.speed is None:
        return
    if options.replay is None:
        raise UsageError("--speed: only a recording has a speed; give --replay FILE as well")
    if not math.isfinite(options.speed) or not 0 < options.speed <= FASTEST:
        raise UsageError(f"--speed {options.speed:g}: must be more than 0 and at most {FASTEST:.0f}")


def command_line(options: Options, *, data_dir: Path | None = None, port: int | None = None) -> str:
    """Return what to type to run the same with another data dir or port."""
    folder = data_dir or options.data_dir
    words: list[str] = []
    if port or options.port != DEFAULT_PORT:
        words += ["--port", str(port or options.port)]
    if folder:
        words += ["--data-dir", str(folder)]
    if options.live:
        words.append("--live")
    if options.replay:
        words += ["--replay", str(options.replay)]
    if options.speed is not None:
        words += ["--speed", f"{options.speed:g}"]
    if options.replicas:
        words += ["--replicas", ",".join(f"{name}={number}" for name, number in options.replicas.items())]
    if options.nats_cluster != 1:
        words += ["--nats-cluster", str(options.nats_cluster)]
    words += ["--ephemeral"] if options.ephemeral else []
    words += ["--no-ui"] if options.plain else []
    return f'make run ARGS="{shlex.join(words)}"'
