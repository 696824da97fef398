"""Generator of JSON instances of a schema, in which the fields of a decision get its values. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gemini_simulator.api.proto_json import snake_case
from gemini_simulator.generation.decision import Opinion

MAX_DEPTH = 12
ACTION_NAMES = ("action", "decision", "signal", "side", "recommendation")
_TIMES = {"date-time": "2026-01-01T00:00:00Z", "date": "2026-01-01", "time": "00:00:00Z"}

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class InstanceGenerator:
    """Generates instances of schemas below `root`, whose `$defs` they may name."""

    root: Schema
    opinion: Opinion

    def instance_of(self, asked: object, *, name: str = "", depth: int = 0) -> Any:
        """Return an instance of `asked`, null below MAX_DEPTH; keywords that are not known are ignored."""
        schema = self._resolved(asked if isinstance(asked, dict) else {})
        if depth > MAX_DEPTH:
            return None
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return self._choice(schema["enum"])
        match _kind(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                return self._array(schema, name, depth)
            case "number" | "integer" as kind:
                return self._number(schema, name, whole=kind == "integer")
            case "boolean":
                return False
            case "null":
                return None
        return self._text(schema, name)

    def _resolved(self, schema: Schema) -> Schema:
        """Follow `$ref`, take the first variant that is not null, put `allOf` together."""
        for _ in range(MAX_DEPTH):
            variants = schema.get("anyOf") or schema.get("any_of") or schema.get("oneOf")
            if isinstance(reference := schema.get("$ref"), str):
                schema = self._referred(reference)
            elif isinstance(variants, list):
                objects = [variant for variant in variants if isinstance(variant, dict)]
                schema = next((variant for variant in objects if _kind(variant) != "null"), {})
            elif isinstance(schema.get("allOf"), list):
                parts = [self._resolved(part) for part in schema["allOf"] if isinstance(part, dict)]
                schema = {key: value for part in parts for key, value in part.items()}
            else:
                break
        return schema

    def _referred(self, reference: str) -> Schema:
        found: Any = self.root
        for step in reference.removeprefix("#").strip("/").split("/"):
            found = found.get(step) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else {}

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        fields = schema.get("properties")
        properties = fields if isinstance(fields, dict) else {}
        required = schema.get("required")
        # A schema that contains itself ends here: only what it insists on is filled further down.
        names = (
            list(properties) if depth < MAX_DEPTH // 2 else [n for n in properties if n in (required or ())]
        )
        return {key: self.instance_of(properties[key], name=key, depth=depth + 1) for key in names}

    def _array(self, schema: Schema, name: str, depth: int) -> list[Any]:
        least = _integer(_keyword(schema, "minItems"), 0)
        count = max(least, min(1, _integer(_keyword(schema, "maxItems"), 1)) if depth < MAX_DEPTH // 2 else 0)
        items = schema.get("items")
        return [self.instance_of(items, name=name, depth=depth + 1) for _ in range(min(count, 100))]

    def _number(self, schema: Schema, name: str, *, whole: bool) -> int | float:
        lowest, highest = _bound(schema, "minimum", 1), _bound(schema, "maximum", -1)
        wanted = self.opinion.confidence if "confidence" in name.lower() else 0.0
        if highest is not None and highest > 1 and "confidence" in name.lower():
            wanted = round(wanted * highest, 2)
        value = max(wanted, lowest) if lowest is not None else wanted
        value = min(value, highest) if highest is not None else value
        return math.ceil(value) if whole else value

    def _text(self, schema: Schema, name: str) -> str:
        if schema.get("format") in _TIMES:
            return _TIMES[schema["format"]]
        text = self.opinion.action if name.lower() in ACTION_NAMES else self.opinion.reasoning
        longest = _integer(_keyword(schema, "maxLength"), len(text))
        return text[: max(longest, 0)].ljust(min(_integer(_keyword(schema, "minLength"), 0), 1000), ".")

    def _choice(self, options: list[Any]) -> Any:
        action = self.opinion.action
        exact = [option for option in options if str(option).upper() == action]
        near = [option for option in options if action in str(option).upper()]
        return (exact or near or options)[0]


def _kind(schema: Schema) -> str:
    stated = schema.get("type")
    if isinstance(stated, list):
        stated = next((kind for kind in stated if str(kind).lower() != "null"), "null")
    if not isinstance(stated, str):
        return "object" if "properties" in schema else "array" if "items" in schema else "string"
    return stated.lower()


def _keyword(schema: Schema, name: str) -> Any:
    """Return a keyword in camelCase or snake_case; a responseSchema may have both."""
    return schema.get(name, schema.get(snake_case(name)))


def _integer(value: object, default: int) -> int:
    # Proto JSON writes 64-bit numbers as strings.
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else default


def _bound(schema: Schema, name: str, inwards: int) -> float | None:
    """Return an inclusive bound; an exclusive one moves inwards, by 1 or 0.01."""
    inclusive, exclusive = schema.get(name), schema.get(f"exclusive{name.capitalize()}")
    if isinstance(inclusive, int | float) and math.isfinite(inclusive):
        return float(inclusive)
    if isinstance(exclusive, int | float) and math.isfinite(exclusive):
        return float(exclusive) + inwards * (1 if _kind(schema) == "integer" else 0.01)
    return None
