"""Fuzzing by schemathesis: answers are as /openapi.json says, with no 5xx but the designed 503."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from integration.health.running import HealthProcess, Speak, StartHealth, soon
from servers.waiting import HANG_SECONDS

NOWHERE = "127.0.0.1:9"
SECONDS = 4 * HANG_SECONDS
EXAMPLES, REQUESTS = "12", 150
# Not described, so anything may come; each of the answers is a problem.
REFUSALS = (400, 404, 405, 431)
HEADERS = ("Accept", "X-Request-Id", "traceparent", "Range", "If-None-Match", "X-Forwarded-Host")
# A 500 is described nowhere, so the first of them finds it; the designed 503 is.
CHECKS = (
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "unsupported_method",
)


async def test_no_answer_is_undesigned_while_everything_is_there(
    health: HealthProcess, speak: Speak, tmp_path: Path
) -> None:
    await speak("collector", "c1")
    await speak("signaler", "s1")
    await soon(health.is_healthy)
    assert await _fuzz(health, tmp_path) >= REQUESTS


async def test_no_answer_is_undesigned_while_everything_is_away(
    start_health: StartHealth, tmp_path: Path
) -> None:
    health = await start_health(f"postgresql://bongsu_health@{NOWHERE}/bongsu", f"nats://{NOWHERE}")
    assert await _fuzz(health, tmp_path) >= REQUESTS


async def _fuzz(health: HealthProcess, folder: Path) -> int:
    """Return how many requests were made; fails with schemathesis' own report."""
    served = (await health.http.get("/openapi.json")).json()
    document = folder / "openapi.json"
    document.write_text(json.dumps(_with_the_undescribed(served)))
    report = folder / "report.json"
    fuzzing = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", str(document), "--no-color"),
        *("--url", str(health.http.base_url), "--checks", ",".join(CHECKS), "--max-examples", EXAMPLES),
        *("--generation-database", "none", "--report", "json", "--report-json-path", str(report)),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(SECONDS):
            printed, _ = await fuzzing.communicate()
    finally:
        with suppress(ProcessLookupError):
            fuzzing.kill()
    if fuzzing.returncode:
        pytest.fail(printed.decode())
    assert '"level": "error"' not in health.text
    return int(json.loads(report.read_text())["test_cases"]["generated"])


def _with_the_undescribed(served: dict[str, Any]) -> dict[str, Any]:
    """Return the document with headers, a query and a POST for every path, and a path for everything else."""
    parameters = [{"name": name, "in": "header", "schema": {"type": "string"}} for name in HEADERS]
    parameters.append({"name": "verbose", "in": "query", "schema": {"type": "string"}})
    problem = {"description": "refused", "content": {"application/problem+json": {}}}
    refused = {str(status): problem for status in REFUSALS}
    body: dict[str, Any] = {"content": {"application/json": {"schema": {}}}}
    undescribed = {"parameters": parameters, "requestBody": body, "responses": refused}
    for path in served["paths"].values():
        own = path["get"].get("parameters", [])
        path["get"]["parameters"] = [*own, *parameters]
        path["get"]["responses"] |= refused
        in_path = [parameter for parameter in own if parameter["in"] == "path"]
        path["post"] = {**undescribed, "parameters": [*in_path, *parameters]}
    anything = {"name": "anything", "in": "path", "required": True, "schema": {"type": "string"}}
    served["paths"]["/undescribed/{anything}"] = {
        method: {**undescribed, "parameters": [anything, *parameters]}
        for method in ("put", "delete", "patch")
    }
    return served
