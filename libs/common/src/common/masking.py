"""What must not be printed? Secrets and balances lose their value, key and separator stay.

Structure first (known field names at any depth, also in text that is JSON), then text: key shapes, the
secrets that the settings loader registered, `name=value` in every notation. The replacement is always `***`.
Pure but for the registry. No pattern may look far ahead: a hostile line must not hold the process up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from urllib.parse import quote, quote_plus
from uuid import UUID

MASK = "***"
MAX_TEXT = 32 * 1024
MAX_DEPTH = 12
MIN_SECRET = 8
MAX_AMOUNT = 48
# What is read beyond MAX_TEXT, so that a secret on the cut is still recognised as a whole.
_MARGIN = 1024
_HARMLESS_TYPES = (int, float, Decimal, date, time, timedelta, UUID)

# A name is looked at as its words, so that `monkey`, `tokenizer` and `rebalance` stay readable.
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[가-힣]+")
_SECRET_WORDS = re.compile(
    r"(?<!\S)(?:(?:access|secret|api|private) ?key|(?:pg)?password|passwd|passphrase|pwd|secret|token|jwt"
    r"|authorization|cookie|credentials?|nonce|query hash|balance|locked|avg buy price)(?!\S)"
    r"|(?:잔고|잔액|보유 ?수량|평가 ?금액)$"
)
_HARMLESS_WORDS = re.compile(r" (?:counts?|at|until|limit|budget|bucket|rotation|type|name|alg|file)$")
_CURRENCY_WORDS = re.compile(r"(?:total )?(?:krw|btc)")
_AMOUNT = re.compile(r"(?=\D*\d)(?:Decimal|KRW|BTC|원|[\dE_]|\W)+", re.IGNORECASE)

_ESCAPED = re.compile(r"\\{1,15}u([0-9a-fA-F]{4})")
_QUOTE = r"\\{0,7}[\"']"
_LETTER = r"(?:\w|\\{1,15}u[0-9a-f]{4})"
# Two words can be one name, and the `BTC` in `1 BTC = 95,123,000 KRW` is none.
_LEAD = r"(?:(?:access|secret|api|private)\ (?=key)|\d{1,20}\ (?=krw|btc))"
_FIELD = re.compile(
    rf"(?:\\[nrt]|(?<!\w))(?P<name>{_LEAD}?{_LETTER}(?:{_LETTER}|[-/]){{0,47}}+)"
    rf"(?P<closing>{_QUOTE}|\))?\s*(?:[:=]|%3D)\s*",
    re.IGNORECASE,
)
_HEADER = re.compile(rf"\(b?{_QUOTE}(?P<name>(?:{_LETTER}|[ -]){{1,64}}+)(?P<closing>{_QUOTE}),\s*")
_BARE = r"(?:[^\s,;&\"'(){}\[\]<>]|,(?=\d))"
_VALUE = re.compile(
    rf"""
    (?!(?:null|None)(?:[\s,;&)}}\]]|$)|(?:is|must)\ )
    (?:
        (?P<prefix>b?)(?=(?P<quote>{_QUOTE}))
        (?: "(?:[^"\\\n]|\\.)*+"? | '(?:[^'\\\n]|\\.)*+'?
          | (?P=quote)(?:(?!(?<!\\)(?P=quote))[^\n])*+(?P=quote)? )
      | (?: \w*+\([^()\n]*+\)? | \[[^\[\]]*+\]? | \{{[^{{}}]*+\}}? ){_BARE}*+
      | (?:(?:bearer|basic|digest)\s+(?=\w))?{_BARE}++
    )
    """,
    re.VERBOSE | re.IGNORECASE,
)

_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}"), MASK),
    (re.compile(r"-----BEGIN [A-Z ]{1,40}-----(?s:.*?)(?:-----END [A-Z ]{1,40}-----|\Z)"), MASK),
    (re.compile(r"AIza[0-9A-Za-z_-]{20,}"), MASK),
    (re.compile(rf"{_START}AQ\.[0-9A-Za-z_-]{{16,}}"), MASK),
    (re.compile(rf"{_START}S[UAOCNX][A-Z2-7]{{54,56}}(?![A-Za-z0-9])"), MASK),
    (
        re.compile(
            rf"({_START}(?i:bearer|basic)\s+)(?=[\w+/.-]{{0,200}}?(?:\d|[a-z][A-Z]|=))[A-Za-z0-9+/_.=-]{{8,}}"
        ),
        rf"\1{MASK}",
    ),
    (
        re.compile(
            rf"(?i)({_START}(?:set-)?cookie\s*[:=]\s*)(?!\\*[\"'])[^\s;\"']+(?:;\s*[^\s;=\"']+=[^\s;\"']*)*"
        ),
        rf"\1{MASK}",
    ),
    (
        re.compile(r"(://[^\s:/@\"'\[]{0,256}:)(?!//|\d{1,5}(?:[/?,\s\"']|$))(?:(?!://)[^\s\"'<>])*@"),
        rf"\1{MASK}@",
    ),
    (re.compile(r"((?:nats|tls)://)[^\s:/@\"']{1,512}@"), rf"\1{MASK}@"),
    (
        re.compile(
            r"(?i)((?:[?&]|%3F|%26)(?:key|access_key|api_key|token|secret)(?:=|%3D))(?:[^&\s\"'<>%]|%(?!26))+"
        ),
        rf"\1{MASK}",
    ),
    (
        re.compile(
            r"(?i)((?<!\w)(?:balance|avg_buy_price|잔고|잔액|보유수량|평가금액)[은는이가]?\s+)₩?[-+]?\d[\d,._]*"
        ),
        rf"\1{MASK}",
    ),
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
        encoded = {quote(value), quote(value, safe=""), quote_plus(value)}
        escaped = {json.dumps(value, ensure_ascii=ascii_)[1:-1] for ascii_ in (True, False)}
        _registry.values.update({value} | encoded | escaped)


def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name holds a secret or a balance."""
    words = _words(name)
    return _is_secret(words) or _is_currency(words)


