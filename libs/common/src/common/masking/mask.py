"""Masking of values and texts: secrets and balances become `***`, key and separator stay.

Structure first (known field names at any depth, also in text that is JSON), then text (`patterns.py`). Pure
but for the registry of known secrets.

Not found are: a secret that no setting, no name and no shape gives away, one that is split over two lines,
and one that is packed or encrypted. So secrets are not printed in the first place.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from uuid import UUID

from pydantic import BaseModel, SecretBytes, SecretStr

from common.masking.field_names import FieldKind, field_kind, is_secret_name
from common.masking.known_secrets import MASK, KnownSecrets
from common.masking.patterns import is_amount, is_name, mask_text

MAX_TEXT = 32 * 1024
MAX_DEPTH = 12
# How often one and the same container is walked through again: ten lists of ten lists of … never end.
MAX_REPEATS = 10_000
# What is read beyond MAX_TEXT, so that a secret on the cut is still recognised as a whole.
_MARGIN = 1024
# What stands for the rest of a text that is too long.
CUT = "… (cut)"
_LONG = 256
_HARMLESS_TYPES = (int, float, Decimal, date, time, timedelta, UUID)
# {"name": "password", "value": "…"}
_NAMING = ("name", "key", "header", "field", "param", "parameter", "setting")
_VALUING = ("value", "val", "content", "default", "new_value", "old_value")

# The exact secrets of this process; one per process because a log record has no owner.
_known = KnownSecrets()


def register_secret(value: str) -> bool:
    """Have `value` masked wherever it appears, also in base64, hex, URL-encoded and JSON-escaped.

    False for one shorter than 8 characters, which is left out: it would tear ordinary words apart.
    """
    return _known.add(value)


def mask_sensitive(text: str) -> str:
    """Return `text` with every secret in it replaced by `***`; cut off after 32,768 characters."""
    if len(text) > MAX_TEXT:
        return mask_text(text[: MAX_TEXT + _MARGIN], _known)[:MAX_TEXT] + CUT
    masked = _mask_json(text) if text.lstrip()[:1] in ("{", "[", '"') else None
    return mask_text(text, _known) if masked is None else masked


def _mask_json(text: str) -> str | None:
    """Return masked JSON, the very text where nothing is secret; None for what is no clean JSON."""
    try:
        document = json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError):
        return None
    masked = mask(document)
    return text if masked == document else json.dumps(masked, ensure_ascii=False)


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(fields := dict(pairs)) != len(pairs):
        raise ValueError("a name comes twice, its first value would go unseen")
    return fields


def mask(value: object) -> object:
    """Return `value` with secrets replaced at any depth.

    Mappings, dataclasses and pydantic models come back as dicts, sequences and sets as lists, bytes and
    exceptions as text. What can't hold a secret (numbers, booleans, None, times) comes back as it was, any
    other object as its masked text. What is nested deeper than 12, or in itself, is `***`.
    """
    return _Walk().mask(value)


class _Walk:
    """One walk through a value; remembers where it has been."""

    def __init__(self) -> None:
        self._open: set[int] = set()
        # Kept by id, so they must stay alive.
        self._seen: dict[int, object] = {}
        self._repeats = 0
        self._texts: dict[str, str] = {}

    def mask(self, value: object) -> object:
        if value is None or isinstance(value, _HARMLESS_TYPES):
            return value
        if isinstance(value, str):
            return self._text(str(value))
        if isinstance(value, (bytes, bytearray, memoryview)):
            return self._text(bytes(value).decode("utf-8", "replace"))
        if isinstance(value, (SecretStr, SecretBytes)):
            return MASK
        if isinstance(value, BaseException):
            return self._text(f"{type(value).__name__}: {value}")
        parts = _parts(value)
        return self._text(str(value)) if parts is None else self._container(value, parts)

    def _text(self, text: str) -> str:
        if len(text) < _LONG:
            return mask_sensitive(text)
        if text not in self._texts:
            self._texts[text] = mask_sensitive(text)
        return self._texts[text]

    def _container(self, value: object, parts: Mapping[object, object] | list[object]) -> object:
        here = id(value)
        self._repeats += here in self._seen
        if here in self._open or len(self._open) >= MAX_DEPTH or self._repeats > MAX_REPEATS:
            return MASK
        self._seen[here] = value
        self._open.add(here)
        try:
            return self._mapping(parts) if isinstance(parts, Mapping) else self._sequence(parts)
        finally:
            self._open.discard(here)

    def _mapping(self, fields: Mapping[object, object]) -> dict[str, object]:
        names_secret = _names_secret(fields)
        return {
            self._text(str(key)): MASK
            if item is not None and (_is_hidden(str(key), item) or (names_secret and key in _VALUING))
            else self.mask(item)
            for key, item in fields.items()
        }

    def _sequence(self, items: list[object]) -> list[object]:
        if len(items) == 2 and _is_secret_pair(items[0], items[1]):
            return [self.mask(items[0]), MASK]
        return [self.mask(item) for item in items]


def _parts(value: object) -> Mapping[object, object] | list[object] | None:
    """Return what a container holds; None for what is none."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, (list, tuple, set, frozenset)):
        fields: Iterable[str] | None = getattr(value, "_fields", None)
        return list(value) if fields is None else dict(zip(fields, value, strict=False))
    if isinstance(value, BaseModel):
        sources = (value.__dict__, value.__pydantic_extra__ or {})
        return {name: item for source in sources for name, item in source.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    return None


def _is_hidden(name: str, value: object) -> bool:
    if isinstance(value, (str, bytes)) and field_kind(name) is FieldKind.TEXT:
        return True
    return is_secret_name(name)


def _names_secret(fields: Mapping[object, object]) -> bool:
    return any(
        isinstance(name := fields.get(key), str) and is_secret_name(name) for key in _NAMING if key in fields
    )


def _is_secret_pair(name: object, value: object) -> bool:
    """Tell `("authorization", "…")` from a list of two names or of two currencies."""
    if not isinstance(name, (str, bytes)) or value is None:
        return False
    kind = field_kind(_plain(name))
    if kind is FieldKind.AMOUNT:
        return is_amount(str(value))
    return kind is FieldKind.SECRET and not is_name(_plain(value))


def _plain(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
