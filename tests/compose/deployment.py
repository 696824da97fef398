"""Deployment of the real stack as docs/operations.md says, all of it visible where .env.example says it is.

What is typed is to the letter; Upbit and Gemini are the simulators. One stack for all tests, in this order.
"""

from __future__ import annotations

import json
import re
import stat
from typing import Any

import pytest

from bongsu.up.environment import SIMULATED_GEMINI_KEY
from compose.conftest import log
from compose.engine import ROOT
from compose.stack import SERVICES, SIGNALS, Stack, until

pytestmark = pytest.mark.timeout(900)

ALERT = re.compile(r"(?m)^ +- alert: (\w+)$")
# How rotel prints the head of what it was sent.
SENT = re.compile(r"Resource(Spans|Metrics|Log) #\d+\b.*?service\.name: Str\(bongsu\.(\w+)\)", re.DOTALL)
EXPORTED_SECONDS = 90.0


def test_it_runs_with_passwords_of_its_own(deployed: Stack) -> None:
    until(lambda: unwell(deployed) == {"gemini_api": "warning"}, 90, deployed.unhealthy)
    assert stat.S_IMODE(deployed.secrets.stat().st_mode) == 0o700
    texts = {path.name: path.read_text() for path in deployed.secrets.iterdir()}
    assert [name for name, text in texts.items() if "not-a-secret" in text] == []
    assert len(set(texts.values())) == len(texts) - 1  # two are empty


def unwell(deployed: Stack) -> dict[str, str]:
    """Return the components that are not healthy, with what they are instead; all where nothing answers."""
    known = {component["name"]: component["status"] for component in deployed.detail().get("components", [])}
    return {name: status for name, status in known.items() if status != "healthy"} if known else {"": "away"}


def test_without_a_key_the_rule_decides_and_with_one_gemini_does(deployed: Stack) -> None:
    until(
        lambda: deployed.sql("SELECT DISTINCT source FROM trading_signals") == "rule", 90, deployed.unhealthy
    )
    deployed.documented("With a key of Gemini", typed=SIMULATED_GEMINI_KEY + "\n")
    until(lambda: int(deployed.sql(SIGNALS)) > 0, 90, deployed.unhealthy)
    deployed.until_healthy()


def test_spans_figures_and_log_records_of_every_service_arrive(deployed: Stack) -> None:
    if not deployed.engine.is_private:
        pytest.skip("the official collector does not print what it is sent")

    def missing() -> set[tuple[str, str]]:
        sent = set(SENT.findall(deployed.compose("logs", "--no-log-prefix", "otel-collector")))
        return {(kind, service) for kind in ("Spans", "Metrics", "Log") for service in SERVICES} - sent

    until(lambda: not missing(), EXPORTED_SECONDS, lambda: f"not exported: {missing()}")


def test_prometheus_reads_health_and_knows_every_alert(deployed: Stack) -> None:
    def health() -> list[str]:
        targets = asked(deployed, "targets")["activeTargets"]
        return [each["health"] for each in targets if each["labels"]["job"] == "bongsu-health"]

    def judged() -> list[str]:
        return [rule["health"] for group in asked(deployed, "rules")["groups"] for rule in group["rules"]]

    until(lambda: health() == ["up"], 60, lambda: json.dumps(asked(deployed, "targets")))
    [group] = asked(deployed, "rules")["groups"]
    known = ALERT.findall((ROOT / "deploy/observe/alerts.yml").read_text(encoding="utf-8"))
    assert [rule["name"] for rule in group["rules"]] == known
    until(lambda: judged() == ["ok"] * len(known), 60, lambda: json.dumps(asked(deployed, "rules")))


def asked(deployed: Stack, what: str) -> Any:
    """Return what Prometheus answers about its targets or rules."""
    [answer] = deployed.said_in("prometheus", f"wget -q -O - http://127.0.0.1:9090/api/v1/{what}")
    return json.loads(answer)["data"]


def test_grafana_can_read_its_dashboards_and_its_password(deployed: Stack) -> None:
    files = "/var/lib/grafana/dashboards/*.json /etc/grafana/provisioning/*/*.yaml"
    said = "\n".join(deployed.said_in("grafana", f"cat {files} $GF_SECURITY_ADMIN_PASSWORD__FILE"))
    assert '"title": "Bongsu: is it alive?"' in said
    assert "url: http://prometheus:9090" in said
    assert said.endswith((deployed.secrets / "grafana_password").read_text().strip())


def test_it_goes_down_and_leaves_nothing_but_its_secrets(deployed: Stack) -> None:
    deployed.compose("down", "--volumes")
    assert deployed.remains() == ""
    log("the deployed stack is down")
