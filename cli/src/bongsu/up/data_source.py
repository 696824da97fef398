"""Data source of a data dir: one market for ever, so that simulated, recorded and real prices never mix."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from bongsu.errors import CommandError
from bongsu.servers.atomic_write import write_file
from bongsu.up.options import DEFAULT_DATA_DIR, Options, command_line
from upbit_simulator.recorded.recording import Recording

FILE_NAME = "market.json"
SEED = 1
UPBIT_URL = "https://api.upbit.com"

Kind = Literal["simulated", "replay", "live"]
# How each kind is called where the collector writes down the source of a value.
SOURCES: dict[Kind, str] = {"simulated": "simulator", "replay": "replay", "live": "upbit"}


@dataclass(frozen=True)
class Market:
    """A market's identity (`key`) and what is written about it for people (`name`, `markets`).

    Attributes:
        days: How far a recording reaches, in whole days; 0 where the market has no end.
    """

    kind: Kind
    key: str
    name: str
    markets: tuple[str, ...] = field(default=())
    days: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return what market.json and run.json say."""
        which = {"simulated": "seed", "replay": "recording_sha256", "live": "exchange"}[self.kind]
        key = int(self.key) if self.kind == "simulated" else self.key
        document = {"kind": self.kind, which: key, "name": self.name}
        return document | ({"markets": list(self.markets)} if self.markets else {})


def simulated() -> Market:
    """Return the seeded market."""
    return Market("simulated", str(SEED), f"the simulated market (seed {SEED})")


def replayed(recording: Recording) -> Market:
    """Return the market of a recording, known by its content, wherever the file lies."""
    name = f"the recording {recording.path.name}"
    days = math.ceil(timedelta(milliseconds=recording.end_ms - recording.first_ms) / timedelta(days=1))
    return Market("replay", recording.sha256, name, recording.markets, days)


def live(exchange: str = UPBIT_URL) -> Market:
    """Return the real market."""
    return Market("live", exchange, "the real market")


def write_market(folder: Path, market: Market) -> None:
    """Write down the market of a data dir."""
    text = json.dumps(market.as_json(), indent=1, ensure_ascii=False) + "\n"
    write_file(folder / FILE_NAME, text, mode=0o644)


def check_market(folder: Path, market: Market, options: Options) -> None:
    """Raise CommandError, with the command to type, where the data dir holds another market.

    Args:
        folder: The data dir as the person wrote it.
    """
    known = _read(folder / FILE_NAME)
    if known is None:
        return
    identity = {name: value for name, value in market.as_json().items() if name not in ("name", "markets")}
    if any(known.get(name) != value for name, value in identity.items()):
        suffix = market.kind if market.kind != "replay" else f"replay-{market.key[:6]}"
        other = command_line(options, data_dir=folder.with_name(f"{DEFAULT_DATA_DIR.name}-{suffix}"))
        raise CommandError(
            f"{folder} holds {known.get('name', 'another market')}, not {market.name}, and prices of two"
            f" markets never mix; use a folder of its own: {other}"
        )


def _read(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CommandError(
            f"{path}: cannot be read ({type(error).__name__}), so the market of this data dir is unknown;"
            " restore the file or use another --data-dir"
        ) from error
    if not isinstance(document, dict):
        raise CommandError(f"{path}: is not what bongsu wrote; restore the file or use another --data-dir")
    return document
