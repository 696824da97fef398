"""Port check: the health port must be free, and the process that holds it is named where that is known."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from bongsu.errors import CommandError
from bongsu.servers import ports
from bongsu.up.options import Options, command_line

LISTENING = "0A"


def check_port(options: Options, host: str) -> None:
    """Raise CommandError when the health port is taken; it names the holder where that is known."""
    if ports.is_free(options.port, host):
        return
    holder = port_holder(options.port)
    by = f"by {holder}" if holder else "by another program"
    reason = f"port {options.port} is taken {by}"
    if options.port < 1024 and os.geteuid() != 0:
        reason = f"port {options.port} is taken, or below 1024 and so not for ordinary users"
    free = next((port for port in range(8080, 8200) if ports.is_free(port, host)), ports.free_port())
    raise CommandError(f"{reason}; choose another one: {command_line(options, port=free)}")


def port_holder(port: int) -> str | None:
    """Return the name and pid of the process that listens on a TCP port, None where the system won't tell."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    for link in Path("/proc").glob("[0-9]*/fd/*") if sockets else ():
        with contextlib.suppress(OSError):
            if str(link.readlink()) in sockets:
                process = link.parent.parent
                name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
                return f"{name} (process {process.name})"
    return None


def _listening(port: int) -> list[str]:
    inodes = []
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (Path("/proc/net") / table).read_text(encoding="ascii").splitlines()[1:]:
                fields = re.split(r"\s+", line.strip())
                if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.append(fields[9])
    return inodes
