"""HTTP responses: masked JSON, and errors as `application/problem+json` without an exception's text."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from common.errors import ServiceError
from common.masking import mask
from common.telemetry.names import LogEvent
from health.schemas import Problem

# Every route is a GET; HEAD is answered by it too.
ALLOWED_METHODS = "GET, HEAD"
RETRY_AFTER_SECONDS = "5"
A_TIME = "must be a time with its zone from 2000 to 2100, as in 2026-11-27T12:00:00Z"
RULES = {
    "from": A_TIME,
    "to": A_TIME,
    "market": "must be a market code, as in KRW-BTC",
    "signal_id": "must be a UUID",
}
# Under "model" it would be described as application/json.
PROBLEM_CONTENT = {"application/problem+json": {"schema": Problem.model_json_schema()}}


def reply(body: BaseModel, status: int = 200) -> Response:
    """Return the body masked; a health answer is of this moment, so no cache may keep it."""
    return JSONResponse(masked(body), status, headers={"Cache-Control": "no-store"})


def masked(body: BaseModel) -> Any:
    """Return the body as plain JSON values without a secret."""
    return mask(body.model_dump(mode="json"))


def problem(status: int, detail: str, *, headers: dict[str, str] | None = None) -> Response:
    """Return the error as a response with a request id of its own."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, request_id=uuid.uuid4().hex)
    return JSONResponse(
        mask(body.model_dump()), status, headers=headers, media_type="application/problem+json"
    )


def add_problems(app: FastAPI) -> None:
    """Have every error of the app answered as a problem."""
    log = structlog.get_logger("health.routes")

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            detail = f"{request.url.path} answers {ALLOWED_METHODS} only"
            return problem(error.status_code, detail, headers={"Allow": ALLOWED_METHODS})
        if error.status_code == HTTPStatus.NOT_FOUND:
            return problem(
                error.status_code, "there is nothing at this path; /openapi.json lists what there is"
            )
        return problem(error.status_code, HTTPStatus(error.status_code).description)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(_: Request, error: RequestValidationError) -> Response:
        return problem(422, "; ".join(dict.fromkeys(_broken_rule(part) for part in error.errors())))

    @app.exception_handler(ServiceError)
    async def on_service_error(request: Request, error: ServiceError) -> Response:
        log.warning(LogEvent.PROBE_FAILED, path=request.url.path, error=str(error))
        detail = "PostgreSQL cannot be read at the moment; /health/detail says more"
        return problem(503, detail, headers={"Retry-After": RETRY_AFTER_SECONDS})

    @app.exception_handler(Exception)
    async def on_bug(_: Request, __: Exception) -> Response:
        return problem(500, "an error on our side; it is in the log of this service")


def _broken_rule(error: Mapping[str, Any]) -> str:
    """Return which parameter breaks which rule, without a word of what was sent."""
    name = error["loc"][-1]
    if name in RULES and error["type"] != "missing":
        return f"{name}: {RULES[name]}"
    said = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input should ")
    return f"{name}: must {said}" if said.startswith("be ") else f"{name}: {said[:1].lower()}{said[1:]}"
