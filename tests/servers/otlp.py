"""A real OTLP/HTTP receiver for tests: what services export is kept as plain spans."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass(frozen=True)
class ReceivedSpan:
    """One exported span; ids as hex, `parent_id` empty for a root."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str


@dataclass
class SpanReceiver:
    """Every span that was received, in order of arrival, and of each metric its kind, in the protocol's word.

    `sums` holds the newest value of each sum, by name and attributes; `bodies` is all of it as it came over
    the wire, unpacked.
    """

    url: str = ""
    spans: list[ReceivedSpan] = field(default_factory=list)
    metric_kinds: dict[str, str] = field(default_factory=dict)
    sums: dict[tuple[str, frozenset[tuple[str, str]]], float] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)

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
            attributes = {item.key: item.value.string_value for item in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [
                    ReceivedSpan(
                        attributes.get("service.name", ""),
                        span.name,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
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

    async def _body(self, request: web.Request) -> bytes:
        body = await request.read()
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        self.bodies.append(body)
        return body


@asynccontextmanager
async def span_receiver() -> AsyncIterator[SpanReceiver]:
    """Serve `/v1/traces` and `/v1/metrics` on a free port of this machine."""
    receiver = SpanReceiver()
    app = web.Application()
    app.add_routes(
        [web.post("/v1/traces", receiver.receive), web.post("/v1/metrics", receiver.receive_metrics)]
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
