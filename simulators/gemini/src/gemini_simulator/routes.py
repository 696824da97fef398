"""Routes of the Gemini API; /v1 and /v1beta have the same handlers."""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiohttp import web

from gemini_simulator.api import errors, models, responses
from gemini_simulator.api.call import Call, call_of, check_key
from gemini_simulator.api.requests import parse_count, parse_generate
from gemini_simulator.faults import kinds as fault_kinds
from gemini_simulator.faults.corruptions import corrupt
from gemini_simulator.faults.errors import error_of
from gemini_simulator.faults.kinds import GeminiFaults, number
from gemini_simulator.generation.answers import generate_body, stream_chunks, tokens_of
from gemini_simulator.generation.decision import opinion_of, other_opinion, question_in
from gemini_simulator.quotas import Quotas
from simulator_control import hang, reset

MAX_DEADLINE_SECONDS = 600.0

_KEYS = tuple(kind.name for kind in fault_kinds.KEY_KINDS)
_ERRORS = tuple(kind.name for kind in fault_kinds.ERROR_KINDS)
_ANSWERS = tuple(kind.name for kind in fault_kinds.ANSWER_KINDS)


class GeminiRoutes:
    """Handlers of one simulated service."""

    def __init__(self, faults: GeminiFaults, quotas: Quotas, keys: Iterable[str]) -> None:
        self._faults = faults
        self._quotas = quotas
        self._keys = frozenset(keys)
        self._answered: Counter[int] = Counter()

    async def list_models(self, request: web.Request) -> web.StreamResponse:
        """GET /{version}/models."""
        call = await self._admit(request)
        if fault := self._faults.take("models_list_fails"):
            raise error_of(fault, call)
        page = models.list_page(
            api_version=call.version,
            page_size=request.query.get("pageSize", "0"),
            token=request.query.get("pageToken", ""),
        )
        return responses.json_answer(request, page)

    async def get_model(self, request: web.Request) -> web.StreamResponse:
        """GET /{version}/models/{model}."""
        call = await self._admit(request)
        return responses.json_answer(request, models.model_row(call.name, call.model))

    async def call(self, request: web.Request) -> web.StreamResponse:
        """POST /{version}/models/{model}:{method}."""
        call = await self._admit(request)
        methods: dict[str, Callable[[web.Request, Call], Awaitable[web.StreamResponse]]] = {
            "generateContent": self._generate,
            "streamGenerateContent": self._stream,
            "countTokens": self._count,
        }
        method = request.match_info["method"]
        if method not in methods:
            raise errors.model_not_found(call.name, call.version, method)
        return await methods[method](request, call)

    async def _count(self, request: web.Request, _: Call) -> web.StreamResponse:
        count = tokens_of(parse_count(await request.read()))
        details = [{"modality": "TEXT", "tokenCount": count}]
        return responses.json_answer(request, {"totalTokens": count, "promptTokensDetails": details})

    async def _generate(self, request: web.Request, call: Call) -> web.StreamResponse:
        body = await self._answer(request, call)
        return await self._deliver(request, call, [responses.pretty(body)], responses.JSON_TYPE)

    async def _stream(self, request: web.Request, call: Call) -> web.StreamResponse:
        chunks = stream_chunks(await self._answer(request, call))
        if self._faults.take_for(call, "stream_error_midway"):
            chunks = [chunks[0], errors.fixed("unavailable").body()]
        is_sse = request.query.get("alt") == "sse"
        content_type = responses.SSE_TYPE if is_sse else responses.JSON_TYPE
        pieces = [responses.event(chunk) for chunk in chunks] if is_sse else [responses.pretty(chunks)]
        if self._faults.take_for(call, "stream_eof"):
            await responses.break_off(request, pieces[0][: None if is_sse else -2], content_type=content_type)
        return await self._deliver(request, call, pieces, content_type)

    async def _deliver(
        self, request: web.Request, call: Call, pieces: list[bytes], content_type: str
    ) -> web.StreamResponse:
        """Send a finished body, cut off or byte by byte where a fault says so."""
        raw = b"".join(pieces)
        if self._faults.take_for(call, "broken_json_200"):
            pieces = [raw := raw[: len(raw) // 2]]
        if fault := self._faults.take_for(call, "drip"):
            drops, pause = (bytes([byte]) for byte in raw), 1 / number(fault, "bytes_per_second", 1)
            return await responses.send(request, drops, content_type=content_type, pause_seconds=pause)
        if content_type == responses.SSE_TYPE:
            return await responses.send(request, pieces, content_type=content_type)
        return responses.raw_answer(request, raw)

    async def _answer(self, request: web.Request, call: Call) -> dict[str, Any]:
        """Return the answer's body, corrupted where a fault is on."""
        asked = parse_generate(await request.read(), model=call.model)
        self._quotas.take(call.model)
        question, repetition = question_in(asked.user_turns), self._count_prompt(asked.text)
        opinion = opinion_of(question)
        fault = self._faults.take_for(call, *_ANSWERS)
        if fault and fault.kind == "different_answer":
            opinion = other_opinion(opinion, repetition)
        body = generate_body(asked, opinion, model=call.model, repetition=repetition)
        return corrupt(body, fault, question) if fault else body

    def _count_prompt(self, prompt: str) -> int:
        """Count one answer to this prompt and return how many came before."""
        self._answered[hash(prompt)] += 1
        return self._answered[hash(prompt)] - 1

    async def _admit(self, request: web.Request) -> Call:
        """Return what is asked for, unless the host, the key, the model or a fault of this route says no."""
        call = call_of(request)
        if self._faults.take_for(call, "reset"):
            await reset(request)
        if self._faults.take_for(call, "hang"):
            await hang()
        if fault := self._faults.take_for(call, *_KEYS):
            raise error_of(fault, call)
        check_key(request, call, self._keys)
        _check_model(call, request.match_info.get("method", "generateContent"))
        await _before_deadline(request, self._outage(call))
        return call

    async def _outage(self, call: Call) -> None:
        """Wait, then raise, as the faults of this route say."""
        if fault := self._faults.take_for(call, "slow"):
            await asyncio.sleep(number(fault, "delay_seconds", 60))
        if fault := self._faults.take_for(call, *_ERRORS):
            await asyncio.sleep(number(fault, "delay_seconds", 0))
            raise error_of(fault, call)


def _check_model(call: Call, method: str) -> None:
    """Raise 404 where a model is asked for and none answers."""
    if call.name in models.RETIRED:
        raise errors.model_retired(call.name, call.model)
    if call.name and not call.model:
        raise errors.model_not_found(call.name, call.version, method)


async def _before_deadline(request: web.Request, outage: Awaitable[None]) -> None:
    """Answer 504 when the client's own X-Server-Timeout (seconds) is over."""
    try:
        seconds = float(request.headers.get("X-Server-Timeout", MAX_DEADLINE_SECONDS))
    except ValueError:
        seconds = MAX_DEADLINE_SECONDS
    limit = min(max(seconds, 0.001), MAX_DEADLINE_SECONDS) if math.isfinite(seconds) else MAX_DEADLINE_SECONDS
    try:
        await asyncio.wait_for(outage, limit)
    except TimeoutError as error:
        raise errors.fixed("deadline_exceeded") from error
