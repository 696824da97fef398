"""Control routes: the faults and request counts that every simulator serves beside its vendor's."""

import json
from typing import Any

from aiohttp import web

from simulator_control.faults import Faults, InvalidFaultError
from simulator_control.stats import RequestStats

FIELDS = {"kind", "seconds", "count", "params"}


def control_routes(faults: Faults, stats: RequestStats) -> list[web.RouteDef]:
    """Return GET/POST/DELETE /_control/faults and GET /_control/stats."""

    async def list_faults(_: web.Request) -> web.Response:
        kinds = [
            {"kind": kind.name, "description": kind.description, "params": dict(kind.params)}
            for kind in faults.kinds.values()
        ]
        return web.json_response({"kinds": kinds, "active": [fault.as_dict() for fault in faults.active()]})

    async def add_fault(request: web.Request) -> web.Response:
        try:
            fault = faults.add(**_fault_fields(await request.read()))
        except InvalidFaultError as error:
            return web.json_response({"error": str(error)}, status=400)
        except web.HTTPRequestEntityTooLarge:
            return web.json_response({"error": "the body is too long for a fault; shorten it"}, status=413)
        return web.json_response(fault.as_dict(), status=201)

    async def clear_faults(request: web.Request) -> web.Response:
        try:
            return web.json_response({"deleted": faults.clear(request.query.get("kind"))})
        except InvalidFaultError as error:
            return web.json_response({"error": str(error)}, status=400)

    async def show_stats(_: web.Request) -> web.Response:
        return web.json_response(stats.as_dict())

    return [
        web.get("/_control/faults", list_faults),
        web.post("/_control/faults", add_fault),
        web.delete("/_control/faults", clear_faults),
        web.get("/_control/stats", show_stats),
    ]


def _fault_fields(body: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidFaultError('the body must be JSON, as in {"kind": "slow", "seconds": 10}') from error
    if not isinstance(fields, dict) or "kind" not in fields:
        raise InvalidFaultError('the body must be an object with a kind, as in {"kind": "slow"}')
    if unknown := set(fields) - FIELDS:
        raise InvalidFaultError(
            f"field {min(unknown)[:60]!r} is unknown; allowed: {', '.join(sorted(FIELDS))}"
        )
    if not isinstance(fields.get("params", {}), dict | None):
        raise InvalidFaultError('params must be an object, as in {"delay_seconds": 5}')
    return fields
