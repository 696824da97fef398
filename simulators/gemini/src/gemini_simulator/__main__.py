"""Run the Gemini simulator: `python -m gemini_simulator --port N`."""

from __future__ import annotations

import argparse
import asyncio
import sys

from gemini_simulator.app import build_app
from simulator_control import serve

HIGHEST_PORT = 65535


def main() -> None:
    """Read the options and serve until a signal."""
    options = _parser().parse_args()
    app = build_app(
        per_minute=options.requests_per_minute, per_day=options.requests_per_day, keys=options.key
    )
    try:
        asyncio.run(serve(app, host=options.host, port=options.port, name="Gemini simulator"))
    except OSError as error:
        sys.exit(
            f"gemini_simulator: {options.host}:{options.port} cannot be used: {error.strerror}; choose --port"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gemini_simulator", description="A server that speaks the Gemini API."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, required=True)
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


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1 to {HIGHEST_PORT}")
    return int(text)


def _quota(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number, 0 or more")
    return int(text)


if __name__ == "__main__":
    main()
