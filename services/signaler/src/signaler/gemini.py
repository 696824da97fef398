"""Client of Gemini around google-genai; everything the SDK raises ends as one of our errors.

The SDK goes over the httpx2 client given here, so it neither retries by itself (its aiohttp way does) nor
follows continuation tokens: one call is one HTTP request. Bodies are kept as they were on the wire.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextvars import ContextVar
from urllib.parse import urlsplit

import httpx2
from google import genai
from google.genai import errors, types
from opentelemetry.trace import SpanKind
from pydantic import SecretStr

from common.clock import utc_now
from common.telemetry.names import Attribute, AttributeValue, SpanName
from common.telemetry.spans import fail_span, span
from signaler.domain.gemini.error_responses import classify_response
from signaler.domain.gemini.errors import GeminiError, RequestRefusedError, UnavailableError
from signaler.domain.gemini.prompt import ANSWER_SCHEMA, SYSTEM_INSTRUCTION, Turn
from signaler.domain.gemini.transcript import Attempt

# Recorded traffic shows responseJsonSchema on v1beta; for v1 it is unconfirmed.
API_VERSION = "v1beta"
TEMPERATURE = 0.2
# Thinking counts against it: with a small one nothing is left for the answer.
MAX_OUTPUT_TOKENS = 8192
DEFAULT_BASE_URL = "https://generativelanguage.googleapis.com"
LIST_SECONDS = 4.0
CONNECT_SECONDS = 2.0
MODELS_A_PAGE = 1000


# Takes the bodies that are sent by the call that goes on in this task.
_sent: ContextVar[list[str] | None] = ContextVar("signaler_gemini_sent", default=None)


class Gemini:
    """One client for the process; `close` it.

    Args:
        base_url: Scheme and host of the service or a simulator; None for Google's.
    """

    def __init__(self, *, api_key: SecretStr, base_url: str | None) -> None:
        self._address = _address(base_url or DEFAULT_BASE_URL)
        self._http = httpx2.AsyncClient(event_hooks={"request": [_remember_request]}, timeout=LIST_SECONDS)
        # The SDK closes its transport when the client object is collected, so it is kept.
        self._client = genai.Client(
            api_key=api_key.get_secret_value(),
            http_options=types.HttpOptions(
                base_url=base_url,
                api_version=API_VERSION,
                retry_options=types.HttpRetryOptions(attempts=1),
                httpx_async_client=self._http,
            ),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aio.aclose()
        await self._http.aclose()

    async def generate(self, model: str, turns: Sequence[Turn], *, timeout_seconds: float) -> Attempt:
        """Ask once; the result holds the response body, or the failure, classified.

        Args:
            turns: The conversation, oldest first.
            timeout_seconds: Limit for the whole call, however slowly bytes drip in.
        """
        sent: list[str] = []
        token = _sent.set(sent)
        started = time.monotonic()
        attributes: dict[str, str] = {
            Attribute.GEN_AI_OPERATION: AttributeValue.GENERATE,
            Attribute.GEN_AI_PROVIDER: AttributeValue.GEMINI,
            Attribute.GEN_AI_MODEL: model,
        }
        try:
            with span(SpanName.GENERATE, kind=SpanKind.CLIENT, attributes=attributes) as current:
                body, failure = await self._call(model, turns, timeout_seconds)
                if failure:
                    fail_span(current, failure)
        finally:
            _sent.reset(token)
        return Attempt(
            model=model,
            request_text=sent[-1] if sent else None,
            response_text=body,
            latency_ms=round((time.monotonic() - started) * 1000, 2),
            failure=failure,
        )

    async def is_reachable(self) -> bool:
        """Say whether the host takes a connection now; no request is made."""
        try:
            _, writer = await self._open_connection()
        except OSError:
            return False
        writer.close()
        return True

    async def drops_connection(self, *, within_seconds: float) -> bool:
        """Hold a connection, without a request, and say whether the host dropped it within that time."""
        try:
            reader, writer = await self._open_connection()
        except OSError:
            return True
        try:
            async with asyncio.timeout(within_seconds):
                await reader.read(1)
        except TimeoutError:
            return False
        except OSError:
            return True
        finally:
            writer.close()
        return True

    async def _open_connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await asyncio.open_connection(*self._address)

    async def list_models(self) -> tuple[str, ...]:
        """Return the names of all models the key may use; costs nothing.

        Raises:
            GeminiError: It could not be had within four seconds.
        """
        try:
            async with asyncio.timeout(LIST_SECONDS):
                config = types.ListModelsConfig(page_size=MODELS_A_PAGE)
                pager = await self._client.aio.models.list(config=config)
                return tuple([(model.name or "").removeprefix("models/") async for model in pager])
        except _LIST_ERRORS as error:
            raise _classify(error, model="the model list", timeout_seconds=LIST_SECONDS) from error

    async def _call(
        self, model: str, turns: Sequence[Turn], timeout_seconds: float
    ) -> tuple[str | None, GeminiError | None]:
        contents: list[types.ContentUnion] = [
            types.Content(role=turn.role, parts=[types.Part(text=turn.text)]) for turn in turns
        ]
        try:
            async with asyncio.timeout(timeout_seconds):
                response = await self._client.aio.models.generate_content(
                    model=model, contents=contents, config=_config(model, timeout_seconds)
                )
        except _SDK_ERRORS as error:
            return _body_of(error), _classify(error, model=model, timeout_seconds=timeout_seconds)
        raw = response.sdk_http_response
        return (raw.body or "" if raw else ""), None


# Its own error, the transport's, and ValueErrors (JSON, UTF-8, pydantic) where a body is odd.
_SDK_ERRORS = (
    errors.APIError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpx2.StreamError,
    OSError,
    ValueError,
    RecursionError,
)
# The model list is parsed by the SDK, without checking types first.
_LIST_ERRORS = (*_SDK_ERRORS, AttributeError, KeyError, TypeError)


def _config(model: str, timeout_seconds: float) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(
        system_instruction=SYSTEM_INSTRUCTION,
        temperature=TEMPERATURE,
        max_output_tokens=MAX_OUTPUT_TOKENS,
        response_mime_type="application/json",
        response_json_schema=dict(ANSWER_SCHEMA),
        thinking_config=_thinking(model),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        automatic_continuation=False,
        # The body is read by our own strict parser: the SDK's raises on half of the odd ones.
        should_return_http_response=True,
        http_options=types.HttpOptions(timeout=int(timeout_seconds * 1000)),
    )


def _address(base_url: str) -> tuple[str, int]:
    parts = urlsplit(base_url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _thinking(model: str) -> types.ThinkingConfig | None:
    """Ask for little thinking where the model knows levels; older ones answer 400 to a level."""
    if model.startswith(("gemini-3", "gemini-4")):
        return types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW)
    return None


async def _remember_request(request: httpx2.Request) -> None:
    if (sent := _sent.get()) is not None:
        sent.append(request.content.decode(errors="replace"))


def _body_of(error: Exception) -> str | None:
    response = error.response if isinstance(error, errors.APIError) else None
    return response.text if isinstance(response, httpx2.Response) else None


def _classify(error: Exception, *, model: str, timeout_seconds: float) -> GeminiError:
    if isinstance(error, errors.APIError):
        return classify_response(error.code, _body_of(error) or "", model=model, now=utc_now())
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        return UnavailableError(f"Gemini gave no answer for {model} in {timeout_seconds:.1f} s")
    if isinstance(error, httpx2.InvalidURL):
        return RequestRefusedError(f"Gemini cannot be asked for {model}: the address is no URL")
    # The SDK's and the transport's texts may repeat headers or bodies: the type alone says enough.
    return UnavailableError(f"Gemini could not be asked for {model}: {type(error).__name__}")
