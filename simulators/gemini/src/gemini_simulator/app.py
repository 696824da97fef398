"""What is the simulator made of?"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Handler

from gemini_simulator.api import responses as wire
from gemini_simulator.api.errors import ApiError, HtmlError
from gemini_simulator.faults.faults import GeminiFaults
from gemini_simulator.quotas.quotas import Quotas
from gemini_simulator.routes import Gemini
from simulator_control import RequestStats, control_routes, stats_middleware

MAX_BODY_BYTES = 20 * 1024 * 1024


def build_app(*, per_minute: int, per_day: int, keys: Iterable[str]) -> web.Application:
    """Return the simulator as an aiohttp application.

    Args:
        per_minute: Requests that each model takes in any 60 seconds.
        per_day: Requests that each model takes from midnight to midnight Pacific time.
        keys: The keys that are taken; none for every key of a plausible shape.
    """
    faults, stats = GeminiFaults(), RequestStats()
    gemini = Gemini(faults, Quotas(per_minute=per_minute, per_day=per_day), keys)
    middlewares = [stats_middleware(stats), _speak_as_gemini]
    app = web.Application(middlewares=middlewares, client_max_size=MAX_BODY_BYTES)
    app.add_routes(control_routes(faults, stats))
    app.add_routes(
        [
            web.get("/{version:v1|v1beta}/models", gemini.list_models),
            web.get("/{version:v1|v1beta}/models/{model:[^:/]+}", gemini.get_model),
            web.post("/{version:v1|v1beta}/models/{model:[^:/]+}:{method}", gemini.call),
        ]
    )
    return app


@web.middleware
async def _speak_as_gemini(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn errors into the service's bodies; a stream that is no event stream gets them in an array."""
    try:
        return await handler(request)
    except ApiError as error:
        in_array = request.match_info.get("method") == "streamGenerateContent"
        in_array = in_array and request.query.get("alt") != "sse"
        return wire.json_answer(request, [error.body()] if in_array else error.body(), status=error.code)
    except HtmlError as page:
        return wire.html_answer(page.code)
