"""The page of events: every message with its fields and an example, every stream and every reader."""

from __future__ import annotations

import inspect
import json
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime
from pydantic.fields import FieldInfo

from common import events, streams
from common.events import Event
from docs.markdown import code, table

# The same messages that the tests keep readable for ever.
GOLDEN = Path(__file__).parents[1] / "unit" / "common" / "golden"
_PLAIN = {
    AwareDatetime: "time",
    datetime: "time",
    Decimal: "decimal",
    str: "text",
    float: "number",
    int: "whole number",
    bool: "true or false",
}
_ATTRIBUTE = re.compile(r"^    (\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def all_events() -> str:
    """Return a chapter for each event."""
    found = [
        event
        for _, event in inspect.getmembers(events, inspect.isclass)
        if issubclass(event, Event) and "subject" in vars(event)
    ]
    order = {name: place for place, name in enumerate(vars(events))}
    return "\n".join(_chapter(event) for event in sorted(found, key=lambda event: order[event.__name__]))


def table_of_streams() -> str:
    """Return the streams with their limits."""
    return table(
        ("stream", "subject", "kept for", "at most", "when it is full"),
        (
            (
                code(stream.name),
                code((stream.subjects or [""])[0]),
                _days((stream.max_age or 0) / streams.DAY),
                f"{(stream.max_bytes or 0) // 1024**2} MB",
                "refuses new ones" if str(stream.discard.value) == "new" else "lets go of the oldest",
            )
            for stream in streams.STREAMS
            if stream.discard
        ),
    )


def table_of_consumers() -> str:
    """Return the durable consumers."""
    return table(
        ("durable consumer", "stream", "subject", "a flaw in health after"),
        (
            (code(each.name), code(each.stream), code(each.subject), f"{each.patience_seconds:.0f} s")
            for each in streams.CONSUMERS
        ),
    )


def _days(count: float) -> str:
    return "1 day" if count == 1 else f"{count:.0f} days"


def _chapter(event: type[Event]) -> str:
    words, _, _ = inspect.getdoc(event).partition("Attributes:")  # type: ignore[union-attr]
    subject = re.sub(r"\{(\w+)\}", r"<\1>", event.subject)
    meanings = {name: text for base in reversed(event.__mro__) for name, text in _meanings(base).items()}
    fields = table(
        ("field", "type", "meaning"),
        ((code(name), _type(field), meanings.get(name, "")) for name, field in event.model_fields.items()),
    )
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower()
    example = json.dumps(json.loads((GOLDEN / f"{name}.json").read_text()), indent=2, ensure_ascii=False)
    kept = f"stream `{event.stream}`" if event.stream else "no stream"
    return (
        f"### {event.__name__}\n\n`{subject}`, {kept}. {' '.join(words.split())}\n\n{fields}\n"
        f"```json\n{example}\n```\n"
    )


def _meanings(model: type) -> dict[str, str]:
    doc = vars(model).get("__doc__") or ""
    _, _, attributes = inspect.cleandoc(doc).partition("Attributes:")
    return {name: " ".join(text.split()) for name, text in _ATTRIBUTE.findall(attributes)}


def _type(field: FieldInfo) -> str:
    missing = "" if field.is_required() else f"; {code(json.dumps(field.default))} when it is missing"
    return f"{_words(field.annotation)}{missing}"


def _words(annotation: Any) -> str:
    """Return a type in words: what stands in JSON, not what Python calls it."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(code(value) for value in inside)
    if origin in (Union, UnionType):
        return " or ".join("null" if one is NoneType else _words(one) for one in inside)
    if origin is tuple:
        return f"list of {_words(inside[0])}"
    if origin is Annotated:
        return _words(inside[0])
    return _PLAIN.get(annotation) or code(annotation.__name__)
