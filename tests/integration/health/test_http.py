"""Does the HTTP surface keep its manners, and does the overview show what is stored?"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import asyncpg

from bongsu.servers.nats.server import NatsServer
from integration.health.running import HealthProcess, soon

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


async def test_the_overview_shows_what_is_stored(health: HealthProcess, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        """
        INSERT INTO market_data SELECT 'KRW-BTC', '2026-03-11 14:00+00'::timestamptz + n * interval '1 min',
            95000000, 95000000, 95000000, 95000000, 0.5, 47500000, 1, 'simulator', '2026-03-11 14:05+00'
            FROM generate_series(0, 2) AS n;
        INSERT INTO candle_gaps VALUES
            ('KRW-BTC', '2026-03-11 13:50+00', '2026-03-11 13:57+00', 'open', now(), NULL, 'page'),
            ('KRW-BTC', '2026-03-11 13:57+00', '2026-03-11 14:00+00', 'confirmed_empty', now(), now(), '');
        INSERT INTO trading_signals (id, symbol, candle_timestamp, signal_type, confidence, reasoning,
            source, cause, prompt_version, snapshot, price_at_signal, config_revision, trace_id)
            VALUES (gen_random_uuid(), 'KRW-BTC', '2026-03-11 14:02+00', 'HOLD', 0.4, 'flat', 'rule',
                'no_key', '1', '{}', 95000000, 0, '');
        """
    )
    await connection.close()
    await soon(lambda: _has_candles(health))
    overview = (await health.http.get("/api/overview")).json()
    assert overview["exchange_time"] == "2026-03-11T14:05:00Z"
    (market,) = overview["markets"]
    signal = market["newest_signal"]
    assert signal.pop("created_at").endswith("Z")
    assert market == {
        "market": "KRW-BTC",
        "newest_candle": {"timestamp": "2026-03-11T14:02:00Z", "close": "95000000"},
        "candles": 3,
        "newest_signal": {
            "candle_timestamp": "2026-03-11T14:02:00Z",
            "signal_type": "HOLD",
            "confidence": 0.4,
            "source": "rule",
            "cause": "no_key",
        },
        "signals": 1,
        "gaps": {"open": 7, "confirmed_empty": 3},
    }


async def test_an_empty_market_has_no_newest_anything(health: HealthProcess) -> None:
    await soon(lambda: _has_overview(health))
    (market,) = (await health.http.get("/api/overview")).json()["markets"]
    assert (market["newest_candle"], market["candles"], market["newest_signal"]) == (None, 0, None)


def test_a_taken_port_ends_with_one_line_that_names_it(nats: NatsServer) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": "postgresql://a@127.0.0.1:9/bongsu",
        "NATS_URL": "nats://127.0.0.1:9",
        "HEALTH_PORT": str(nats.port),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "health"], env=environment, capture_output=True, text=True, timeout=20
    )
    assert ended.returncode != 0
    assert ended.stderr == (
        f"health: address in use: 127.0.0.1:{nats.port}; choose another with HEALTH_PORT\n"
    )


async def _has_overview(health: HealthProcess) -> bool:
    return (await health.http.get("/api/overview")).status_code == 200


async def _has_candles(health: HealthProcess) -> bool:
    response = await health.http.get("/api/overview")
    return response.status_code == 200 and response.json()["markets"][0]["candles"] > 0
