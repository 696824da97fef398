"""What must not be printed? Secrets and balances lose their value, key and separator stay.

Structure first (known field names at any depth), then text (key shapes, `key=value`, URL userinfo), then the
secrets that the settings loader registered. The replacement is always `***`. Pure but for the registry.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from urllib.parse import quote

MASK = "***"
MAX_TEXT = 32 * 1024
MAX_DEPTH = 12
MIN_SECRET = 8

# Word sequences inside a field name, so that `monkey`, `tokenizer` and `rebalance` stay readable.
_SECRET_WORDS = (
    ("access", "key"), ("secret", "key"), ("api", "key"), ("private", "key"), ("secret",), ("password",),
    ("passwd",), ("pwd",), ("token",), ("authorization",), ("cookie",), ("credentials",), ("nonce",),
    ("query", "hash"), ("balance",), ("locked",), ("avg", "buy", "price"), ("apikey",), ("accesskey",),
    ("secretkey",), ("jwt",),
)  # fmt: skip
_SECRET_NAMES = {"krw", "btc", "잔고", "잔액", "보유수량", "평가금액"}
_HARMLESS_LAST_WORDS = {"count", "counts", "at", "limit", "budget", "rotation", "type", "name", "alg"}
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[가-힣]+")

_NAMES = (
    r"access[_\- ]?key|secret[_\- ]?key|api[_\- ]?key|private[_\- ]?key|client[_\- ]?secret|secret|password"
    r"|passwd|pwd|token|authorization|cookie|jwt|nonce|query_hash|avg_buy_price|balance|locked"
    r"|잔고|잔액|보유수량|평가금액"
)
_QUOTE = r"(?:\\*[\"'])"
_PAIR = re.compile(
    rf"(?<![A-Za-z0-9_\-가-힣])((?:[A-Za-z0-9]+[_\-])*?(?:{_NAMES}){_QUOTE}?\s*[:=]\s*)"
    rf"(?:(?P<quote>{_QUOTE})(?P<quoted>[^\"'\\]*)(?P=quote)?|(?P<bare>[^\s,;&\"'(){{}}\[\]]+))",
    re.IGNORECASE,
)
_CURRENCY = re.compile(
    rf"({_QUOTE}(?:krw|btc){_QUOTE}\s*:\s*{_QUOTE}?)([-+0-9.,eE]+)",
    re.IGNORECASE,
)
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}"), MASK),
    (re.compile(r"-----BEGIN [A-Z ]+-----[^-]*(?:-----END [A-Z ]+-----)?"), MASK),
    (re.compile(r"AIza[0-9A-Za-z_-]{20,}"), MASK),
    (re.compile(r"\bAQ\.[0-9A-Za-z_-]{16,}"), MASK),
    (re.compile(r"\bS[UAOCNX][A-Z2-7]{54,56}\b"), MASK),
    (
        re.compile(r"(?i)\b((?:bearer|basic)\s+)(?=[A-Za-z0-9+/_.=-]*[0-9A-Z_.=-])[A-Za-z0-9+/_.=-]{8,}"),
        rf"\1{MASK}",
    ),
    (re.compile(r"([a-z][a-z0-9+.-]*://[^\s:/@\"']*:)[^\s/\"']*@"), rf"\1{MASK}@"),
    (re.compile(r"(?i)([?&](?:key|access_key|api_key|token|secret)=)[^&\s\"'<>]+"), rf"\1{MASK}"),
)


class _Registry:
    """The exact secrets of this process; one per process because a log record has no owner."""

    def __init__(self) -> None:
        self.values: set[str] = set()


_registry = _Registry()


def register_secret(value: str) -> None:
    """Have `value` masked wherever it appears, also URL-encoded and JSON-escaped.

    One shorter than 8 characters is ignored: it would tear ordinary words apart.
    """
    if len(value) >= MIN_SECRET:
        _registry.values.update({value, quote(value, safe=""), json.dumps(value)[1:-1]})


def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name holds a secret or a balance."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if "".join(words) in _SECRET_NAMES and len(words) == 1:
        return True
    if words and words[-1] in _HARMLESS_LAST_WORDS:
        return False
    return any(
        tuple(words[start : start + len(sequence)]) == sequence
        for sequence in _SECRET_WORDS
        for start in range(len(words))
    )


def mask_sensitive(text: str) -> str:
    """Return `text` with every secret in it replaced by `***`; cut off behind 32,768 characters."""
    if len(text) > MAX_TEXT:
        text = text[:MAX_TEXT] + "… (cut)"
    for pattern, replacement in _SHAPES:
        text = pattern.sub(replacement, text)
    for secret in sorted(_registry.values, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _CURRENCY.sub(rf"\g<1>{MASK}", _PAIR.sub(_mask_pair, text))


def _mask_pair(match: re.Match[str]) -> str:
    if match["quote"]:
        return f"{match[1]}{match['quote']}{MASK}{match['quote']}"
    return match[0] if match["bare"].lower() in ("bearer", "basic") else f"{match[1]}{MASK}"


def mask(value: object, *, depth: int = 0) -> object:
    """Return `value` with secrets replaced at any depth: mappings, sequences, text, exceptions.

    What can't hold a secret (numbers, booleans, None, times) comes back as it was.
    """
    if depth > MAX_DEPTH:
        return MASK
    deeper: Callable[[object], object] = lambda item: mask(item, depth=depth + 1)  # noqa: E731
    if isinstance(value, Mapping):
        return {
            mask_sensitive(str(key)): MASK if is_secret_name(str(key)) and item is not None else deeper(item)
            for key, item in value.items()
        }
    if isinstance(value, str):
        return mask_sensitive(value)
    if isinstance(value, bytes):
        return mask_sensitive(value.decode("utf-8", "replace"))
    if isinstance(value, BaseException):
        return mask_sensitive(f"{type(value).__name__}: {value}")
    if isinstance(value, (list, tuple, set, frozenset)):
        return [deeper(item) for item in value]
    return value
