"""Decoder of messages: size, depth and number limits first, then the event's fields. Pure."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import TypeVar

from pydantic import ValidationError

from common.errors import PermanentError
from common.events import MAX_MESSAGE_BYTES, MAX_TEXT_CHARACTERS, Event

EventT = TypeVar("EventT", bound=Event)

MAX_DEPTH = 16
MAX_INTEGER = 2**63 - 1

_OPENING, _CLOSING = b"[{", b"]}"
_NO_BRACKETS = bytes(set(range(256)) - set(_OPENING + _CLOSING))
# 19 digits, where 64 bits end, or more; of a whole number only.
_LONG_INTEGER = re.compile(rb"(?<![\d.])\d{19,}(?![\d.eE])")


class UnreadableError(PermanentError):
    """The bytes of a message are not the event that its subject promises, or not even JSON."""

    def __init__(self, message: str, *, is_json: bool) -> None:
        super().__init__(message)
        self.is_json = is_json


def read_event(body: bytes, event_type: type[EventT], *, subject: str | None = None) -> EventT:
    """Return the event that a message's bytes are.

    Args:
        subject: Where it came on; an event of another one, of another market's for instance, is refused.

    Raises:
        UnreadableError: Over 256 kB, nested deeper than 16, a string over 4,096 characters, an integer of
            more than 64 bits, not JSON, or a field that breaks its rule. The first reason found is named.
    """
    if reason := _over_limit(body):
        raise UnreadableError(f"not a {event_type.__name__}: {reason}", is_json=True)
    try:
        event = event_type.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "message"
        raise UnreadableError(
            f"not a {event_type.__name__}: {field}: {first['msg']}", is_json=first["type"] != "json_invalid"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"not a {event_type.__name__}: {type(error).__name__}", is_json=True) from error
    if subject is not None and event.subject_name() != subject:
        raise UnreadableError(
            f"not a {event_type.__name__} of this subject: it belongs to {event.subject_name()}", is_json=True
        )
    return event


def _over_limit(body: bytes) -> str | None:
    """Return which limit is broken, None for none; meaningless but harmless for what is not JSON."""
    if len(body) > MAX_MESSAGE_BYTES:
        return f"{len(body)} bytes, at most {MAX_MESSAGE_BYTES} are read"
    # Without escaped quotes, every second part between two quotes is a string.
    parts = body.replace(rb"\\", b"..").replace(rb"\"", b"..").split(b'"')
    outside = b"".join(parts[::2])
    if (depth := _depth(outside)) > MAX_DEPTH:
        return f"nested {depth} deep, at most {MAX_DEPTH} are read"
    strings = parts[1::2]
    if max(map(len, strings), default=0) > MAX_TEXT_CHARACTERS and any(map(_is_long_text, strings)):
        return f"a string of more than {MAX_TEXT_CHARACTERS} characters"
    if any(map(_is_big, _LONG_INTEGER.findall(outside))):
        return "an integer of more than 64 bits"
    return None


def _depth(outside: bytes) -> int:
    brackets = outside.translate(None, _NO_BRACKETS)
    return max(accumulate(1 if bracket in _OPENING else -1 for bracket in brackets), default=0)


def _is_long_text(text: bytes) -> bool:
    return len(text.decode(errors="replace")) > MAX_TEXT_CHARACTERS


def _is_big(digits: bytes) -> bool:
    # Not more digits than Python is willing to read.
    return len(digits) > len(str(MAX_INTEGER)) or int(digits) > MAX_INTEGER
