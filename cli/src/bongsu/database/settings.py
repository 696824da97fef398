"""Settings in force: the stored value, or the default where none is valid. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from common.config.keys import REGISTRY, ConfigKey
from common.config.queries import StoredSetting
from common.errors import PermanentError


@dataclass(frozen=True)
class Setting:
    """One setting; `stored` is None where it was never set, and what breaks its rule does not hold."""

    key: ConfigKey[Any]
    value: Any
    stored: StoredSetting | None
    is_valid: bool = True

    @property
    def revision(self) -> int:
        """Which revision it is at, as `config set --if-revision` takes it: 0 where it was never set."""
        return self.stored.revision if self.stored else 0

    def as_json(self) -> dict[str, Any]:
        """Return what `config list --json` says of it."""
        return {
            "key": self.key.name,
            "value": self.value,
            "default": self.key.default,
            "valid": self.is_valid,
            "revision": self.revision,
            "updated_at": self.stored.updated_at if self.stored else None,
            "updated_by": self.stored.updated_by if self.stored else None,
            "rule": self.key.rule,
            "meaning": self.key.meaning,
        }

    def in_words(self) -> str:
        """Return the value, and where it was set also by whom and what it would be otherwise."""
        if self.stored is None:
            return spelled(self.value)
        if not self.is_valid:
            return f"{spelled(self.value)} (what {self.stored.updated_by} set is not valid)"
        return f"{spelled(self.value)} (default {spelled(self.key.default)}, set by {self.stored.updated_by})"


def settings_in_force(stored: Mapping[str, StoredSetting]) -> dict[str, Setting]:
    """Return every setting there is, by key, in the registry's order."""
    return {name: _in_force(key, stored.get(name)) for name, key in REGISTRY.items()}


def spelled(value: object) -> str:
    """Return a value as a person types it for `config set`, but for the shell's quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str).strip('"')


def _in_force(key: ConfigKey[Any], stored: StoredSetting | None) -> Setting:
    if stored is None:
        return Setting(key, key.default, None)
    try:
        return Setting(key, key.read(stored.value), stored)
    except PermanentError:
        # Written by hand, past every check.
        return Setting(key, key.default, stored, is_valid=False)
