"""Does compose.yaml keep every container closed? Read as YAML, without Compose and without an engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = DOCUMENT["services"]
SERVERS = ("postgres", "nats", "reconciler", "health", "collector", "signaler")
SIMULATORS = ("upbit-simulator", "gemini-simulator")
OBSERVERS = ("otel-collector", "prometheus", "grafana")
# They end by themselves.
ONE_SHOT = ("migrate", "bongsu")
# Its image holds no program that could ask.
CANNOT_BE_ASKED = ("otel-collector",)

every_service = pytest.mark.parametrize("name", SERVICES)


def test_the_stack_is_made_of_these() -> None:
    assert set(SERVICES) == {*SERVERS, *SIMULATORS, *OBSERVERS, *ONE_SHOT}
    profiles = {name: service.get("profiles") for name, service in SERVICES.items()}
    assert {name for name, value in profiles.items() if value is None} == {*SERVERS, "migrate"}
    assert {name for name, value in profiles.items() if value == ["sim"]} == set(SIMULATORS)
    assert {name for name, value in profiles.items() if value == ["observe"]} == set(OBSERVERS)


@every_service
def test_it_is_no_root_and_changes_nothing_but_its_volumes_and_its_memory_within_limits(name: str) -> None:
    service = SERVICES[name]
    assert int(str(service["user"]).partition(":")[0]) > 0
    assert service["cap_drop"] == ["ALL"]
    assert not {"cap_add", "privileged"} & set(service)
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    for mount in service.get("volumes", []):
        source, _, options = mount.partition(":")
        assert source in DOCUMENT["volumes"] or options.endswith(":ro"), mount
    assert re.fullmatch(r"\d+m", service["mem_limit"])
    assert 0 < service["pids_limit"] <= 128
    assert re.fullmatch(r"\d+s", service["stop_grace_period"])
    assert service["logging"]["options"]["max-size"]


@every_service
def test_whether_it_lives_can_be_asked(name: str) -> None:
    if name in (*ONE_SHOT, *CANNOT_BE_ASKED):
        # With one that is disabled `docker compose up --wait` fails.
        assert "healthcheck" not in SERVICES[name]
    else:
        check = SERVICES[name]["healthcheck"]
        assert check["test"][0] in ("CMD", "CMD-SHELL")
        assert all(check[field] for field in ("interval", "timeout", "retries", "start_period"))


def test_only_health_is_published_and_only_on_loopback() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert list(published) == ["health"]
    assert all(port.startswith("127.0.0.1:") for port in published["health"])
    assert not any("network_mode" in service for service in SERVICES.values())


def test_one_network_leads_out_and_the_stores_are_not_in_it() -> None:
    networks = DOCUMENT["networks"]
    assert [name for name, network in networks.items() if not network.get("internal")] == ["outside"]
    inside = {name for name, service in SERVICES.items() if "outside" in service["networks"]}
    assert inside == {"collector", "signaler", "health"}
    assert SERVICES["postgres"]["networks"] == ["data"]
    assert SERVICES["nats"]["networks"] == ["bus"]


@every_service
def test_a_secret_is_a_file_and_no_variable(name: str) -> None:
    environment = SERVICES[name].get("environment", {})
    for variable, value in environment.items():
        if re.search(r"PASSWORD|SECRET|KEY|TOKEN|DATABASE_URL|NATS_URL|NOTIFY_URL", variable):
            assert variable.endswith("_FILE"), variable
            assert Path(value).name in _secrets_of(name), variable


def test_each_secret_is_made_by_the_script_and_known_to_few() -> None:
    script = (ROOT / "deploy/secrets.sh").read_text(encoding="utf-8")
    for name, secret in DOCUMENT["secrets"].items():
        file = secret["file"].removeprefix("${SECRETS_DIR:-./secrets}/")
        assert file in script or re.sub(r"^[a-z]+", "${user}", file) in script, name
        assert (ROOT / "deploy/sim-secrets" / file).is_file(), name
    for service in ("collector", "signaler", "health"):
        others = {"collector", "signaler", "health", "admin", "superuser", "postgres"} - {service}
        assert not [name for name in _secrets_of(service) if name.partition("_")[0] in others]


@every_service
def test_its_image_has_a_fixed_tag(name: str) -> None:
    image = SERVICES[name]["image"]
    tag = re.sub(r"\$\{BONGSU_VERSION:-([^}]*)\}", r"\1", image).partition(":")[2]
    assert re.match(r"v?\d", tag), image
    assert "@" not in image


def test_they_start_one_after_the_other() -> None:
    assert SERVICES["health"]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert SERVICES["collector"]["depends_on"] == {"health": {"condition": "service_healthy"}}
    assert SERVICES["signaler"]["depends_on"] == {"collector": {"condition": "service_healthy"}}


def test_the_documented_start_exports() -> None:
    example = _variables(".env.example")
    assert example["COMPOSE_PROFILES"] == "observe"
    assert example["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://otel-collector:4318"
    for service in ("collector", "signaler", "health"):
        variable = SERVICES[service]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"]
        assert variable == "${OTEL_EXPORTER_OTLP_ENDPOINT:-}"


def test_the_simulated_stack_points_at_the_simulators_and_keeps_to_itself() -> None:
    simulated = _variables("sim.env")
    assert simulated["COMPOSE_PROFILES"] == "sim"
    assert simulated["COMPOSE_PROJECT_NAME"] != DOCUMENT["name"]
    assert simulated["MARKET_SOURCE"] == "simulator"
    hosts = (simulated["UPBIT_BASE_URL"], simulated["GOOGLE_GEMINI_BASE_URL"])
    assert hosts == tuple(f"http://{name}:8080" for name in SIMULATORS)


def test_the_build_is_reproducible_where_there_is_no_frontend_to_fetch() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "# syntax=" not in text
    assert "@sha256" not in text
    assert text.count("--require-hashes") == len(re.findall(r"-r \S*\.lock", text)) == 2


def _secrets_of(name: str) -> list[str]:
    given = SERVICES[name].get("secrets", [])
    return [secret if isinstance(secret, str) else secret["source"] for secret in given]


def _variables(file: str) -> dict[str, str]:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
