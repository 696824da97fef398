"""Free TCP ports on loopback."""

from __future__ import annotations

import random
import socket

HOST = "127.0.0.1"

# Below the range that the kernel hands to outgoing connections (32768 on Linux, 49152 elsewhere): there, a
# client that keeps trying a stopped server's port can be given that very port and connect to itself.
FIRST_PORT = 15000
LAST_PORT = 32000
ATTEMPTS = 200


def is_free(port: int, host: str = HOST) -> bool:
    """Return whether a server could listen on `port` of `host` now."""
    with socket.socket() as probe:
        # Connections of a server that just ended may linger; they do not keep a new one from listening.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Return a port that was free a moment ago; a caller that loses the race takes another one."""
    for _ in range(ATTEMPTS):
        port = random.randint(FIRST_PORT, LAST_PORT)  # noqa: S311  spreads processes, guards nothing
        if is_free(port):
            return port
    raise OSError(f"no free TCP port found between {FIRST_PORT} and {LAST_PORT} in {ATTEMPTS} attempts")
