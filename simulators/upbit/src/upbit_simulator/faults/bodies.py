"""Body faults: a body that is far too long, and one that ends too early."""

import gzip

from aiohttp import HttpVersion11, web

from simulator_control import Fault
from upbit_simulator.wire.responses import body_response


def large_body(fault: Fault) -> web.Response:
    """Return as many megabytes as the fault asks, or a small gzip body that unpacks to them."""
    body = b'[{"market":"' + b"A" * (int(fault.params.get("megabytes", 50)) << 20) + b'"}]'
    if fault.kind == "huge_body":
        return body_response(body)
    response = body_response(gzip.compress(body, 6))
    response.headers["Content-Encoding"] = "gzip"
    return response


async def cut_off(request: web.Request, response: web.Response, body: bytes) -> web.StreamResponse:
    """Send half of the body, then the head of a chunk and less than it announces, and close.

    To an HTTP/1.0 client, which knows no chunks, Content-Length announces what does not come.
    """
    cut = web.StreamResponse(status=response.status, headers=response.headers)
    half = len(body) // 2
    if request.version >= HttpVersion11:
        cut.enable_chunked_encoding()
    else:
        cut.content_length = len(body)
    await cut.prepare(request)
    await cut.write(body[:half])
    if request.transport is not None:
        if cut.chunked:
            request.transport.write(b"%x\r\n%s" % (len(body) - half, body[half:-1]))
        request.transport.close()
    return cut
