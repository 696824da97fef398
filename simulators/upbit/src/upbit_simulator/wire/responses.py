"""HTTP responses of Upbit: headers, errors, bodies. Shapes from recorded answers and docs."""

import hashlib

from aiohttp import web

from upbit_simulator.encoding import encode

JSON_TYPE = "application/json;charset=UTF-8"
TEXT_TYPE = "text/plain;charset=UTF-8"
INVALID = "Invalid parameter. Check the given value!"
WRONG_TYPE = "Type mismatch error. Check the parameters type!"
MISSING = "Missing request parameter error. Check the required parameters!"
UNKNOWN_MARKET = "Code not found"
_NO_CACHE = {
    "Cache-Control": "no-cache, no-store, max-age=0, must-revalidate",
    "Pragma": "no-cache",
    "Expires": "0",
    "Vary": "origin,access-control-request-method,access-control-request-headers,accept-encoding",
}


class QuotationError(Exception):
    """A request for public data that gets an error; `name` on the wire is the integer status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def json_response(value: object, *, status: int = 200) -> web.Response:
    """Return a compact JSON answer with the headers of public data."""
    return body_response(encode(value).encode(), status=status)


def body_response(body: bytes, *, status: int = 200, content_type: str = JSON_TYPE) -> web.Response:
    """Return these bytes with the headers of public data."""
    etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
    headers = {"Content-Type": content_type, "ETag": f'W/"0{etag}"', "Limit-By-Ip": "Yes", **_NO_CACHE}
    return web.Response(body=body, status=status, headers=headers)


def error_response(status: int, message: str, *, name: str | None = None) -> web.Response:
    """Return an error; the edge and the exchange side give it a textual name, quotations the status."""
    return json_response({"error": {"name": name or status, "message": message}}, status=status)


def too_many_requests(group: str, *, as_json: bool = False) -> web.Response:
    """Return 429; its body is text, which clients have stumbled over, or JSON, as some have seen it."""
    if as_json:
        response = error_response(429, "요청 수 제한을 초과했습니다.", name="too_many_requests")
    else:
        response = body_response(b"Too many API requests.", status=429, content_type=TEXT_TYPE)
    response.headers["Remaining-Req"] = remaining_req(group, 0)
    return response


def blocked(seconds: float) -> web.Response:
    """Return 418; the body has the length of the block."""
    whole = max(1, round(seconds))
    message = f"요청 수 제한을 반복 초과하여 {whole}초 동안 차단되었습니다."
    return error_response(418, message, name="blocked")


def remaining_req(group: str, left: int) -> str:
    """Return the Remaining-Req header; `min` is a fixed number since it was deprecated."""
    return f"group={group}; min=600; sec={left}"
