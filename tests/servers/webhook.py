"""A real HTTP receiver of notifications: what was posted, and answers as a test wants them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

SECRET_PATH = "/services/T00000000/B00000000/hookSecret7741ofNobody"
REDIRECTS = range(300, 400)


@dataclass
class WebhookReceiver:
    """The posts it took, as JSON.

    Attributes:
        url: The whole address, with a secret in its path.
        statuses: How the next posts are answered; 200 once they are used up.
        silent: Take what is posted and answer nothing.
        posts: The bodies of those that were answered with 200, or not at all.
        refused: How many were answered otherwise.
        redirected: How many followed a redirect.
    """

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    silent: bool = False
    posts: list[dict[str, Any]] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    refused: int = 0
    redirected: int = 0

    @property
    def texts(self) -> list[str]:
        """What a person read."""
        return [post["text"] for post in self.posts]

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Take one post."""
        status = self.statuses.pop(0) if self.statuses else 200
        if status != 200:
            self.refused += 1
            location = {"Location": "/elsewhere"} if status in REDIRECTS else {}
            return web.Response(status=status, headers=self.headers | location)
        self.posts.append(await request.json())
        self.queries.append(request.query_string)
        if self.silent:
            await asyncio.Event().wait()
        return web.Response(text="ok")

    async def follow(self, _: web.Request) -> web.Response:
        """Be the place that a redirect names."""
        self.redirected += 1
        return web.Response()


@asynccontextmanager
async def webhook_receiver() -> AsyncIterator[WebhookReceiver]:
    """Serve the receiver on a free port of this machine."""
    receiver = WebhookReceiver()
    app = web.Application()
    app.add_routes([web.post(SECRET_PATH, receiver.take), web.route("*", "/elsewhere", receiver.follow)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{port}{SECRET_PATH}"
    try:
        yield receiver
    finally:
        await runner.cleanup()
