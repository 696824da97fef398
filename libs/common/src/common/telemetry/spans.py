"""How is a piece of work traced, and how does a trace go from one service to the next?

Ids exist always, also where nothing is exported (`export.py`). Whatever a span holds when it leaves the
process is masked, whoever put it there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from common.masking import mask, mask_sensitive
from common.telemetry.names import TRACER

_propagator = TraceContextTextMapPropagator()


def masked_span(ended: ReadableSpan) -> ReadableSpan:
    """Return a span masked: name, attributes, status, events, links."""
    description = ended.status.description
    return ReadableSpan(
        name=mask_sensitive(ended.name),
        context=ended.context,
        parent=ended.parent,
        resource=ended.resource,
        attributes=masked_attributes(ended.attributes),
        events=[
            Event(mask_sensitive(event.name), masked_attributes(event.attributes), event.timestamp)
            for event in ended.events
        ],
        links=[Link(link.context, masked_attributes(link.attributes)) for link in ended.links],
        kind=ended.kind,
        status=Status(ended.status.status_code, description and mask_sensitive(description)),
        start_time=ended.start_time,
        end_time=ended.end_time,
        instrumentation_scope=ended.instrumentation_scope,
    )


def masked_attributes(attributes: Mapping[str, AttributeValue] | None) -> dict[str, AttributeValue]:
    """Return attributes masked; none for None."""
    masked = mask(attributes or {})
    assert isinstance(masked, dict)  # noqa: S101
    return masked


@contextmanager
def span(
    name: str,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    parent: Context | None = None,
    attributes: Mapping[str, str | int | float | bool] | None = None,
) -> Iterator[Span]:
    """Run a block inside a span; an exception marks it ERROR with its masked text, without a stack.

    A cancellation is no error.
    """
    tracer = trace.get_tracer(TRACER)
    with tracer.start_as_current_span(
        name,
        context=parent,
        kind=kind,
        attributes=masked_attributes(attributes),
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except Exception as error:
            fail_span(current, error)
            raise


def fail_span(current: Span, error: BaseException) -> None:
    """Mark a span ERROR; `record_exception` would put unmasked text and stack into it."""
    current.set_status(Status(StatusCode.ERROR, mask_sensitive(f"{type(error).__name__}: {error}")))


def inject_trace(headers: dict[str, str]) -> dict[str, str]:
    """Return `headers` with the current span's `traceparent` in them."""
    _propagator.inject(headers)
    return headers


def extract_trace(headers: Mapping[str, str]) -> Context:
    """Return the context of the sender's span; a missing or malformed header begins a new trace."""
    return _propagator.extract(headers)


def current_trace_id() -> str:
    """Return the current trace id as 32 hex digits, zeros outside of a span."""
    return trace.format_trace_id(trace.get_current_span().get_span_context().trace_id)
