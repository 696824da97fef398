"""OTLP/HTTP receiver for tests, and a real OpenTelemetry collector (the wheel `rotel`) in front of it."""

from __future__ import annotations

import gzip
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from bongsu.servers import ports
from servers.surroundings import surroundings
from servers.waiting import HANG_SECONDS, eventually

REFUSALS: dict[int, type[web.HTTPException]] = {401: web.HTTPUnauthorized, 500: web.HTTPInternalServerError}


@dataclass(frozen=True)
class ReceivedSpan:
    """One exported span; ids as hex, `parent_id` empty for a root, times in Unix nanoseconds."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: str
    attributes: dict[str, Any]
    began: int
    ended: int


@dataclass(frozen=True)
class ReceivedLog:
    """One exported log record; ids as hex, empty without a span."""

    service: str
    logger: str
    event: str
    body: str
    severity: str
    trace_id: str
    span_id: str
    attributes: dict[str, Any]


@dataclass
class SpanReceiver:
    """Every span and log record that was received, in order of arrival, and the kind of each metric.

    `sums` holds the newest value of each sum, by name and attributes; `bodies` is all of it as it came over
    the wire, unpacked; `refuses` is the status it is answered with, None where it is taken.
    """

    url: str = ""
    spans: list[ReceivedSpan] = field(default_factory=list)
    logs: list[ReceivedLog] = field(default_factory=list)
    metric_kinds: dict[str, str] = field(default_factory=dict)
    sums: dict[tuple[str, frozenset[tuple[str, str]]], float] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    resources: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    refuses: int | None = None
    refused: int = 0

    def traces(self) -> dict[str, list[ReceivedSpan]]:
        """Return the spans by trace id."""
        found: dict[str, list[ReceivedSpan]] = {}
        for span in self.spans:
            found.setdefault(span.trace_id, []).append(span)
        return found

    def tree(self, trace_id: str) -> list[str]:
        """Return one line per span of a trace, children by name, indented below their parent."""
        spans = sorted(self.traces()[trace_id], key=lambda span: (span.service, span.name))
        known = {span.span_id for span in spans}
        roots = [span for span in spans if span.parent_id not in known]
        return [line for root in roots for line in self._lines(root, spans, 0)]

    def _lines(self, span: ReceivedSpan, spans: list[ReceivedSpan], depth: int) -> list[str]:
        own = f"{'  ' * depth}{span.service}: {span.name}"
        children = [child for child in spans if child.parent_id == span.span_id]
        return [own, *(line for child in children for line in self._lines(child, spans, depth + 1))]

    async def receive(self, request: web.Request) -> web.Response:
        """Take one export request."""
        body = await self._body(request)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = self._service(resource.resource)
            for scope in resource.scope_spans:
                self.spans += [
                    ReceivedSpan(
                        service,
                        span.name,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                        _attributes(span.attributes),
                        span.start_time_unix_nano,
                        span.end_time_unix_nano,
                    )
                    for span in scope.spans
                ]
        return web.Response(
            body=ExportTraceServiceResponse().SerializeToString(), content_type="application/x-protobuf"
        )

    async def receive_metrics(self, request: web.Request) -> web.Response:
        """Take one export request."""
        for resource in ExportMetricsServiceRequest.FromString(await self._body(request)).resource_metrics:
            for scope in resource.scope_metrics:
                self.metric_kinds |= {metric.name: str(metric.WhichOneof("data")) for metric in scope.metrics}
                self.sums |= {
                    (
                        metric.name,
                        frozenset((item.key, item.value.string_value) for item in point.attributes),
                    ): point.as_int
                    for metric in scope.metrics
                    for point in metric.sum.data_points
                }
        return web.Response(content_type="application/x-protobuf")

    async def receive_logs(self, request: web.Request) -> web.Response:
        """Take one export request."""
        for resource in ExportLogsServiceRequest.FromString(await self._body(request)).resource_logs:
            service = self._service(resource.resource)
            for scope in resource.scope_logs:
                self.logs += [
                    ReceivedLog(
                        service,
                        scope.scope.name,
                        record.event_name,
                        record.body.string_value,
                        record.severity_text,
                        record.trace_id.hex(),
                        record.span_id.hex(),
                        _attributes(record.attributes),
                    )
                    for record in scope.log_records
                ]
        return web.Response(content_type="application/x-protobuf")

    def _service(self, resource: Any) -> str:
        attributes = _attributes(resource.attributes)
        self.resources.append(attributes)
        return str(attributes.get("service.name", ""))

    async def _body(self, request: web.Request) -> bytes:
        if self.refuses:
            self.refused += 1
            raise REFUSALS[self.refuses]
        body = await request.read()
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        self.bodies.append(body)
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        return body


def _attributes(items: Any) -> dict[str, Any]:
    return {item.key: _value(item.value) for item in items}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return _attributes(value.kvlist_value.values)
    return getattr(value, kind) if kind else None


@asynccontextmanager
async def span_receiver() -> AsyncIterator[SpanReceiver]:
    """Serve `/v1/traces`, `/v1/metrics` and `/v1/logs` on a free port of this machine."""
    receiver = SpanReceiver()
    app = web.Application()
    app.add_routes(
        [
            web.post("/v1/traces", receiver.receive),
            web.post("/v1/metrics", receiver.receive_metrics),
            web.post("/v1/logs", receiver.receive_logs),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{port}"
    try:
        yield receiver
    finally:
        await runner.cleanup()


def rotel_binary() -> Path:
    """Return the collector's path; skips the test where its wheel is not made for this machine."""
    spec = find_spec("rotel")
    if spec is None or spec.origin is None:
        pytest.skip("the wheel rotel exists for Linux on x86_64 with Python 3.11 to 3.13 only")
    return Path(spec.origin).with_name("rotel-agent")


@asynccontextmanager
async def rotel(folder: Path, *, to: str) -> AsyncIterator[str]:
    """Run a collector that forwards over OTLP/HTTP to `to`; gives its own OTLP/HTTP address."""
    grpc, http = ports.free_port(), ports.free_port()
    log = folder / "rotel.log"
    command = [
        *(str(rotel_binary()), "start", "--exporter", "otlp"),
        *("--pid-file", str(folder / "rotel.pid"), "--log-file", str(folder / "rotel-agent.log")),
        *("--otlp-grpc-endpoint", f"127.0.0.1:{grpc}", "--otlp-http-endpoint", f"127.0.0.1:{http}"),
        *("--otlp-exporter-endpoint", to, "--otlp-exporter-protocol", "http"),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220  it returns at once
            command, env=surroundings(), stdout=output, stderr=subprocess.STDOUT
        )
    try:
        await eventually(lambda: not ports.is_free(http))
        yield f"http://127.0.0.1:{http}"
    finally:
        process.terminate()
        try:
            process.wait(HANG_SECONDS)
        finally:
            process.kill()
