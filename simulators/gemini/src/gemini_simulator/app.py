"""Wiring of the simulator: routes, middlewares, control."""

from collections.abc import Iterable

from aiohttp import web
from aiohttp.typedefs import Handler

from gemini_simulator.api import responses
from gemini_simulator.api.errors import ApiError, HtmlError
from gemini_simulator.faults.kinds import GeminiFaults
from gemini_simulator.quotas import Quotas
from gemini_simulator.routes import GeminiRoutes
from simulator_control import RequestStats, control_routes

MAX_BODY_BYTES = 20 * 1024 * 1024


def build_app(*, per_minute: int, per_day: int, keys: Iterable[str]) -> web.Application:
    """Return the simulator as an aiohttp application.

    Args:
        per_minute: Requests that each model takes in any 60 seconds.
        per_day: Requests that each model takes from midnight to midnight Pacific time.
        keys: The keys that are accepted; none for every key of a plausible shape.
    """
    faults, stats = GeminiFaults(), RequestStats()
    gemini = GeminiRoutes(faults, Quotas(per_minute=per_minute, per_day=per_day), keys)
    app = web.Application(middlewares=[stats.middleware, answer_errors], client_max_size=MAX_BODY_BYTES)
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
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn errors into the service's bodies; a stream that is no event stream gets them in an array."""
    try:
        return await handler(request)
    except ApiError as error:
        in_array = request.match_info.get("method") == "streamGenerateContent"
        in_array = in_array and request.query.get("alt") != "sse"
        return responses.json_answer(request, [error.body()] if in_array else error.body(), status=error.code)
    except HtmlError as page:
        return responses.html_answer(page.code)
