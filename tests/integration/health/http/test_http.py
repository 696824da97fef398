"""HTTP as a client sees it: errors as problems, HEAD, the page and its files."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from bongsu.servers.nats.server import NatsServer
from integration.health.running import HealthProcess
from servers.waiting import HANG_SECONDS

METHODS = ("POST", "PUT", "DELETE", "PATCH", "OPTIONS")


async def test_errors_are_problems_and_head_is_get_without_a_body(health: HealthProcess) -> None:
    for method in METHODS:
        refused = await health.http.request(method, "/health/detail")
        assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
        assert refused.headers["content-type"] == "application/problem+json"
    unknown = await health.http.get("/nothing")
    assert unknown.status_code == 404
    assert set(unknown.json()) == {"type", "title", "status", "detail", "request_id"}
    assert not {"server", "x-powered-by"} & set(unknown.headers)
    head = await health.http.head("/health/live")
    assert (head.status_code, head.content) == (200, b"")
    assert (await health.http.head("/nothing")).status_code == 404


async def test_the_page_and_its_files_come_from_here_alone(health: HealthProcess) -> None:
    page = await health.http.get("/")
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
    sources = re.findall(r'(?:src|<link[^>]* href)="([^"]+)"', page.text)
    assert {Path(source).suffix for source in sources} == {".js", ".css", ".svg"}
    for source in sources:
        assert "://" not in source
        sent = await health.http.get(f"/{source}")
        assert (sent.status_code, sent.headers["x-content-type-options"]) == (200, "nosniff")
        known = await health.http.get(f"/{source}", headers={"If-None-Match": sent.headers["etag"]})
        assert (known.status_code, known.content) == (304, b"")
    [library] = [source for source in sources if "charts" in source]
    chart = await health.http.get(f"/{library}")
    assert chart.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert int(chart.headers["content-length"]) < 70_000 < len(chart.content)
    for path in ("/static/index.html", "/static/nothing.js", "/static/..%2Fapp.py"):
        assert (await health.http.get(path)).status_code == 404


def test_a_taken_port_ends_with_one_line_that_names_it(nats: NatsServer) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": "postgresql://a@127.0.0.1:9/bongsu",
        "NATS_URL": "nats://127.0.0.1:9",
        "HEALTH_PORT": str(nats.port),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "health"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
    assert ended.returncode != 0
    assert ended.stderr == (
        f"health: address in use: 127.0.0.1:{nats.port}; choose another with HEALTH_PORT\n"
    )
