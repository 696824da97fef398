"""The golden messages: one of each event, as some version once wrote it, which every later version must read.

A missing one is made up from the event's fields. One that is there is never changed, so that it stays old.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from common.events import EVENTS, MARKET_PATTERN, Event

FOLDER = Path(__file__).parents[1] / "unit" / "common" / "golden"
TIME = "2026-01-13T09:00:00Z"


def golden_file(event: type[Event]) -> Path:
    """Return where an event's golden message is kept."""
    return FOLDER / f"{re.sub(r'(?<!^)(?=[A-Z])', '_', event.__name__).lower()}.json"


def write_missing() -> Iterator[Path]:
    """Write the golden messages that are missing, and yield the path of each.

    Raises:
        ValueError: A message cannot be made up from the fields alone.
    """
    for event in EVENTS:
        path = golden_file(event)
        if not path.exists():
            path.write_text(json.dumps(made_up(event), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            yield path


def made_up(event: type[Event]) -> dict[str, Any]:
    """Return a message with every field; ValueError where the fields have rules that it does not know."""
    schema = event.model_json_schema()
    message = _value(event.__name__, schema, schema.get("$defs", {}))
    try:
        return dict(json.loads(event.model_validate(message).model_dump_json()))
    except ValidationError as error:
        raise ValueError(f"write {golden_file(event)} by hand: {error}") from error


def _value(name: str, schema: dict[str, Any], models: dict[str, Any]) -> Any:
    if reference := schema.get("$ref"):
        return _value(name, models[reference.rpartition("/")[2]], models)
    if choices := schema.get("anyOf"):
        return _value(name, choices[0], models)
    if "enum" in schema:
        return schema["enum"][0]
    match schema["type"]:
        case "object":
            return {key: _value(key, value, models) for key, value in schema["properties"].items()}
        case "array":
            return [_value(name, schema["items"], models)]
        case "string":
            return _text(name, schema)
        case kind:
            return {"integer": 1, "number": 1, "boolean": True}[kind]


def _text(name: str, schema: dict[str, Any]) -> str:
    if schema.get("pattern") == MARKET_PATTERN:
        return "KRW-BTC"
    return {"date-time": TIME, "decimal": "1"}.get(schema.get("format", ""), name)
