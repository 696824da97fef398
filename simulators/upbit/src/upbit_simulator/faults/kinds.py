"""Fault kinds of the Upbit simulator: the public parts of the reference's failure table. No IO."""

from simulator_control import Fault, FaultKind, Faults
from upbit_simulator.faults.parameters import MOST_MEGABYTES, ROUTES, check_parameter
from upbit_simulator.rate_limits import RateLimits

_ROUTE = {"route": f"only this part: {', '.join(ROUTES)} (default: all)"}
_SIZE = f"size, at most {MOST_MEGABYTES} (50)"


def _kind(name: str, description: str, /, **params: str) -> FaultKind:
    return FaultKind(name, description, params)


def _on_route(name: str, description: str, /, **params: str) -> FaultKind:
    return FaultKind(name, description, {**params, **_ROUTE})


ANSWER_KINDS = (
    _on_route("rate_limited", "429, Remaining-Req sec=0", body="text or json (text)"),
    _on_route(
        "blocked",
        "418 for the client's IP on every route; each block is twice as long as the one before, until the "
        "fault is cleared, which lifts the block too",
        block_seconds="length of the first block (60)",
    ),
    _on_route("http_error", "an error status", status="400 to 599 (502)", body="json, html or empty (json)"),
    _on_route("market_offline", "403 market_offline, as during maintenance"),
    _on_route("slow", "the answer comes late", delay_seconds="wall seconds (5)"),
    _on_route("hang", "the connection is held and nothing is answered"),
    _on_route("reset", "the connection is reset without an answer"),
    _on_route("truncated_json", "200 with the first half of the body"),
    _on_route("cut_off", "200, and the connection is closed inside a chunk of the body"),
    _on_route("html_page", "200 with an HTML maintenance page"),
    _on_route("wrong_content_type", "the right body as text/html"),
    _on_route("huge_body", "200 with a very long JSON body", megabytes=_SIZE),
    _on_route("gzip_bomb", "200 with a small gzip body that unpacks to a huge one", megabytes=_SIZE),
    _kind(
        "clock_skew",
        "Date and the timestamp of tickers and order books are off, on REST and the WebSocket; candles, "
        "trades and trade_timestamp keep their times",
        seconds="added to exchange time, may be negative (300)",
    ),
)
ROW_KINDS = (
    _kind("newest_candle_late", "candles appear late, then are back-filled", minutes="how late (2)"),
    _kind(
        "missing_candles",
        "some candles are left out, of every length",
        every="every n-th candle of its length is left out (3)",
    ),
    _on_route("duplicate_candles", "every candle (or trade) comes twice"),
    _on_route("out_of_order", "neighbouring candles (or trades) change places"),
    _kind(
        "future_candle",
        "a candle from the future comes first",
        minutes="how far ahead, at least the next candle of its length (5)",
    ),
    _on_route(
        "bad_values",
        "a number of the newest candle (or trade) is broken",
        value="zero, negative, nan, string or huge (zero)",
        field="which field (trade_price)",
    ),
    _kind("revised_candle", "a closed candle has another close and volume", minutes="its age (1)"),
)
WEBSOCKET_KINDS = (
    _kind("ws_refuse", "the handshake is refused", status="400 to 599 (503)"),
    _kind("ws_stall", "connected, but no frame comes and no ping is answered; a count is in connections"),
    _kind("ws_silent", "pings are answered, but no data comes; a count is in connections"),
    _kind("ws_close", "the connection drops", code="close code (none: no close frame at all)"),
    _kind("ws_half_frame", "half a frame, then the connection drops"),
    _kind("ws_error_frame", "an error frame among the messages", name="error name (INVALID_PARAM)"),
    _kind("ws_status_frame", 'an unasked {"status":"UP"} among the messages'),
    _kind("ws_text_frames", "text frames where binary ones are usual"),
)
KINDS = (*ANSWER_KINDS, *ROW_KINDS, *WEBSOCKET_KINDS)


class UpbitFaults(Faults):
    """The faults of this simulator; `limits` holds the blocks that the fault `blocked` makes."""

    def __init__(self, limits: RateLimits) -> None:
        super().__init__(KINDS, check_parameter)
        self._limits = limits

    def clear(self, kind: str | None = None) -> int:
        """Switch off one kind, or all, and with `blocked` the blocks it made."""
        removed = super().clear(kind)
        if kind in {None, "blocked"}:
            self._limits.lift()
        return removed

    def take_on(self, route: str, *kinds: str) -> Fault | None:
        """Return the oldest active fault of these kinds that concerns this route, and use it up once."""
        return self.take(*kinds, concerns=lambda fault: fault.params.get("route", route) == route)

    def peek(self, kind: str) -> Fault | None:
        """Return the oldest active fault of this kind without using it up."""
        return next((fault for fault in self.active() if fault.kind == kind), None)


def skew_ms(fault: Fault) -> int:
    """Return by how much the fault `clock_skew` moves the exchange's time."""
    return int(fault.params.get("seconds", 300) * 1000)
