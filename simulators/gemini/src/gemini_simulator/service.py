"""The API's routes: /v1 and /v1beta, the same handlers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import web

from gemini_simulator import catalog, errors, fault_kinds
from gemini_simulator.answers import answer_text, generate_body, tokens_of
from gemini_simulator.decision import opinion_of
from gemini_simulator.errors import ApiError
from gemini_simulator.keys import check_key
from gemini_simulator.quotas import Quotas
from gemini_simulator.requests import parse_count, parse_generate
from simulator_control import Fault, Faults, RequestStats, control_routes, stats_middleware

HEADERS = {
    "Vary": "Origin, X-Origin, Referer",
    "Server": "scaffolding on HTTPServer2",
    "X-XSS-Protection": "0",
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Alt-Svc": 'h3=":443"; ma=2592000,h3-29=":443"; ma=2592000',
}
STREAM_CHUNKS = 3
MAX_DEADLINE_SECONDS = 600.0

_ERRORS = tuple(kind.name for kind in fault_kinds.ERROR_KINDS)
_ANSWERS = tuple(kind.name for kind in fault_kinds.ANSWER_KINDS)


class Gemini:
    """One simulated service."""

    def __init__(self, faults: Faults, quotas: Quotas, keys: Iterable[str]) -> None:
        self._faults = faults
        self._quotas = quotas
        self._keys = frozenset(keys)

    async def list_models(self, request: web.Request) -> web.StreamResponse:
        """GET /{version}/models."""
        check_key(request, self._keys)
        if fault := self._faults.take("models_list_fails"):
            raise ApiError(int(fault.params.get("status", 500)), "INTERNAL", "Injected error.")
        size = request.query.get("pageSize", str(catalog.DEFAULT_PAGE_SIZE))
        if not size.isdigit():
            raise errors.bad_request("page_size", f"Invalid value at 'page_size', \"{size}\"")
        page_size = int(size) or catalog.DEFAULT_PAGE_SIZE
        return _json_answer(catalog.list_page(page_size, request.query.get("pageToken", "")))

    async def get_model(self, request: web.Request) -> web.StreamResponse:
        """GET /{version}/models/{model}."""
        check_key(request, self._keys)
        name, version = request.match_info["model"], request.match_info["version"]
        served = catalog.served_by(name, api_version=version)
        if served is None:
            raise errors.model_not_found(name, version, "generateContent")
        return _json_answer(catalog.model_row(served))

    async def call(self, request: web.Request) -> web.StreamResponse:
        """POST /{version}/models/{model}:{method}."""
        check_key(request, self._keys)
        methods: dict[str, Callable[[web.Request, str], Awaitable[web.StreamResponse]]] = {
            "generateContent": self._generate,
            "streamGenerateContent": self._stream,
            "countTokens": self._count,
        }
        name, method = request.match_info["model"], request.match_info["method"]
        served = catalog.served_by(name, api_version=request.match_info["version"])
        if served is None or method not in methods:
            raise errors.model_not_found(name, request.match_info["version"], method)
        return await _before_deadline(request, methods[method](request, served))

    async def _count(self, request: web.Request, _: str) -> web.StreamResponse:
        count = tokens_of(parse_count(await request.read()))
        details = [{"modality": "TEXT", "tokenCount": count}]
        return _json_answer({"totalTokens": count, "promptTokensDetails": details})

    async def _generate(self, request: web.Request, model: str) -> web.StreamResponse:
        body = await self._answer(request, model)
        if isinstance(body, web.StreamResponse):
            return body
        raw = _spelled(body)
        if self._take(model, "broken_json_200"):
            return web.Response(body=raw[: len(raw) // 2], content_type="application/json", headers=HEADERS)
        if fault := self._take(model, "drip"):
            return await _drip(request, raw, float(fault.params.get("bytes_per_second", 1)))
        return _json_answer(body)

    async def _stream(self, request: web.Request, model: str) -> web.StreamResponse:
        body = await self._answer(request, model)
        if isinstance(body, web.StreamResponse):
            return body
        chunks = list(_chunks(body))
        if request.query.get("alt") != "sse":
            return _json_answer(chunks)
        response = web.StreamResponse(headers={**HEADERS, "Content-Disposition": "attachment"})
        response.content_type = "text/event-stream"
        await response.prepare(request)
        if self._take(model, "stream_eof"):
            await response.write(_event(chunks[0]))
            _reset(request)
            return response
        midway = self._take(model, "stream_error_midway")
        for chunk in chunks[:1] if midway else chunks:
            await response.write(_event(chunk))
        if midway:
            await response.write(_event(errors.unavailable().body()))
        return response

    async def _answer(self, request: web.Request, model: str) -> dict[str, Any] | web.StreamResponse:
        """Return the answer's body, spoilt by whatever fault is on, or a response that ends it here."""
        if self._take(model, "reset"):
            _reset(request)
        if self._take(model, "hang"):
            await asyncio.Event().wait()
        if fault := self._take(model, "slow"):
            await asyncio.sleep(float(fault.params.get("delay_seconds", 60)))
        if fault := self._take(model, *_ERRORS):
            await asyncio.sleep(float(fault.params.get("delay_seconds", 0)))
            if fault.kind == "html_error":
                return _html(int(fault.params.get("status", 502)))
            raise fault_kinds.error_of(fault, model)
        asked = parse_generate(await request.read(), model=model)
        self._quotas.take(model)
        body = generate_body(
            prompt=asked.text,
            text=answer_text(opinion_of(asked.text), asked.schema),
            model=model,
            include_thoughts=asked.include_thoughts,
        )
        fault = self._take(model, *_ANSWERS)
        return fault_kinds.spoil(body, fault, asked.text) if fault else body

    def _take(self, model: str, *kinds: str) -> Fault | None:
        # A fault for another model must not be used up, so it is looked at before it is taken.
        for fault in self._faults.active():
            if fault.kind in kinds and fault.params.get("model", model) == model:
                return self._faults.use(fault)
        return None


