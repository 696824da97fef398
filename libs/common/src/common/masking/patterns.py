"""Patterns of secrets in a text: key shapes, known secrets, `name=value` in any notation, prose. Pure.

Each kind is looked for only where a word of its own is in the text, which most lines don't have. No pattern
may look far ahead: a hostile line must not hold the process up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from common.masking.field_names import FieldKind, field_kind
from common.masking.known_secrets import MASK, KnownSecrets

MAX_AMOUNT = 48

_AMOUNT = re.compile(r"(?=\D*\d)(?:Decimal|KRW|BTC|원|[\dE_]|\W)+", re.IGNORECASE)
_AMOUNTS = re.compile(r"\{[^{}]{0,200}?:\s*[\\\"']*[-₩]?\d")
_PLAIN_NAME = re.compile(r"[A-Za-z가-힣_ -]{1,24}")
_QUOTE = r"\\{0,7}[\"']"
_LETTER = r"(?:\w|\\{1,15}u[0-9a-f]{4})"
# Two words can be one name, and the `BTC` in `1 BTC = 95,123,000 KRW` is none.
_LEAD = r"(?:(?:access|secret|api|private|avg\ buy)\ (?=key|price)|(?<![=:.,])\d{1,20}\ (?=krw|btc))"
_FIELD = re.compile(
    rf"(?:\\[nrt]|(?<!\w))(?P<name>{_LEAD}?{_LETTER}(?:{_LETTER}|[-/]){{0,47}}+)"
    rf"(?P<closing>{_QUOTE}|\))?\s*(?::=|=>|(?<=-)>|[:=]|%3D)\s*",
    re.IGNORECASE,
)
# ("name", value) and ["name", value], and --name in a list of arguments.
_PAIR = re.compile(
    rf"(?:[(\[]b?{_QUOTE}|{_QUOTE}(?=--))(?P<name>(?:{_LETTER}|[ -]){{1,64}}+)(?P<closing>{_QUOTE}),\s*"
    rf"(?=b?{_QUOTE}|[-\d])",
    re.IGNORECASE,
)
# {"name": "password", "value": …}
_NAMED = re.compile(
    rf"(?<!\w)(?:name|key|header|field|param|parameter|setting){_QUOTE}?\s*[:=]\s*{_QUOTE}"
    rf"(?P<name>(?:{_LETTER}|[ -]){{1,64}}+){_QUOTE}\s*,\s*"
    rf"(?:{_QUOTE})?(?:new_?|old_?)?(?:value|val|content|default)(?P<closing>{_QUOTE})?\s*[:=]\s*",
    re.IGNORECASE,
)
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
_NAMES = re.compile(
    r"key|pass|pwd|secret|token|jwt|auth|cookie|credential|nonce|query|balance|lock|price|krw|btc|sig|\\u"
    r"|잔고|잔액|보유|평가|매수|비밀|액세스|시크릿|접근"
)


class _Shape(NamedTuple):
    """A pattern, how its match is written then, and the lower-case words one of which a match holds."""

    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str = rf"\1{MASK}"


_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
_BALANCE = (
    r"(?:(?:krw|btc)[\s_-])?balance|avg[\s_]buy[\s_]price|locked(?=\s+(?:krw|btc|₩|(?:[a-z]+\s)?[\d,._]{5}))"
    r"|잔고|잔액|보유\s?수량|평가\s?금액|매수\s?평균가"
)
_SHAPES = (
    _Shape(("eyj",), re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,2}"), MASK),
    _Shape(
        ("-----begin",),
        re.compile(r"-----BEGIN [A-Z ]{1,40}-----(?s:.*?)(?:-----END [A-Z ]{1,40}-----|\Z)"),
        MASK,
    ),
    _Shape(("aiza",), re.compile(r"AIza[0-9A-Za-z_-]{20,}"), MASK),
    _Shape(("aq.",), re.compile(rf"{_START}AQ\.[0-9A-Za-z_-]{{16,}}"), MASK),
    _Shape(
        ("su", "sa", "so", "sc", "sn", "sx"),
        re.compile(rf"{_START}S[UAOCNX][A-Z2-7]{{54,56}}(?![A-Za-z0-9])"),
        MASK,
    ),
    _Shape(
        ("bearer", "basic"),
        re.compile(
            rf"({_START}(?i:bearer|basic)\s+)(?=[\w+/.-]{{0,200}}?(?:\d|[a-z][A-Z]|=))[A-Za-z0-9+/_.=-]{{8,}}"
        ),
    ),
    _Shape(
        ("digest",),
        re.compile(r"(?i)(digest\s[^\n]{0,400}?[\s,]response=\\{0,7}[\"'])[^\"'\\]+"),
    ),
    _Shape(
        ("cookie",),
        re.compile(
            rf"(?i)({_START}(?:set-)?cookie\s*[:=]\s*)(?!\\*[\"'])[^\s;\"']+(?:;\s*[^\s;=\"']+=[^\s;\"']*)*"
        ),
    ),
    _Shape(
        ("://",),
        re.compile(r"(://[^\s:/@\"'\[]{0,256}:)(?!//|\d{1,5}(?:[/?,\s\"']|$))(?:(?!://)[^\s\"'<>])*@"),
        rf"\1{MASK}@",
    ),
    _Shape(
        ("%3a%2f%2f",),
        re.compile(r"(?i)(%3A%2F%2F[^\s%:/@\"']{0,256}%3A)(?:(?!%40|%2F%2F)[^\s\"'<>@]){1,512}(?=%40)"),
    ),
    _Shape(("nats://", "tls://"), re.compile(r"((?:nats|tls)://)[^\s:/@\"']{1,512}@"), rf"\1{MASK}@"),
    _Shape(
        ("key", "token", "secret", "password"),
        re.compile(
            r"(?i)((?:[?&]|%3F|%26)(?:key|access_key|api_key|(?:access_)?token|secret|password)(?:=|%3D))"
            r"(?:[^&\s\"'<>%#]|%(?!26))+"
        ),
    ),
    _Shape(
        ("-u", "--user"),
        re.compile(r"((?<!\S)(?:-u|--user)[\s=]\s*[^\s:\"']{0,64}:)(?!\d+(?:\s|$))[^\s\"']+"),
    ),
    # The row's values have no names. As PostgreSQL ends it, or what is left of it after a cut.
    _Shape(
        ("failing row contains (",),
        re.compile(
            r"(?i)(failing row contains \()"
            r"(?:(?s:.{0,4096}?)(?=\)\.(?:\s|\\n|\\{0,7}[\"']|$))|(?:(?!\\n)[^\n])*)"
        ),
    ),
    _Shape(("password '",), re.compile(r"(?i)(?<!\w)(password\s+')(?:[^'\n]|'')*(?=')")),
    _Shape(
        ("balance", "price", "locked", "잔고", "잔액", "보유", "평가", "매수"),
        re.compile(
            rf"(?i)((?<!\w)\(?(?:{_BALANCE})\)?[은는이가]?\s+(?:(?:is|was|of|now|at|to|krw|btc)\s+){{0,2}})"
            r"₩?[-+]?\d[\d,._]*(?:e[-+]?\d+)?"
        ),
    ),
)
# What any shape or name begins with; most texts have none of it, which one search shows.
_ANYTHING = re.compile(
    "|".join([_NAMES.pattern, *sorted({re.escape(hint) for shape in _SHAPES for hint in shape.hints})])
)
# <password>…</password>
_ELEMENT = re.compile(r"<(?P<name>[\w:-]{1,64})(?:\s[^<>]{0,200})?>(?P<value>[^<>]{1,4096})</")
# The field's name stands on the line above: `UPBIT_SECRET_KEY\n  … [type=…, input_value='…'`.
_INPUT = re.compile(
    r"(?:(?<=\n)|(?<=\\n)|^|(?<=\s))(?P<name>\w{1,64})(?:\.\w{1,64}){0,8}(?:\n|\\n)\s{1,8}"
    r"[^\n\[]{0,200}\[type=\w{1,64}, input_value=",
)
_PROSE = re.compile(
    r"""
    (?<![A-Za-z0-9가-힣])
    (?:(?:access|secret|api|private)[\s_-]?keys?|password|passwd|passphrase|secret|token|credentials?|jwt
      |비밀\s?번호|(?:액세스|시크릿|접근|비밀)\s?키)
    (?P<link>(?:은|는|이|가|:)?
      (?:\s+(?:for\s+[\w.-]{1,48}|is|was|are|of|to|from|as|set|changed|value|provided|now|new|header|with)(?![\w-])
      ){0,4}:?\s+)
    (?P<quote>\\{0,7}["'`])?(?P<value>[^\s,;"'`()\[\]{}<>\\]{6,512})
    (?P<second>\s+to\s+["'`]?(?P<other>[^\s,;"'`()\[\]{}<>\\]{6,512}))?
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MARKED = re.compile(r"(?=[^\d]*\d)(?=[^a-zA-Z]*[a-zA-Z])(?!\d{4}-\d\d)|[a-z][A-Z].*[a-z][A-Z]")
# In a random value a key's shape may begin by chance; its beginning is a part of the secret too.
_PARTLY_MASKED = re.compile(r"[A-Za-z0-9_-]+\*\*\*\W*$")
_SAYS_VALUE = re.compile(r"(?:\s(?:is|was|to)|은|는|:)\s+$", re.IGNORECASE)


def mask_text(text: str, known: KnownSecrets) -> str:
    """Return `text` with `***` for every secret in it; keys, separators and quotes stay.

    Shapes come before known secrets: the other way round a secret inside a JWT would break it in two, and its
    tail would stay.
    """
    lower = text.lower()
    if not _ANYTHING.search(lower):
        return known.mask(text)
    for hints, pattern, replacement in _SHAPES:
        if any(hint in lower for hint in hints):
            text = pattern.sub(replacement, text)
    text = known.mask(text)
    if not _NAMES.search(lower):
        return text
    if "</" in text:
        text = _splice(text, _elements(text))
    if "input_value=" in text:
        text = _splice(text, _fields(_INPUT, text))
    for pattern in (_FIELD, _PAIR, _NAMED):
        text = _splice(text, _fields(pattern, text))
    return _splice(text, _prose(text))


def is_amount(value: str) -> bool:
    """Tell an amount of money or coins, as in `₩48,735,012`, from any other text."""
    return _AMOUNT.fullmatch(value) is not None


def is_name(value: str) -> bool:
    """Tell the name of a secret from a secret in which such a word stands by chance."""
    return _PLAIN_NAME.fullmatch(value) is not None and field_kind(value) is not FieldKind.NOTHING


class _Part(NamedTuple):
    """What stands from `start` to `end` is written as `masked`."""

    start: int
    end: int
    masked: str


def _splice(text: str, parts: Iterator[_Part]) -> str:
    pieces, done = [], 0
    for part in parts:
        if part.start >= done:
            pieces += [text[done : part.start], part.masked]
            done = part.end
    return "".join(pieces) + text[done:] if pieces else text


def _fields(pattern: re.Pattern[str], text: str) -> Iterator[_Part]:
    done = 0
    for field in pattern.finditer(text):
        kind = field_kind(field["name"])
        if kind is FieldKind.NOTHING or field.start() < done:
            continue
        # An amount is short, unless it stands in a document or a list of its own.
        short = kind is FieldKind.AMOUNT and text[field.end() : field.end() + 1] not in ("{", "[")
        longest = field.end() + MAX_AMOUNT if short else len(text)
        value = _VALUE.match(text, field.end(), longest)
        if value is None or not _is_hidden(kind, value, pattern):
            continue
        # A bare JSON number after a quoted name becomes a string, so that JSON stays JSON.
        closing = (field.groupdict().get("closing") or "").strip(")")
        quotes = value["quote"] or closing
        done = value.end()
        yield _Part(field.end(), done, f"{value['prefix'] or ''}{quotes}{MASK}{quotes}")


def _is_hidden(kind: FieldKind, value: re.Match[str], pattern: re.Pattern[str]) -> bool:
    if kind is FieldKind.AMOUNT:
        return is_amount(value[0]) or _AMOUNTS.match(value[0]) is not None
    if kind is FieldKind.TEXT:
        return value["quote"] is not None
    # A list of names, as in ["access_key", "secret_key"].
    return pattern is not _PAIR or not is_name(value[0].removeprefix("b").strip("\\\"'"))


def _elements(text: str) -> Iterator[_Part]:
    for element in _ELEMENT.finditer(text):
        kind = field_kind(element["name"])
        if kind is FieldKind.SECRET or (kind is FieldKind.AMOUNT and is_amount(element["value"])):
            yield _Part(element.start("value"), element.end("value"), MASK)


def _prose(text: str) -> Iterator[_Part]:
    for found in _PROSE.finditer(text):
        if _is_value(found["value"], found):
            yield _Part(found.start("value"), _word_end(found, "value"), MASK)
            if found["other"] and _is_value(found["other"], found):
                yield _Part(found.start("other"), _word_end(found, "other"), MASK)


def _is_value(value: str, found: re.Match[str]) -> bool:
    """Tell a value from the next word: it has digits or changing case, or stands in quotes after `is`."""
    quoted = found["quote"] and _SAYS_VALUE.search(found["link"])
    return (
        value != MASK
        and not is_name(value)
        and bool(quoted or _MARKED.match(value) or _PARTLY_MASKED.match(value))
    )


def _word_end(found: re.Match[str], group: str) -> int:
    return found.start(group) + len(found[group].rstrip(".:!?"))
