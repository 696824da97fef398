"""Proto JSON: field names in camelCase or snake_case, and numbers that may stand in quotes. Pure."""

import re

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def camel_case(name: str) -> str:
    """Return the camelCase spelling of a field; the service takes both."""
    return re.sub(r"(?<!^)_([a-z])", lambda match: match[1].upper(), name)


def snake_case(name: str) -> str:
    """Return the snake_case spelling of a camelCase field."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def number_of(value: object) -> float | None:
    """Return the number, None where it is none."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def whole_number_of(value: object) -> int | None:
    """Return the number of an integer field, None where it is none; 100.0 and "1e2" are whole."""
    number = number_of(value)
    if isinstance(number, float):
        return int(number) if number.is_integer() else None
    return number
