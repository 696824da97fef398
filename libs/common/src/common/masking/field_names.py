"""Names of fields that hold a secret or a balance. Pure.

A name is read as its words, so that `monkey`, `tokenizer` and `rebalance` stay readable.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache

MAX_NAME = 64

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[가-힣]+")
_ESCAPED = re.compile(r"\\{1,15}u([0-9a-fA-F]{4})")
_SECRET = re.compile(
    r"(?<!\S)(?:(?:access|secret|api|private|signing|encryption) ?key|(?:pg)?password|passwd|passphrase|pwd"
    r"|secret|token|jwt|authorization|cookie|credentials?|nonce|query hash|balance|locked"
    r"|avg buy price)(?!\S)"
    r"|(?:잔고|잔액|보유 ?수량|보유 ?금액|평가 ?금액|매수 ?평균가|평균 ?매수가|비밀 ?번호|비밀 ?키|액세스 ?키"
    r"|시크릿 ?키|접근 ?키)$"
)
_HARMLESS = re.compile(r" (?:counts?|at|until|limit|budget|bucket|rotation|type|name|alg|file|str)$")
_CURRENCY = re.compile(r"(?:total )?(?:krw|btc)")
_SHORT = re.compile(r"(?:(?:db|pg|user|nats) )?pass|sig")


class FieldKind(Enum):
    """What a field of that name holds: nothing to hide, anything secret, only an amount, or only a text."""

    NOTHING = auto()
    SECRET = auto()
    AMOUNT = auto()
    TEXT = auto()


def field_kind(name: str) -> FieldKind:
    """Return what a field of this name holds, in any notation: snake, camel, kebab, `\\uXXXX`."""
    return _cached_kind(name) if len(name) <= MAX_NAME else _kind(name)


def is_secret_name(name: str) -> bool:
    """Return whether a field of this name holds a secret or a balance."""
    return field_kind(name) in (FieldKind.SECRET, FieldKind.AMOUNT)


def _kind(name: str) -> FieldKind:
    plain = _ESCAPED.sub(lambda escape: chr(int(escape[1], 16)), name)
    words = " ".join(_WORDS.findall(plain)).lower()
    if _SECRET.search(words) and not _HARMLESS.search(words):
        return FieldKind.SECRET
    if _CURRENCY.fullmatch(words):
        return FieldKind.AMOUNT
    return FieldKind.TEXT if _SHORT.fullmatch(words) else FieldKind.NOTHING


# The same few hundred names come with every line.
_cached_kind = lru_cache(maxsize=4096)(_kind)
