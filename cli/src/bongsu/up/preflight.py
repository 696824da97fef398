"""Can the run begin at all? Each thing that stands in the way is one sentence, before anything starts."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping
from pathlib import Path

import httpx

from bongsu.errors import CommandError, UnreachableError
from bongsu.servers import ports
from bongsu.up.options import Options, command_line
from common.masking import mask_sensitive, register_secret

REACH_SECONDS = 5.0
GEMINI_URL = "https://generativelanguage.googleapis.com"
REFUSED_KEY = (400, 401, 403)
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


def check_upbit(url: str) -> None:
    """Raise UnreachableError unless Upbit answers within 5 s."""
    try:
        answer = httpx.get(f"{url}/v1/market/all", timeout=REACH_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnreachableError(
            f"{url} cannot be reached ({_reason(error)}); check the network, or run the simulated market"
            " without --live"
        ) from error
    if answer.status_code >= 500:
        raise UnreachableError(f"{url} answers with status {answer.status_code}; try again later")


def check_gemini(environment: Mapping[str, str]) -> str | None:
    """Try the key where there is one; returns a sentence when Gemini will not speak, None when it will.

    Raises:
        CommandError: The key is refused, or its file cannot be read. The key is never shown.
        UnreachableError: Gemini does not answer within 5 s.
    """
    key = _gemini_key(environment)
    if not key:
        return "no GEMINI_API_KEY is set, so Gemini is not asked: signals come from the rule, labelled so"
    register_secret(key)
    url = environment.get("GOOGLE_GEMINI_BASE_URL") or GEMINI_URL
    try:
        answer = httpx.get(
            f"{url}/v1beta/models",
            params={"pageSize": 1},
            headers={"x-goog-api-key": key},
            timeout=REACH_SECONDS,
        )
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError) as error:
        raise UnreachableError(
            f"Gemini at {url} cannot be reached ({_reason(error)}); check the network, or unset"
            " GEMINI_API_KEY to let the rule speak"
        ) from error
    if answer.status_code in REFUSED_KEY:
        raise CommandError(
            f"GEMINI_API_KEY is refused by Gemini (status {answer.status_code}); put in a valid key, or unset"
            " it to let the rule speak"
        )
    if not answer.is_success:
        return f"Gemini answers with status {answer.status_code} now; until it recovers the rule speaks"
    return None


def _gemini_key(environment: Mapping[str, str]) -> str:
    if key := environment.get("GEMINI_API_KEY", "").strip():
        return key
    path = environment.get("GEMINI_API_KEY_FILE")
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(
            f"GEMINI_API_KEY_FILE: {path} cannot be read ({type(error).__name__}); check the path"
        ) from error


def _reason(error: Exception) -> str:
    return mask_sensitive(str(error)) or type(error).__name__


def _listening(port: int) -> list[str]:
    inodes = []
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (Path("/proc/net") / table).read_text(encoding="ascii").splitlines()[1:]:
                fields = re.split(r"\s+", line.strip())
                if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.append(fields[9])
    return inodes
