"""Request statistics by route and status, and the middleware that records them."""

from collections import Counter
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

CONTROL_PREFIX = "/_control/"


class RequestStats:
    """Counts by route template and status; a request that was never answered has status 0."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, int]] = Counter()

    def as_dict(self) -> dict[str, Any]:
        """Return the total and one row per route and status."""
        rows = [
            {"route": route, "status": status, "count": count}
            for (route, status), count in sorted(self._counts.items())
        ]
        return {"total": sum(self._counts.values()), "requests": rows}

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count every request but the control routes'."""
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "unknown route"
        if route.startswith(CONTROL_PREFIX):
            return await handler(request)
        status = 0
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as error:
            status = error.status
            raise
        else:
            return response
        finally:
            self._counts[route, status] += 1