def _is_secret(words: str) -> bool:
    return bool(_SECRET_WORDS.search(words)) and not _HARMLESS_WORDS.search(words)


def _is_currency(words: str) -> bool:
    return bool(_CURRENCY_WORDS.fullmatch(words))


def _words(name: str) -> str:
    plain = _ESCAPED.sub(lambda escape: chr(int(escape[1], 16)), name)
    return " ".join(_WORDS.findall(plain)).lower()


def mask_sensitive(text: str) -> str:
    """Return `text` with every secret in it replaced by `***`; cut off behind 32,768 characters."""
    if len(text) > MAX_TEXT:
        return _mask_text(text[: MAX_TEXT + _MARGIN])[:MAX_TEXT] + "… (cut)"
    masked = _mask_json(text) if text.lstrip()[:1] in ("{", "[", '"') else None
    return _mask_text(text) if masked is None else masked


def _mask_json(text: str) -> str | None:
    """Return masked JSON, the very text where nothing is secret; None for what is no clean JSON."""
    try:
        document = json.loads(text, object_pairs_hook=_without_repeats)
    except (ValueError, RecursionError):
        return None
    masked = mask(document)
    return text if masked == document else json.dumps(masked, ensure_ascii=False)


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(fields := dict(pairs)) != len(pairs):
        raise ValueError("a name comes twice, its first value would go unseen")
    return fields


def _mask_text(text: str) -> str:
    for pattern, replacement in _SHAPES:
        text = pattern.sub(replacement, text)
    for secret in sorted(_registry.values, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _mask_fields(_HEADER, _mask_fields(_FIELD, text))


def _mask_fields(pattern: re.Pattern[str], text: str) -> str:
    parts, done = [], 0
    for field in pattern.finditer(text):
        words = _words(field["name"])
        if field.start() < done or not (_is_secret(words) or _is_currency(words)):
            continue
        longest = len(text) if _is_secret(words) else field.end() + MAX_AMOUNT
        value = _VALUE.match(text, field.end(), longest)
        if value is None or not (_is_secret(words) or _AMOUNT.fullmatch(value[0])):
            continue
        # A bare JSON number behind a quoted name becomes a string, so that JSON stays JSON.
        quotes = value["quote"] or (field["closing"] or "").strip(")")
        parts += [text[done : field.end()], value["prefix"] or "", quotes, MASK, quotes]
        done = value.end()
    return "".join(parts) + text[done:]


def _is_secret_header(pair: tuple[object, ...]) -> bool:
    return len(pair) == 2 and isinstance(pair[0], str | bytes) and is_secret_name(str(pair[0]))


def mask(value: object, *, depth: int = 0) -> object:
    """Return `value` with secrets replaced at any depth: mappings, sequences, text, exceptions.

    What can't hold a secret (numbers, booleans, None, times) comes back as it was, any other object as its
    masked text.
    """
    if value is None or isinstance(value, _HARMLESS_TYPES):
        return value
    if depth > MAX_DEPTH:
        return MASK
    deeper: Callable[[object], object] = lambda item: mask(item, depth=depth + 1)  # noqa: E731
    if isinstance(value, Mapping):
        return {
            mask_sensitive(str(key)): MASK if is_secret_name(str(key)) and item is not None else deeper(item)
            for key, item in value.items()
        }
    if isinstance(value, bytes):
        return mask_sensitive(value.decode("utf-8", "replace"))
    if isinstance(value, BaseException):
        return mask_sensitive(f"{type(value).__name__}: {value}")
    if isinstance(value, tuple) and _is_secret_header(value):
        return [deeper(value[0]), MASK]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [deeper(item) for item in value]
    return mask_sensitive(str(value))
