"""Run the Gemini simulator: `python -m gemini_simulator --port N`."""

from __future__ import annotations

import argparse
import asyncio
import sys

from gemini_simulator.service import build_app
from simulator_control import serve


def main() -> None:
    """Read the options and serve until a signal."""
    parser = argparse.ArgumentParser(
        prog="gemini_simulator", description="A server that speaks the Gemini API."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--requests-per-minute", type=int, default=600, help="quota per model")
    parser.add_argument("--requests-per-day", type=int, default=100_000, help="quota per model")
    parser.add_argument(
        "--key", action="append", default=[], help="take only these keys; any plausible one by default"
    )
    options = parser.parse_args()
    app = build_app(
        per_minute=options.requests_per_minute, per_day=options.requests_per_day, keys=options.key
    )
    try:
        asyncio.run(serve(app, host=options.host, port=options.port, name="Gemini simulator"))
    except OSError as error:
        sys.exit(
            f"gemini_simulator: {options.host}:{options.port} cannot be used: {error.strerror}; choose --port"
        )


if __name__ == "__main__":
    main()
