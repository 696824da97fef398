"""The command `python -m gemini_simulator`: reads the options and serves."""

import argparse
import sys

from gemini_simulator.app import build_app
from simulator_control import AddressError, command_parser, serve_command


def main() -> None:
    """Read the options and serve until a signal."""
    options = _parser().parse_args()
    app = build_app(
        per_minute=options.requests_per_minute, per_day=options.requests_per_day, keys=options.key
    )
    try:
        serve_command(app, options, name="Gemini simulator")
    except AddressError as error:
        sys.exit(f"gemini_simulator: {error}")


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("gemini_simulator", "A server that speaks the Gemini API.")
    parser.add_argument(
        "--requests-per-minute", type=_quota, default=600, metavar="N", help="quota of each model (600)"
    )
    parser.add_argument(
        "--requests-per-day", type=_quota, default=100_000, metavar="N", help="quota of each model (100000)"
    )
    parser.add_argument(
        "--key", action="append", default=[], help="take only these keys; any plausible one by default"
    )
    return parser


def _quota(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number, 0 or more")
    return int(text)


if __name__ == "__main__":
    main()
