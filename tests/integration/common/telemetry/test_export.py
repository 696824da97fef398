"""Export by OpenTelemetry's standard variables."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from integration.common.telemetry import exporting
from servers.observed import OBSERVE, used_names
from servers.otlp import SpanReceiver, span_receiver
from servers.surroundings import measured

TESTS = Path(__file__).parents[3]
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
LOGS_ENDPOINT = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"
ALL = {"traces", "metrics", "logs"}


async def run(receiver: SpanReceiver, **variables: str) -> list[dict[str, Any]]:
    """Return what a process logged that ran with these variables; `{url}` is the receiver's."""
    environment = {name: value.format(url=receiver.url) for name, value in variables.items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", exporting.__name__),
        env=measured(PYTHONPATH=str(TESTS), **environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    return [json.loads(line) for line in out.splitlines()]


def received(receiver: SpanReceiver) -> set[str]:
    """Return which signals came."""
    kinds = {"traces": receiver.spans, "metrics": receiver.metric_kinds, "logs": receiver.logs}
    return {name for name, items in kinds.items() if items}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, set()),
        ({ENDPOINT: "{url}"}, ALL),
        ({ENDPOINT: "{url}/"}, ALL),
        ({ENDPOINT: ""}, set()),
        ({LOGS_ENDPOINT: "{url}/v1/logs"}, {"logs"}),
        ({ENDPOINT: "{url}", "OTEL_SDK_DISABLED": "true"}, set()),
        ({ENDPOINT: "{url}", "OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "otlp"}, ALL - {"traces"}),
        ({ENDPOINT: "{url}", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}, {"traces"}),
        ({ENDPOINT: "{url}", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}, ALL),
    ],
)
async def test_a_signal_goes_where_the_variables_say(variables: dict[str, str], expected: set[str]) -> None:
    async with span_receiver() as receiver:
        lines = await run(receiver, **variables)
    assert received(receiver) == expected
    assert [line["event"] for line in lines] == ["work.done"]


async def test_what_is_exported_says_who_we_are_and_what_the_environment_adds() -> None:
    async with span_receiver() as receiver:
        await run(
            receiver, **{ENDPOINT: "{url}"}, OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test"
        )
        own = dict(receiver.resources[0])
        receiver.resources.clear()
        await run(receiver, **{ENDPOINT: "{url}"}, OTEL_SERVICE_NAME="renamed")
    who = ("service.name", "service.instance.id", "service.version", "deployment.environment.name")
    assert [own[name] for name in who] == ["bongsu.collector", "c-1", "9.9", "test"]
    assert {resource["service.name"] for resource in receiver.resources} == {"renamed"}


async def test_a_log_record_carries_the_ids_and_fields_of_its_line_and_drawn_figures_are_sent() -> None:
    async with span_receiver() as receiver:
        (line,) = await run(receiver, **{ENDPOINT: "{url}"})
    (record,), (span,) = receiver.logs, receiver.spans
    assert (record.trace_id, record.span_id) == (span.trace_id, span.span_id)
    assert (record.trace_id, record.span_id) == (line["trace_id"], line["span_id"])
    assert (record.event, record.body, record.logger) == ("work.done", "work.done", "work")
    assert record.severity == "info"
    assert record.attributes == {"market": "KRW-BTC", "service": "collector", "instance": "c-1"}
    # As the collector's exporter names a sum that only grows, in the namespace that its file gives it.
    counters = [name for name, kind in receiver.metric_kinds.items() if kind == "sum"]
    names = {f"otlp_{name.replace('.', '_')}_total" for name in counters}
    assert used_names("otlp_") <= names
    assert "namespace: otlp" in (OBSERVE / "otel-collector.yaml").read_text(encoding="utf-8")


async def test_headers_are_sent_and_a_key_among_them_is_not_printed_when_it_is_refused() -> None:
    key = "collector-key-4471-of-no-one"
    async with span_receiver() as receiver:
        headers = {"OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{key}"}
        await run(receiver, **{ENDPOINT: "{url}"}, **headers)
        assert {sent["authorization"] for sent in receiver.headers} == {f"Bearer {key}"}
        receiver.refuses = 401
        lines = await run(receiver, **{ENDPOINT: "{url}"}, **headers)
    dropped = {line["signal"]: line for line in lines if line["event"] == "telemetry.dropped"}
    assert set(dropped) == ALL
    assert "401" in dropped["traces"]["error"]
    assert key not in json.dumps(lines)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "must be http/protobuf, with its port (4318)"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "must be otlp or none"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "0", "an OTEL_ variable cannot be used"),
    ],
)
async def test_a_variable_that_cannot_be_obeyed_is_one_error_line(
    variable: str, value: str, words: str
) -> None:
    async with span_receiver() as receiver:
        lines = await run(receiver, **{ENDPOINT: "{url}", variable: value})
    (off,) = [line for line in lines if line["event"] == "telemetry.off"]
    assert words in off["error"]
    assert receiver.spans == []
