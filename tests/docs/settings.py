"""The tables of runtime settings and of environment variables."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from collector.settings import CollectorSettings
from common.config.keys import REGISTRY
from common.settings import ServiceSettings
from docs.markdown import code, table
from health.settings import HealthSettings
from signaler.settings import SignalerSettings

SERVICES: dict[str, type[BaseModel]] = {
    "collector": CollectorSettings,
    "signaler": SignalerSettings,
    "health": HealthSettings,
}


def table_of_settings() -> str:
    """Return the runtime settings: key, default, what it may be, what it means."""
    return table(
        ("key", "default", "may be", "meaning"),
        ((code(key.name), code(_as_json(key.default)), key.rule, key.meaning) for key in REGISTRY.values()),
    )


def table_of_variables() -> str:
    """Return the environment variables, those that every service reads first."""
    rows = [_variable("every service", field) for field in ServiceSettings.model_fields.values()]
    for service, model in SERVICES.items():
        own = (
            field for name, field in model.model_fields.items() if name not in ServiceSettings.model_fields
        )
        rows += [_variable(service, field) for field in own]
    return table(("variable", "read by", "default", "meaning"), rows)


def _variable(reader: str, field: FieldInfo) -> tuple[str, str, str, str]:
    secret = "SecretStr" in str(field.annotation)
    name = f"{code(field.alias)}, {code(f'{field.alias}_FILE')}" if secret else code(field.alias)
    default = (
        "must be set" if field.is_required() else "none" if field.default is None else code(field.default)
    )
    return name, reader, default, field.description or ""


def _as_json(value: Any) -> str:
    return json.dumps(str(value) if isinstance(value, Decimal) else value)