def build_app(*, per_minute: int, per_day: int, keys: Iterable[str]) -> web.Application:
    """Return the simulator as an aiohttp application."""
    faults, stats = Faults(fault_kinds.ALL_KINDS), RequestStats()
    gemini = Gemini(faults, Quotas(per_minute=per_minute, per_day=per_day), keys)
    app = web.Application(middlewares=[stats_middleware(stats), _errors_as_json])
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
async def _errors_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except ApiError as error:
        return _json_answer(error.body(), status=error.code)


async def _before_deadline(request: web.Request, answer: Awaitable[web.StreamResponse]) -> web.StreamResponse:
    """Answer 504 when the client's own X-Server-Timeout (seconds) is over."""
    stated = request.headers.get("X-Server-Timeout", "")
    seconds = float(stated) if stated.replace(".", "", 1).isdigit() else MAX_DEADLINE_SECONDS
    try:
        return await asyncio.wait_for(answer, max(seconds, 0.001))
    except TimeoutError as error:
        raise errors.deadline_exceeded() from error


def _chunks(body: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Yield the answer in pieces, split anywhere; finishReason only in the last."""
    candidates = body.get("candidates") or []
    parts = candidates[0]["content"].get("parts") if candidates else None
    if not parts:
        yield body
        return
    text = parts[-1]["text"]
    size = max(1, -(-len(text) // STREAM_CHUNKS))
    pieces = [text[start : start + size] for start in range(0, len(text), size)] or [""]
    for index, piece in enumerate(pieces):
        candidate = dict(candidates[0], content={"parts": [{"text": piece}], "role": "model"})
        if index < len(pieces) - 1:
            candidate.pop("finishReason", None)
        yield {**body, "candidates": [candidate]}


def _event(document: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(document, ensure_ascii=False).encode() + b"\r\n\r\n"


def _spelled(document: object) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def _json_answer(document: object, *, status: int = 200) -> web.Response:
    return web.Response(
        body=_spelled(document),
        status=status,
        content_type="application/json",
        charset="UTF-8",
        headers={**HEADERS, "Server-Timing": "gfet4t7; dur=120"},
    )


def _html(status: int) -> web.Response:
    page = f"<!DOCTYPE html><html><title>Error {status}</title><p>The server encountered an error.</html>"
    return web.Response(text=page, status=status, content_type="text/html", headers=HEADERS)


async def _drip(request: web.Request, raw: bytes, bytes_per_second: float) -> web.StreamResponse:
    response = web.StreamResponse(headers=HEADERS)
    response.content_type = "application/json"
    await response.prepare(request)
    for byte in raw:
        await response.write(bytes([byte]))
        await asyncio.sleep(1 / bytes_per_second)
    return response


def _reset(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
