"""What does each route answer? /v1 and /v1beta have the same handlers."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import web

from gemini_simulator import catalog, errors, fault_kinds, wire
from gemini_simulator.answers import generate_body, stream_chunks, tokens_of
from gemini_simulator.faults import GeminiFaults, error_of, number
from gemini_simulator.keys import check_key
from gemini_simulator.quotas import Quotas
from gemini_simulator.requests import parse_count, parse_generate
from gemini_simulator.spoilers import spoil
from simulator_control import Fault

MAX_DEADLINE_SECONDS = 600.0

_KEYS = tuple(kind.name for kind in fault_kinds.KEY_KINDS)
_ERRORS = tuple(kind.name for kind in fault_kinds.ERROR_KINDS)
_ANSWERS = tuple(kind.name for kind in fault_kinds.ANSWER_KINDS)


class Gemini:
    """One simulated service."""

    def __init__(self, faults: GeminiFaults, quotas: Quotas, keys: Iterable[str]) -> None:
        self._faults = faults
        self._quotas = quotas
        self._keys = frozenset(keys)

    async def list_models(self, request: web.Request) -> web.StreamResponse:
        """GET /{version}/models."""
        self._admit(request)
        if fault := self._faults.take("models_list_fails"):
            raise error_of(fault, "")
        page = catalog.list_page(
            api_version=request.match_info["version"],
            page_size=request.query.get("pageSize", "0"),
            token=request.query.get("pageToken", ""),
        )
        return wire.json_answer(request, page)

    async def get_model(self, request: web.Request) -> web.StreamResponse:
        """GET /{version}/models/{model}."""
        self._admit(request)
        name = request.match_info["model"]
        return wire.json_answer(request, catalog.model_row(name, _served(request, "generateContent")))

    async def call(self, request: web.Request) -> web.StreamResponse:
        """POST /{version}/models/{model}:{method}."""
        self._admit(request)
        methods: dict[str, Callable[[web.Request, str], Awaitable[web.StreamResponse]]] = {
            "generateContent": self._generate,
            "streamGenerateContent": self._stream,
            "countTokens": self._count,
        }
        name, method = request.match_info["model"], request.match_info["method"]
        if method not in methods:
            raise errors.model_not_found(name, request.match_info["version"], method)
        model = _served(request, method)
        if self._take(request, model, "reset"):
            await wire.reset(request)
        if self._take(request, model, "hang"):
            await wire.hang()
        return await methods[method](request, model)

    async def _count(self, request: web.Request, _: str) -> web.StreamResponse:
        count = tokens_of(parse_count(await request.read()))
        details = [{"modality": "TEXT", "tokenCount": count}]
        return wire.json_answer(request, {"totalTokens": count, "promptTokensDetails": details})

    async def _generate(self, request: web.Request, model: str) -> web.StreamResponse:
        body = await _before_deadline(request, self._answer(request, model))
        return await self._deliver(request, model, [wire.pretty(body)], wire.JSON_TYPE)

    async def _stream(self, request: web.Request, model: str) -> web.StreamResponse:
        chunks = stream_chunks(await _before_deadline(request, self._answer(request, model)))
        if self._take(request, model, "stream_error_midway"):
            chunks = [chunks[0], errors.unavailable().body()]
        is_sse = request.query.get("alt") == "sse"
        content_type = wire.SSE_TYPE if is_sse else wire.JSON_TYPE
        pieces = [wire.event(chunk) for chunk in chunks] if is_sse else [wire.pretty(chunks)]
        if self._take(request, model, "stream_eof"):
            await wire.break_off(request, pieces[0][: None if is_sse else -2], content_type=content_type)
        return await self._deliver(request, model, pieces, content_type)

    async def _deliver(
        self, request: web.Request, model: str, pieces: list[bytes], content_type: str
    ) -> web.StreamResponse:
        """Send a finished body, cut off or byte by byte where a fault says so."""
        raw = b"".join(pieces)
        if self._take(request, model, "broken_json_200"):
            pieces = [raw := raw[: len(raw) // 2]]
        if fault := self._take(request, model, "drip"):
            speed = number(fault, "bytes_per_second", 1)
            return await wire.drip(request, raw, content_type=content_type, bytes_per_second=speed)
        if content_type == wire.SSE_TYPE:
            return await wire.send(request, pieces, content_type=content_type)
        return wire.raw_answer(request, raw)

    async def _answer(self, request: web.Request, model: str) -> dict[str, Any]:
        """Return the answer's body, spoilt by whatever fault is on; raises the errors that are on."""
        if fault := self._take(request, model, "slow"):
            await asyncio.sleep(number(fault, "delay_seconds", 60))
        if fault := self._take(request, model, *_ERRORS):
            await asyncio.sleep(number(fault, "delay_seconds", 0))
            raise error_of(fault, model)
        asked = parse_generate(await request.read(), model=model)
        self._quotas.take(model)
        body = generate_body(asked, model=model)
        fault = self._take(request, model, *_ANSWERS)
        return spoil(body, fault, asked.text) if fault else body

    def _admit(self, request: web.Request) -> None:
        """Raise what a bad key, or a fault that says so of any key, is answered with."""
        model = request.match_info.get("model", "")
        if fault := self._take(request, model, *_KEYS):
            raise error_of(fault, model)
        check_key(request, self._keys)

    def _take(self, request: web.Request, model: str, *kinds: str) -> Fault | None:
        return self._faults.take_for((request.match_info.get("model", ""), model), *kinds)


def _served(request: web.Request, method: str) -> str:
    """Return the model that answers, or raise 404 where there is none."""
    name, version = request.match_info["model"], request.match_info["version"]
    if name in catalog.RETIRED:
        raise errors.model_retired(name)
    served = catalog.served_by(name, api_version=version)
    if served is None:
        raise errors.model_not_found(name, version, method)
    return served


async def _before_deadline(request: web.Request, answer: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    """Answer 504 when the client's own X-Server-Timeout (seconds) is over."""
    try:
        seconds = float(request.headers.get("X-Server-Timeout", MAX_DEADLINE_SECONDS))
    except ValueError:
        seconds = MAX_DEADLINE_SECONDS
    limit = min(max(seconds, 0.001), MAX_DEADLINE_SECONDS) if math.isfinite(seconds) else MAX_DEADLINE_SECONDS
    try:
        return await asyncio.wait_for(answer, limit)
    except TimeoutError as error:
        raise errors.deadline_exceeded() from error
