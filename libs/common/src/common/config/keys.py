"""The runtime settings: each key with its type, rule, default and meaning. Pure."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from common.errors import PermanentError
from common.events import Market
from common.masking import is_secret_name, mask_sensitive

T = TypeVar("T")

# More characters than any value has.
MAX_TYPED = 10_000
_PLAIN_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
GEMINI_MODEL_PATTERN = r"^[a-z0-9][a-z0-9.\-]{2,60}$"
GeminiModel = Annotated[str, Field(pattern=GEMINI_MODEL_PATTERN)]


@dataclass(frozen=True)
class ConfigKey(Generic[T]):
    """One setting: `rule` says in words what `adapter` checks."""

    name: str
    adapter: TypeAdapter[T]
    default: T
    rule: str
    meaning: str

    def check(self, value: object) -> T:
        """Return `value` (as JSON gives it) as this key's type; PermanentError with the rule otherwise."""
        try:
            document = json.dumps(value, allow_nan=False)
        except (ValueError, TypeError, RecursionError):
            raise self._refusal() from None
        return self.read(document)

    def read(self, document: str) -> T:
        """Return any JSON text as this key's type; PermanentError with the rule otherwise."""
        if len(document) > MAX_TYPED:
            raise self._refusal()
        try:
            return self.adapter.validate_json(document, strict=True)
        except ValidationError:
            # Without its cause: pydantic repeats the value, which may be a secret.
            raise self._refusal() from None

    def _refusal(self) -> PermanentError:
        return PermanentError(f"{self.name}: must be {self.rule}")


def _each_once(items: list[str]) -> list[str]:
    if len(set(items)) < len(items):
        raise ValueError("no item may come twice")
    return items


def _whole(minimum: int, maximum: int) -> TypeAdapter[int]:
    return TypeAdapter(Annotated[int, Field(ge=minimum, le=maximum)])


def _number(minimum: float, maximum: float) -> TypeAdapter[float]:
    return TypeAdapter(Annotated[float, Field(ge=minimum, le=maximum, allow_inf_nan=False)])


# A market costs two requests a minute, one to collect it and one to look again, and Upbit takes 600.
MAX_MARKETS = 250
MARKETS = ConfigKey(
    "markets",
    TypeAdapter(
        Annotated[list[Market], Field(min_length=1, max_length=MAX_MARKETS), AfterValidator(_each_once)]
    ),
    ["KRW-BTC"],
    f'a list of 1 to {MAX_MARKETS} different market codes, as in ["KRW-BTC"]',
    "Markets that are collected and decided on.",
)
COLLECT_INTERVAL_SECONDS = ConfigKey(
    "collect_interval_seconds",
    _whole(1, 60),
    10,
    "a whole number of seconds from 1 to 60",
    "How often candles are asked for where the WebSocket is silent.",
)
MAX_BACKFILL_DAYS = 365
BACKFILL_DAYS = ConfigKey(
    "backfill_days",
    _whole(0, MAX_BACKFILL_DAYS),
    3,
    f"a whole number of days from 0 to {MAX_BACKFILL_DAYS}",
    "How far a first start reaches back.",
)
SIGNAL_INTERVAL_MINUTES = ConfigKey(
    "signal_interval_minutes",
    _whole(1, 1440),
    60,
    "a whole number of minutes from 1 to 1440",
    "How often a signal is decided.",
)
SIGNAL_MIN_CONFIDENCE = ConfigKey(
    "signal_min_confidence",
    _number(0, 1),
    0.6,
    "a number from 0 to 1",
    "A BUY or SELL below this confidence is kept as HOLD.",
)
GEMINI_MODEL = ConfigKey(
    "gemini_model",
    TypeAdapter(GeminiModel),
    "gemini-3.8-flash",
    "a model name such as gemini-3.8-flash",
    "The model that is asked first.",
)
GEMINI_FALLBACK_MODELS = ConfigKey(
    "gemini_fallback_models",
    TypeAdapter(Annotated[list[GeminiModel], Field(max_length=10), AfterValidator(_each_once)]),
    ["gemini-3.6-flash", "gemini-3.5-flash-lite"],
    'a list of at most 10 different model names, as in ["gemini-3.6-flash"]',
    "Models that are asked in this order when the one before is gone.",
)
GEMINI_DAILY_REQUEST_BUDGET = ConfigKey(
    "gemini_daily_request_budget",
    _whole(0, 1_000_000),
    20,
    "a whole number of requests from 0 to 1000000",
    "HTTP attempts a day and model (day in America/Los_Angeles).",
)
GEMINI_DAILY_COST_BUDGET_USD = ConfigKey(
    "gemini_daily_cost_budget_usd",
    TypeAdapter(Annotated[Decimal, Field(ge=0, le=10000, allow_inf_nan=False)]),
    Decimal(1),
    'an amount in US dollars from 0 to 10000, as in "1.50"',
    "What Gemini may cost a day, all models together.",
)
GEMINI_TIMEOUT_SECONDS = ConfigKey(
    "gemini_timeout_seconds",
    _whole(1, 300),
    30,
    "a whole number of seconds from 1 to 300",
    "How long one Gemini call may take.",
)
TRADING_ENABLED = ConfigKey(
    "trading_enabled",
    TypeAdapter(bool),
    False,
    "true or false",
    "Whether a trader may act on signals (no trader exists yet).",
)
RETENTION_DAYS = ConfigKey(
    "retention_days",
    _whole(2, 3650),
    400,
    "a whole number of days from 2 to 3650",
    "How long candles are kept.",
)

# All of them, in the order of this module.
REGISTRY: dict[str, ConfigKey[Any]] = {
    value.name: value for value in tuple(vars().values()) if isinstance(value, ConfigKey)
}


def find_key(name: str) -> ConfigKey[Any]:
    """Return the key of that name; PermanentError with the nearest names otherwise."""
    if key := REGISTRY.get(name):
        return key
    near = difflib.get_close_matches(name, REGISTRY, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(REGISTRY)}"
    raise PermanentError(f"unknown key {name[:60]!r}; {hint}")


def refuse_secret(name: str, text: str) -> None:
    """Raise PermanentError, which does not repeat it, for a value that looks like a secret."""
    if mask_sensitive(text) != text or is_secret_name(text):
        raise PermanentError(
            f"{name}: looks like a secret; secrets go into the environment, not into settings"
        )


def parse_value(name: str, text: str) -> object:
    """Return what a person typed as the key's type: JSON, or a bare word for a text key.

    Raises:
        PermanentError: Unknown key, broken rule, or a value that looks like a secret.
    """
    key = find_key(name)
    if len(text) > MAX_TYPED:
        raise PermanentError(f"{name}: must be {key.rule}")
    refuse_secret(name, text)
    try:
        value = json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        value = text
    if isinstance(key.default, Decimal):
        # As typed, with or without quotes: a float has lost digits, and Decimal takes 1_0 too.
        typed = value if isinstance(value, str) else text
        value = typed if _PLAIN_NUMBER.fullmatch(typed) else None
    return key.check(value)
