"""Each service gets its own secrets and no other's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bongsu.up.data_source import Market, live, simulated
from bongsu.up.environment import Addresses, for_service

CALLER = {
    "PATH": "/bin",
    "GEMINI_API_KEY": "AIzaReal",
    "UPBIT_SECRET_KEY": "secret",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "HTTPS_PROXY": "http://proxy:3128",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318",
    "LOG_LEVEL": "DEBUG",
}
SERVICES = ("collector", "signaler", "health")
ADDRESSES = Addresses(
    databases={name: f"postgresql://bongsu_{name}:{name}-db@127.0.0.1:5/bongsu" for name in SERVICES},
    buses={name: f"nats://{name}:{name}-bus@127.0.0.1:6" for name in SERVICES},
    upbit="http://127.0.0.1:7",
    gemini="http://127.0.0.1:8",
    health_host="127.0.0.1",
    health_port=8080,
)


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_gets_another_ones_password(service: str) -> None:
    values = " ".join(for_service(service, CALLER, ADDRESSES, simulated()).values())
    others = [name for name in SERVICES if name != service]
    assert f"{service}-db" in values
    assert not [name for name in others if f"{name}-db" in values or f"{name}-bus" in values]
    assert "secret" not in values


def test_only_the_signaler_gets_the_key_of_gemini() -> None:
    urls = dict.fromkeys((*SERVICES, "trader"), "")
    addresses = Addresses(urls, urls, "https://api.upbit.com", None, "::1", 1)
    keys = {name: for_service(name, CALLER, addresses, live()).get("GEMINI_API_KEY") for name in urls}
    assert keys == {"collector": None, "signaler": "AIzaReal", "health": None, "trader": None}


def test_a_simulated_run_never_carries_the_real_key() -> None:
    environment = for_service("signaler", CALLER, ADDRESSES, simulated())
    assert environment["GEMINI_API_KEY"].startswith("AQ.simulator")
    assert environment["GOOGLE_GEMINI_BASE_URL"] == "http://127.0.0.1:8"


@pytest.mark.parametrize(("market", "source"), [(simulated(), "simulator"), (live(), "upbit")])
def test_the_collector_knows_where_its_values_come_from(market: Market, source: str) -> None:
    assert for_service("collector", CALLER, ADDRESSES, market)["MARKET_SOURCE"] == source


def test_a_proxy_is_only_used_on_the_way_out() -> None:
    inside = for_service("collector", CALLER, ADDRESSES, simulated())
    outside = for_service("collector", CALLER, ADDRESSES, live())
    assert "HTTPS_PROXY" not in inside
    assert outside["NO_PROXY"] == "127.0.0.1,localhost"


def test_telemetry_and_log_settings_reach_every_service() -> None:
    environment = for_service("health", CALLER, ADDRESSES, simulated())
    assert environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://127.0.0.1:4318"
    assert (environment["LOG_LEVEL"], environment["LOG_FORMAT"]) == ("DEBUG", "json")


def test_only_health_gets_the_webhook_and_the_way_out_to_it() -> None:
    caller = CALLER | {"NOTIFY_URL": "https://hooks.example.com/x", "NOTIFY_SETTLE_SECONDS": "30"}
    given = {name: for_service(name, caller, ADDRESSES, simulated()) for name in SERVICES}
    assert [name for name in SERVICES if "NOTIFY_URL" in given[name]] == ["health"]
    assert given["health"]["NOTIFY_SETTLE_SECONDS"] == "30"
    assert [name for name in SERVICES if "HTTPS_PROXY" in given[name]] == ["health"]
    assert "127.0.0.1" in given["health"]["NO_PROXY"]


def test_health_measures_the_disk_of_every_data_folder() -> None:
    addresses = replace(ADDRESSES, data_folders=("/data", "/var/lib/cluster"))
    environment = for_service("health", CALLER, addresses, simulated())
    assert environment["HEALTH_DATA_FOLDERS"] == "/data:/var/lib/cluster"
