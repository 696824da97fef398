"""Response schema of a request, and the checks on it. Pure."""

from collections.abc import Mapping
from typing import Any

from gemini_simulator.api.errors import bad_request, unknown_name
from gemini_simulator.api.proto_json import camel_case

PATH = "generation_config.response_schema"
MAX_NESTING = 32
# The OpenAPI subset that `responseSchema` is; a `responseJsonSchema` may hold any keyword.
_KEYWORDS = {
    "type", "format", "title", "description", "nullable", "enum", "items", "minItems", "maxItems",
    "properties", "required", "minProperties", "maxProperties", "minimum", "maximum", "minLength",
    "maxLength", "pattern", "example", "anyOf", "propertyOrdering", "default",
}  # fmt: skip


def schema_of(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the schema of a generationConfig (camelCase names), None where there is none.

    Raises:
        ApiError: Both kinds at once, a mime type that takes none, or a keyword that does not exist.
    """
    schema, json_schema = config.get("responseSchema"), config.get("responseJsonSchema")
    if schema is None and json_schema is None:
        return None
    if schema is not None and json_schema is not None:
        raise bad_request(
            "generation_config", "only one of response_schema and response_json_schema may be set"
        )
    if config.get("responseMimeType") not in ("application/json", "text/x.enum"):
        raise bad_request(
            "generation_config.response_mime_type",
            "response_mime_type must be application/json where a response schema is set",
        )
    found = schema if schema is not None else json_schema
    if not isinstance(found, dict):
        raise bad_request("generation_config", "the response schema must be an object")
    if schema is not None:
        _check(found, PATH, 0)
    return found


def _check(schema: object, path: str, depth: int) -> None:
    if not isinstance(schema, dict):
        raise bad_request(path, f"Invalid value at '{path}', expected an object.")
    if depth > MAX_NESTING:
        raise bad_request(PATH, f"The schema exceeds the maximum allowed nesting depth of {MAX_NESTING}.")
    for name, value in schema.items():
        spelled = camel_case(name)
        if spelled not in _KEYWORDS:
            raise unknown_name(name, path)
        if spelled == "items":
            _check(value, f"{path}.items", depth + 1)
        elif spelled == "anyOf" and isinstance(value, list):
            for index, variant in enumerate(value):
                _check(variant, f"{path}.any_of[{index}]", depth + 1)
        elif spelled == "properties" and isinstance(value, dict):
            for index, field in enumerate(value.values()):
                _check(field, f"{path}.properties[{index}].value", depth + 1)
