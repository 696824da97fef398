"""Do Prometheus, Grafana and the collector get files that fit together and that they can use?"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from servers.observed import OBSERVE, ROOT, alerts, dashboards, expressions

SAMPLES = Path(__file__).with_name("alerts_test.yml")


@pytest.fixture
def promtool() -> str:
    """Prometheus' own checker."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is in Debian's prometheus: sh deploy/debian_packages.sh prometheus")
    return found


def document(path: Path) -> Any:
    """Return a YAML file's content."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_prometheus_takes_its_files(promtool: str) -> None:
    checked = subprocess.run(
        [promtool, "check", "config", OBSERVE / "prometheus.yml"], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr


def test_each_alert_fires_on_samples_that_ask_for_it_and_on_no_others(promtool: str, tmp_path: Path) -> None:
    # Without their words, which promtool would compare too.
    rules = [{key: rule[key] for key in rule if key != "annotations"} for rule in alerts()]
    without_words = tmp_path / "alerts.yml"
    without_words.write_text(yaml.safe_dump({"groups": [{"name": "bongsu", "rules": rules}]}))
    tests = document(SAMPLES) | {"rule_files": [str(without_words)]}
    file = tmp_path / "alerts_test.yml"
    file.write_text(yaml.safe_dump(tests), encoding="utf-8")
    checked = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_samples_make_every_alert_fire_once_and_stay_silent_once() -> None:
    cases = [case for test in document(SAMPLES)["tests"] for case in test["alert_rule_test"]]
    names = {rule["alert"] for rule in alerts()}
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == names
    assert {case["alertname"] for case in cases if not case.get("exp_alerts")} == names


def test_every_expression_is_promql(promtool: str, tmp_path: Path) -> None:
    rules = [{"record": f"checked_{number}", "expr": text} for number, text in enumerate(expressions())]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}), encoding="utf-8")
    checked = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_docs_say_of_each_alert_what_it_means_and_what_to_do() -> None:
    paper = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    chapters = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", paper, re.MULTILINE | re.DOTALL))
    assert set(chapters) == {rule["alert"] for rule in alerts()}
    for rule in alerts():
        assert "**Means.**" in chapters[rule["alert"]]
        assert "**Do.**" in chapters[rule["alert"]]
        assert rule["annotations"]["runbook"] == f"docs/alerts.md#{rule['alert'].lower()}"
        assert rule["labels"]["severity"] in ("critical", "warning")


def test_dashboards_are_found_by_grafana_and_ask_the_datasource_that_it_has() -> None:
    provisioning = OBSERVE / "grafana" / "provisioning"
    (source,) = document(provisioning / "datasources" / "prometheus.yaml")["datasources"]
    (provider,) = document(provisioning / "dashboards" / "bongsu.yaml")["providers"]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
    assert len({dashboard["uid"] for dashboard in dashboards()}) == len(dashboards()) == 2
    for dashboard in dashboards():
        panels = dashboard["panels"]
        assert len({panel["id"] for panel in panels}) == len(panels)
        targets = [target for panel in panels for target in panel["targets"]]
        assert {target["datasource"]["uid"] for target in targets} == {source["uid"]}
        places = [panel["gridPos"] for panel in panels]
        assert all(place["x"] + place["w"] <= 24 for place in places)


def test_the_collector_uses_only_what_it_defines_and_prometheus_asks_where_it_tells() -> None:
    collector = document(OBSERVE / "otel-collector.yaml")
    pipelines = collector["service"]["pipelines"]
    assert set(pipelines) == {"traces", "metrics", "logs"}
    for pipeline in pipelines.values():
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= set(collector[kind])
    port = collector["exporters"]["prometheus"]["endpoint"].rpartition(":")[2]
    scraped = document(OBSERVE / "prometheus.yml")["scrape_configs"]
    targets = [target for job in scraped for config in job["static_configs"] for target in config["targets"]]
    assert targets == ["health:8080", f"otel-collector:{port}"]
