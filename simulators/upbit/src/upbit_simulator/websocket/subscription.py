"""Subscription of a connection, and the parser of WebSocket requests. Pure."""

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

CANDLE_SECONDS = {
    "candle.1s": 1,
    "candle.1m": 60,
    "candle.3m": 180,
    "candle.5m": 300,
    "candle.10m": 600,
    "candle.15m": 900,
    "candle.30m": 1800,
    "candle.60m": 3600,
    "candle.240m": 14_400,
}
TYPES = ("ticker", "trade", "orderbook", *CANDLE_SECONDS)
DEFAULT_FORMAT = "DEFAULT"
FORMATS = (DEFAULT_FORMAT, "SIMPLE", "JSON_LIST", "SIMPLE_LIST")
BOOK_DEPTHS = (1, 5, 15, 30)
LIST_METHOD = "LIST_SUBSCRIPTIONS"
_LOWEST_LEVEL, _HIGHEST_LEVEL = Decimal("1E-8"), Decimal("1E+15")
_CODE = re.compile(r"(?P<code>[A-Z0-9]+-[A-Z0-9]+)(\.(?P<depth>[0-9]{1,2}))?")
_MESSAGES = {
    "INVALID_AUTH": "인증 정보가 올바르지 않습니다.",
    "WRONG_FORMAT": "Format이 맞지 않습니다.",
    "NO_TICKET": "티켓이 존재하지 않거나 유효하지 않습니다.",
    "NO_TYPE": "타입 필드가 존재하지 않습니다.",
    "NO_CODES": "코드 필드가 존재하지 않습니다.",
    "INVALID_PARAM": "파라미터가 유효하지 않습니다.",
    "TOO_MANY_REQUEST": "요청 수가 너무 많습니다.",
}


class RequestError(Exception):
    """A request message that gets an error frame; `name` as Upbit spells it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass(frozen=True, slots=True)
class Channel:
    """One entry: a type for some markets; `depth` and `level` (KRW) only for order books."""

    type: str
    codes: tuple[tuple[str, int], ...]
    snapshot: bool = True
    realtime: bool = True
    level: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Subscription:
    """All channels of a connection; the next request replaces it."""

    ticket: str
    channels: tuple[Channel, ...]
    format: str


@dataclass(frozen=True, slots=True)
class ListRequest:
    """Asks what is subscribed; a `format` changes that of the subscription too, None leaves it."""

    ticket: str
    format: str | None


def error_frame(name: str) -> dict[str, object]:
    """Return the frame Upbit sends for an error."""
    return {"error": {"name": name, "message": _MESSAGES.get(name, name)}}


def parse_request(text: str) -> Subscription | ListRequest:
    """Return what the request asks for.

    Raises:
        RequestError: The message is not one that Upbit accepts.
    """
    try:
        parts = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError("WRONG_FORMAT") from error
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        raise RequestError("WRONG_FORMAT")
    ticket = parts[0].get("ticket")
    # Half of a surrogate pair is no printable text and could not be sent back.
    if not isinstance(ticket, str) or not ticket or not ticket.isprintable():
        raise RequestError("NO_TICKET")
    if any(part.get("method") == LIST_METHOD for part in parts[1:]):
        return ListRequest(ticket, _format(parts[1:]))
    channels = tuple(_channel(part) for part in parts[1:] if "format" not in part or "type" in part)
    if not channels:
        raise RequestError("NO_TYPE")
    return Subscription(ticket, channels, _format(parts[1:]) or DEFAULT_FORMAT)


def _format(parts: list[dict[str, object]]) -> str | None:
    asked = [str(part["format"]) for part in parts if "format" in part]
    if asked and asked[-1] not in FORMATS:
        raise RequestError("WRONG_FORMAT")
    return asked[-1] if asked else None


def _channel(part: dict[str, object]) -> Channel:
    kind, codes = part.get("type"), part.get("codes")
    if not isinstance(kind, str):
        raise RequestError("NO_TYPE")
    if kind not in TYPES:
        raise RequestError("INVALID_PARAM")
    if not isinstance(codes, list) or not codes:
        raise RequestError("NO_CODES")
    only_snapshot = _flag(part, "is_only_snapshot", "isOnlySnapshot")
    only_realtime = _flag(part, "is_only_realtime", "isOnlyRealtime")
    parsed = tuple(_code(kind, code) for code in codes)
    return Channel(kind, parsed, not only_realtime, not only_snapshot, _level(part))


def _flag(part: dict[str, object], *names: str) -> bool:
    return any(part.get(name) is True for name in names)


def _code(kind: str, code: object) -> tuple[str, int]:
    found = _CODE.fullmatch(code) if isinstance(code, str) else None
    if found is None or (found["depth"] and kind != "orderbook"):
        raise RequestError("INVALID_PARAM")
    depth = int(found["depth"] or BOOK_DEPTHS[-1])
    if depth not in BOOK_DEPTHS:
        raise RequestError("INVALID_PARAM")
    return found["code"], depth


def _level(part: dict[str, object]) -> Decimal:
    try:
        level = Decimal(str(part.get("level") or 0))
    except InvalidOperation as error:
        raise RequestError("INVALID_PARAM") from error
    if not level.is_finite() or (level and not _LOWEST_LEVEL <= level <= _HIGHEST_LEVEL):
        raise RequestError("INVALID_PARAM")
    return level
