"""The page of events: every message with its senders, readers, fields and an example, and every stream."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime
from pydantic.fields import FieldInfo

from common import streams
from common.events import EVENTS, SERVICES, Event, User
from docs.golden import golden_file
from docs.markdown import code, table

# What is on the bus and is no event: the dead letters, and who won a claim.
_OTHERS = (
    (
        "the instance's name",
        "`job.claimed.<service>.<job>.<unix time>`",
        "CLAIMS",
        "every replica",
        "every replica",
    ),
    ("the last notification", "`job.claimed.health.notifications.<number>`", "CLAIMS", "health", "health"),
    ("the original bytes", "`dead.<original subject>`", "DEAD", "the bus layer", "`bongsu dead`"),
)
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


def table_of_messages() -> str:
    """Return every message: where it goes, who sends it and who reads it."""
    rows = [
        (code(event.__name__), _subject(event), event.stream or "none", *_users_of(event)) for event in EVENTS
    ]
    return table(("message", "subject", "stream", "sent by", "read by"), [*rows, *_OTHERS])


def all_events() -> str:
    """Return a chapter for each event."""
    return "\n".join(map(_chapter, EVENTS))


def table_of_streams() -> str:
    """Return the streams with their limits."""
    return table(
        ("stream", "subject", "kept for", "at most", "when it is full"),
        (
            (
                code(stream.name),
                ", ".join(map(code, stream.subjects or ())),
                _days((stream.max_age or 0) / streams.DAY),
                f"{(stream.max_bytes or 0) // 1024**2} MB",
                "refuses new ones" if str(stream.discard.value) == "new" else "drops the oldest",
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
    meanings = {name: text for base in reversed(event.__mro__) for name, text in _meanings(base).items()}
    fields = table(
        ("field", "type", "meaning"),
        ((code(name), _type(field), meanings.get(name, "")) for name, field in event.model_fields.items()),
    )
    example = json.dumps(json.loads(golden_file(event).read_text()), indent=2, ensure_ascii=False)
    kept = f"stream `{event.stream}`" if event.stream else "no stream"
    senders, readers = _users_of(event)
    text = f"{' '.join(words.split())} Sent by {senders}; read by {readers}."
    return f"### {event.__name__}\n\n{_subject(event)}, {kept}. {text}\n\n{fields}\n```json\n{example}\n```\n"


def _subject(event: type[Event]) -> str:
    subject = code(re.sub(r"\{(\w+)\}", r"<\1>", event.subject))
    return f"reply to {subject}" if event.is_reply else subject


def _users_of(event: type[Event]) -> tuple[str, str]:
    """Return the senders and the readers in words; `cli` is what a person types."""
    return _in_words(event.senders), _in_words((*event.readers, *event.stream_readers))


def _in_words(users: Sequence[User]) -> str:
    services = [user for user in SERVICES if user in users]
    words = ["every service"] if len(services) == len(SERVICES) else services
    return ", ".join([*words, "`bongsu`"] if "cli" in users else words)


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
