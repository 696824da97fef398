"""The command `python -m upbit_simulator`: reads the options, checks the recording, serves."""

import argparse
import math
import sys
from pathlib import Path

from simulator_control import AddressError, command_parser, serve_command
from upbit_simulator.app import build_app
from upbit_simulator.exchange import Exchange
from upbit_simulator.market.clock import WallExchangeClock
from upbit_simulator.recorded.clock_anchor import replay_clock
from upbit_simulator.recorded.market import RecordedMarket
from upbit_simulator.recorded.recording import RecordingError, load_recording
from upbit_simulator.seeded.market import SeededMarket

USAGE_ERROR = 2
FASTEST = 1_000_000


def main() -> int:
    """Run the simulator; returns the exit code."""
    options = _parser().parse_args()
    try:
        serve_command(build_app(_exchange(options)), options, name="upbit-simulator")
    except (RecordingError, AddressError) as error:
        sys.stderr.write(f"upbit-simulator: {error}\n")
        return USAGE_ERROR
    return 0


def _exchange(options: argparse.Namespace) -> Exchange:
    if options.replay is None:
        return Exchange(SeededMarket(options.seed), WallExchangeClock())
    recording = load_recording(options.replay)
    clock = replay_clock(recording, speed=options.speed, path=options.anchor)
    return Exchange(RecordedMarket(recording), clock, recording)


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("upbit-simulator", "Speaks Upbit's public REST and WebSocket protocol.")
    parser.add_argument("--seed", type=int, default=1, help="which simulated market (default: 1)")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="serve a recording instead")
    parser.add_argument(
        "--speed", type=_speed, default=1.0, help="how much faster a replay runs (default: 1)"
    )
    parser.add_argument("--anchor", type=Path, metavar="FILE", help="keeps the replay's clock over restarts")
    return parser


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 0 < speed <= FASTEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a speed; give a number above 0, at most {FASTEST}")
    return speed


if __name__ == "__main__":
    raise SystemExit(main())
