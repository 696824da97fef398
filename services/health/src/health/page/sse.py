"""Server-sent events of one viewer: a part of the page each, or a keep-alive comment."""

from __future__ import annotations

import asyncio

from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from common.tasks import cancel_tasks
from health.http.responses import problem
from health.page.feed import MOST_VIEWERS, Feed, Viewer

KEEP_ALIVE_SECONDS = 10.0
# How long a browser waits before it connects again.
AGAIN_MS = 2000
AGAIN_SECONDS = "30"


class EventStream(Response):
    """Lasts until the viewer goes or the service stops; a viewer too many is refused with 503."""

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self._feed = feed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send each change until either side ends it."""
        viewer = self._feed.enter()
        if viewer is None:
            detail = f"{MOST_VIEWERS} pages are open already; /api/v1/status answers without waiting"
            await problem(503, detail, headers={"Retry-After": AGAIN_SECONDS})(scope, receive, send)
            return
        sending = asyncio.create_task(self._send(viewer, send, has_body=not scope.get("is_head")))
        listening = asyncio.create_task(_until_gone(receive))
        try:
            ended, _ = await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
            if sending in ended:
                # With its error, should it have one: the server logs it.
                await sending
        finally:
            self._feed.leave(viewer)
            await cancel_tasks([sending, listening])

    async def _send(self, viewer: Viewer, send: Send, *, has_body: bool) -> None:
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-store"),
            # nginx would keep the events until it has a page full of them.
            (b"x-accel-buffering", b"no"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if has_body:
            await _send_text(send, f"retry: {AGAIN_MS}\n\n")
            while not self._feed.has_ended:
                changes = await self._feed.changes(viewer, KEEP_ALIVE_SECONDS)
                await _send_text(send, _events(changes) or ": still here\n\n")
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_text(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


def _events(changes: list[tuple[str, str]]) -> str:
    return "".join(f"event: {name}\ndata: {document}\n\n" for name, document in changes)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
