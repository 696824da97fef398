from typing import Any

import pytest

from gemini_simulator.generation.decision import Opinion
from gemini_simulator.generation.schema_instances import InstanceGenerator

SELL = Opinion("SELL", 0.8, "The price is 3.")


def instance(schema: dict[str, Any]) -> Any:
    return InstanceGenerator(schema, SELL).instance_of(schema)


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        ({"type": "STRING", "enum": ["buy", "sell"]}, "sell"),
        ({"enum": ["STRONG_BUY", "STRONG_SELL"]}, "STRONG_SELL"),
        ({"enum": ["LOW", "HIGH"]}, "LOW"),
        ({"const": 7}, 7),
        ({"type": ["null", "integer"], "minimum": 3}, 3),
        ({"type": "integer", "exclusiveMinimum": 3}, 4),
        ({"type": "number", "maximum": -2}, -2),
        ({"type": "number", "minimum": float("inf")}, 0),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, False),
        ({"allOf": [{"type": "integer"}, {"minimum": 5}]}, 5),
        ({"type": "null"}, None),
        ({"type": "array", "items": {"type": "integer"}, "minItems": "2"}, [0, 0]),
        ({"type": "array", "maxItems": 0}, []),
        ({"type": "string", "maxLength": 3}, "The"),
        ({"type": "string", "format": "date"}, "2026-01-01"),
        ({"type": "object"}, {}),
        ({"properties": {"signal": {"type": "string"}}}, {"signal": "SELL"}),
        ({"properties": {"confidence": {"type": "number"}}}, {"confidence": 0.8}),
        ({"properties": {"confidence": {"type": "integer", "maximum": 100}}}, {"confidence": 80}),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "boolean"}}}, False),
        ({"$ref": "#/$defs/none"}, "The price is 3."),
    ],
)
def test_an_instance_fits_its_schema(schema: dict[str, Any], wanted: Any) -> None:
    assert instance(schema) == wanted


def test_a_schema_that_contains_itself_ends() -> None:
    node: dict[str, Any] = {"$ref": "#/$defs/node"}
    fields = {"name": {"type": "string"}, "next": node, "all": {"type": "array", "items": node}}
    found = instance({**node, "$defs": {"node": {"properties": fields, "required": ["name"]}}})
    assert found["next"]["next"]["name"] == "The price is 3."
    assert instance({"$ref": "#"}) == "The price is 3."
