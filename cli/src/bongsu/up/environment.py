"""Environment of each child: nothing that it does not need, and no other service's secret. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from bongsu.servers.ports import HOST
from bongsu.up.data_source import SOURCES, Market

# Shaped like a real key, so that masking and checks treat it as one; the simulator takes it.
SIMULATED_GEMINI_KEY = "AQ.simulator-key-for-bongsu-0000000000000"

_SYSTEM = (
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONPYCACHEPREFIX",
)
_LOGGING = ("LOG_LEVEL", "LOG_FORMAT")
# Needed to get out to the real Upbit and Gemini, and to a webhook; on loopback a proxy is only in the way.
_OUTWARD = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
_NOTIFY = ("NOTIFY_URL", "NOTIFY_URL_FILE", "NOTIFY_SETTLE_SECONDS")
_GEMINI = ("GEMINI_API_KEY", "GEMINI_API_KEY_FILE", "GOOGLE_GEMINI_BASE_URL")


@dataclass(frozen=True)
class Addresses:
    """Where everything is. The database and NATS URLs are templates by role and user.

    Attributes:
        databases: URL by service, each with its own role.
        buses: NATS URL by service, each with its own user.
        gemini: None where the real one is asked.
        health_port: Of the instance that the environment is for.
        data_folders: Where the data is, PostgreSQL's own folder included; health measures their disks.
    """

    databases: Mapping[str, str]
    buses: Mapping[str, str]
    upbit: str
    gemini: str | None
    health_host: str
    health_port: int
    data_folders: tuple[str, ...] = ()


def base(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what every program of ours gets."""
    kept = {name: environment[name] for name in (*_SYSTEM, *_LOGGING) if environment.get(name)}
    telemetry = {name: value for name, value in environment.items() if name.startswith("OTEL_")}
    return {"LOG_FORMAT": "json", **kept, **telemetry, "PYTHONUNBUFFERED": "1"}


def for_service(
    service: str,
    environment: Mapping[str, str],
    addresses: Addresses,
    market: Market,
    *,
    replicas: int = 1,
) -> dict[str, str]:
    """Return the whole environment of one instance of a service; each of its replicas gets the same."""
    result = base(environment) | {
        "DATABASE_URL": addresses.databases[service],
        "NATS_URL": addresses.buses[service],
        "REPLICAS": str(replicas),
    }
    notifies = service == "health" and any(environment.get(name) for name in _NOTIFY[:2])
    if market.kind == "live" or notifies:
        result |= {name: environment[name] for name in _OUTWARD if environment.get(name)}
        result["NO_PROXY"] = result["no_proxy"] = ",".join(
            filter(None, (HOST, "localhost", environment.get("NO_PROXY") or environment.get("no_proxy")))
        )
    return result | _own(service, environment, addresses, market)


def _own(
    service: str, environment: Mapping[str, str], addresses: Addresses, market: Market
) -> dict[str, str]:
    if service == "collector":
        return {"UPBIT_BASE_URL": addresses.upbit, "MARKET_SOURCE": SOURCES[market.kind]}
    if service == "health":
        served = {"HEALTH_HOST": addresses.health_host, "HEALTH_PORT": str(addresses.health_port)}
        if addresses.data_folders:
            served["HEALTH_DATA_FOLDERS"] = os.pathsep.join(addresses.data_folders)
        return served | {name: environment[name] for name in _NOTIFY if environment.get(name)}
    if service != "signaler":
        return {}
    if addresses.gemini:
        return {"GEMINI_API_KEY": SIMULATED_GEMINI_KEY, "GOOGLE_GEMINI_BASE_URL": addresses.gemini}
    return {name: environment[name] for name in _GEMINI if environment.get(name)}
