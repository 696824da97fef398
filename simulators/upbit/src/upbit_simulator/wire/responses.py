"""How does Upbit answer over HTTP: headers, errors, bodies? Shapes from recorded answers and docs."""

import hashlib

from aiohttp import web

from upbit_simulator.encoding import encode

JSON_TYPE = "application/json;charset=UTF-8"
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


def json_answer(value: object, *, status: int = 200) -> web.Response:
    """Return a compact JSON answer with the headers of public data."""
    return body_answer(encode(value).encode(), status=status)


def body_answer(body: bytes, *, status: int = 200, content_type: str = JSON_TYPE) -> web.Response:
    """Return these bytes with the headers of public data."""
    etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
    headers = {"Content-Type": content_type, "ETag": f'W/"0{etag}"', "Limit-By-Ip": "Yes", **_NO_CACHE}
    return web.Response(body=body, status=status, headers=headers)


def error_answer(status: int, message: str) -> web.Response:
    """Return a quotation error."""
    return json_answer({"error": {"name": status, "message": message}}, status=status)


def named_error_answer(status: int, name: str, message: str) -> web.Response:
    """Return an error with a textual name, as the edge and the exchange side give them."""
    return json_answer({"error": {"name": name, "message": message}}, status=status)


def too_many_requests(group: str) -> web.Response:
    """Return 429; the body is text, not JSON, and clients have stumbled over that."""
    response = body_answer(b"Too many API requests.", status=429, content_type="text/plain;charset=UTF-8")
    response.headers["Remaining-Req"] = remaining_req(group, 0)
    return response


def too_many_requests_as_json(group: str) -> web.Response:
    """Return 429 with an error body, as some clients have seen it."""
    response = named_error_answer(429, "too_many_requests", "요청 수 제한을 초과했습니다.")
    response.headers["Remaining-Req"] = remaining_req(group, 0)
    return response


def blocked(seconds: float) -> web.Response:
    """Return 418; the body tells the length of the block."""
    whole = max(1, round(seconds))
    message = f"요청 수 제한을 반복 초과하여 {whole}초 동안 차단되었습니다."
    return named_error_answer(418, "blocked", message)


def remaining_req(group: str, left: int) -> str:
    """Return the Remaining-Req header; `min` is a fixed number since it was deprecated."""
    return f"group={group}; min=600; sec={left}"
