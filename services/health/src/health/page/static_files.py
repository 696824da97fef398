"""Static files of the page, read and compressed once, at the start.

The charting library lies in the package `litecharts`, which is not imported: only its one script is used. Its
path has its digest, so a browser keeps it for a year; of our own files it asks whether they have changed.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from importlib import resources
from importlib.metadata import distribution
from pathlib import Path

from fastapi import Request
from fastapi.responses import Response

LIBRARY = ("litecharts", "litecharts/js/lightweight-charts.js")
INDEX = "index.html"
LIBRARY_PLACE = "{chart-library}"
MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOR_A_YEAR = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
# The page has no inline script and no inline style, asks only health, and makes no markup of any text.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class StaticFile:
    """One file as it is sent."""

    def __init__(self, body: bytes, media_type: str, cache_control: str = ASK_AGAIN) -> None:
        self._body = body
        self._compressed = gzip.compress(body, mtime=0)
        self._media_type = media_type
        self._headers = {**HEADERS, "Cache-Control": cache_control, "ETag": f'"{digest(body)}"'}

    def answer(self, request: Request) -> Response:
        """Return the file, or 304 where the browser has it already."""
        headers = dict(self._headers)
        if headers["ETag"] in request.headers.get("If-None-Match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(self._compressed, media_type=self._media_type, headers=headers)
        return Response(self._body, media_type=self._media_type, headers=headers)


def digest(body: bytes) -> str:
    """Return what differs where the content differs."""
    return hashlib.sha256(body).hexdigest()[:16]


def read_static_files() -> Mapping[str, StaticFile]:
    """Return every file of the page by its name; `index.html` is the page itself."""
    package, path = LIBRARY
    library = Path(str(distribution(package).locate_file(path))).read_bytes()
    library_name = f"lightweight-charts-{digest(library)}.js"
    files = {library_name: StaticFile(library, MEDIA_TYPES[".js"], FOR_A_YEAR)}
    for source in resources.files("health").joinpath("page", "static").iterdir():
        body = source.read_bytes()
        if source.name == INDEX:
            body = body.replace(LIBRARY_PLACE.encode(), library_name.encode())
        files[source.name] = StaticFile(body, MEDIA_TYPES[Path(source.name).suffix])
    return files
