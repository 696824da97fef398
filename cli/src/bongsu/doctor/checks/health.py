"""Health page check: Bongsu's health service is on its port, and no other program."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from bongsu.doctor.finding import Finding, ok, problem, warning
from bongsu.servers import ports
from bongsu.up.options import DEFAULT_PORT
from bongsu.up.preflight.port import port_holder

CHECK = "health page"
ANSWER_SECONDS = 5.0
LOOPBACK = ("127.0.0.1", "localhost", "::1")


async def check_page(url: str) -> Finding:
    """Ask for the health answer at `url`."""
    try:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as client:
            document = (await client.get(f"{url}/health/detail")).json()
        status = str(document["status"]) if "components" in document else "not Bongsu's"
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        return _problem(f"{url} does not answer as health does ({type(error).__name__})", url)
    look = "see `bongsu status`, which names the component"
    if status == "healthy":
        return ok(CHECK, f"{url} answers: {status}")
    if status == "degraded":
        return warning(CHECK, f"{url} answers: {status}", look)
    if status == "unhealthy":
        return problem(CHECK, f"{url} answers: {status}", look)
    return _problem(f"{url} is not Bongsu's health service", url)


def check_port() -> Finding:
    """Tell, where nothing runs, whether `bongsu up` would find its port free."""
    if ports.is_free(DEFAULT_PORT):
        return ok("port", f"{DEFAULT_PORT} is free")
    holder = port_holder(DEFAULT_PORT) or "another program"
    return warning("port", f"{DEFAULT_PORT} is taken by {holder}", "start with `bongsu up --port 9000`")


def _problem(found: str, url: str) -> Finding:
    parts = urlsplit(url)
    holder = port_holder(parts.port or 80) if parts.hostname in LOOPBACK else None
    return problem(
        CHECK,
        f"{found}; the port is held by {holder}" if holder else found,
        "start the stack, choose another port with `bongsu up --port N`, or correct HEALTH_URL",
    )
