"""Payload of a message as text: indented JSON, or text without what a terminal would obey. Pure."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass

from common.masking import MAX_TEXT, mask, mask_sensitive

# Line ends stay; what moves the cursor or turns the direction of writing does not.
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class PayloadText:
    """A payload to be shown, without its secrets.

    Attributes:
        document: What the JSON says; None where it is none, as `is_json` says.
        text: The same with indents, or what stands there instead of JSON; from its first 32,768 characters.
        characters: How many there are in all.
    """

    is_json: bool
    document: object
    text: str
    characters: int

    @property
    def cut(self) -> int:
        """How many characters are not in `text`."""
        return max(0, self.characters - MAX_TEXT)


def payload_text(body: bytes) -> PayloadText:
    """Return a payload as it may be shown; a byte that is no UTF-8 comes as `\\xff`."""
    try:
        document = mask(_parsed(body.decode()))
        text = json.dumps(document, ensure_ascii=False, indent=2)
        text.encode()  # half a character cannot be written anywhere
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "backslashreplace")
        return PayloadText(False, None, _visible(mask_sensitive(text)), len(text))
    return PayloadText(True, document, _visible(text), len(text))


def _parsed(text: str) -> object:
    # What would come out as something else than it went in is left to be shown as text.
    return json.loads(text, object_pairs_hook=_once, parse_float=_finite, parse_constant=_finite)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(fields := dict(pairs)) != len(pairs):
        raise ValueError("a name comes twice, its first value would go unseen")
    return fields


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is no number of JSON")
    return number


def _visible(text: str) -> str:
    return _OBEYED.sub(lambda match: ascii(match[0])[1:-1], text[:MAX_TEXT])
