"""Strict JSON parser for untrusted text: one error type, no NaN, no repeated keys, no crash."""

from __future__ import annotations

import json
from typing import Any


class InvalidJsonError(ValueError):
    """The text is not strict JSON; the message names the first trouble, never the text."""


def parse_json(text: str) -> Any:
    """Return the one JSON value in `text`.

    Raises:
        InvalidJsonError: Not JSON, NaN or Infinity, a key twice in one object, nested too deeply, or text
            that UTF-8 and PostgreSQL cannot hold (NUL, half a surrogate pair).
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique)
        json.dumps(value, ensure_ascii=False).encode()
    except InvalidJsonError:
        raise
    except json.JSONDecodeError as error:
        raise InvalidJsonError(f"{error.msg} at character {error.pos}") from error
    except UnicodeEncodeError as error:
        raise InvalidJsonError("it holds half a surrogate pair") from error
    except RecursionError as error:
        raise InvalidJsonError("it is nested too deeply") from error
    except ValueError as error:
        raise InvalidJsonError("a number in it is too long") from error
    return value


def _refuse_constant(name: str) -> None:
    raise InvalidJsonError(f"{name} is no JSON number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise InvalidJsonError("a key stands twice in one object")
    return document
