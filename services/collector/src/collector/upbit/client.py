"""Client of Upbit's REST API: the official SDK with its retries off, after one rate limiter."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from opentelemetry.trace import SpanKind
from upbit import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    AsyncUpbit,
    UpbitError,
)

from collector.domain import closed_part
from collector.upbit.parser import parse_candles
from collector.upbit.rate_limiter import BLOCKED, TOO_MANY, RateLimiter
from common.clock import MINUTE, ExchangeClock
from common.errors import PermanentError, ServiceError, TransientError
from common.events import CandlesClosed
from common.retry import CircuitBreaker, with_retry
from common.telemetry.names import Attribute, SpanName
from common.telemetry.spans import span

TIMEOUT_SECONDS = 5.0
PING_SECONDS = 2.0
MAX_BODY_BYTES = 1024 * 1024
MINUTES_PATH = "/v1/candles/minutes/{unit}"


class UpbitClient:
    """Upbit's public REST API.

    Args:
        base_url: Scheme, host and port, no path.
        source: What pages are labelled with.
        clock: Learns the exchange time from every answer.
        limiter: Holds back every request; one of its own where it is not shared.

    Attributes:
        sdk: The SDK's client, which the WebSocket shares.
        sync_clock: As `ping`, retried.
        problem: Why the newest page could not be had; None when it could.
    """

    def __init__(
        self, base_url: str, *, source: Any, clock: ExchangeClock, limiter: RateLimiter | None = None
    ) -> None:
        self._source = source
        self._clock = clock
        self.limiter = limiter or RateLimiter()
        self.sdk = AsyncUpbit(
            base_url=base_url,
            max_retries=0,
            timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=3.0),
        )
        self.problem: str | None = None
        self._span_attributes: dict[str, str] = {
            Attribute.HTTP_METHOD: "GET",
            Attribute.URL_TEMPLATE: MINUTES_PATH,
            Attribute.SERVER_ADDRESS: urlsplit(base_url).hostname or "",
        }
        retried = with_retry(breaker=CircuitBreaker("upbit"))
        self._fetch_with_retry = retried(self._fetch_page)
        self.sync_clock = retried(self.ping)

    async def close(self) -> None:
        """Close the connections."""
        await self.sdk.close()

    async def fetch_page(
        self, market: str, covers_from: datetime, covers_to: datetime, *, repair_run_id: str | None = None
    ) -> CandlesClosed | None:
        """Return the closed candles of at most 200 minutes [covers_from, covers_to), retried.

        Returns:
            None when none of the minutes was closed yet at Upbit's own time.

        Raises:
            TransientError: Upbit is away, limits us or answers 5xx, after the retries.
            PermanentError: Unknown market, or an answer that is no list of candles.
        """
        return await self._fetch_with_retry(market, covers_from, covers_to, repair_run_id)

    async def ping(self, market: str) -> float:
        """Ask for a ticker, once, past the queue of other calls; returns the latency in ms.

        The clock learns the exchange time from the answer. Same errors as `fetch_page`.
        """
        started = time.monotonic()
        request: Any = self.sdk.tickers.with_raw_response.list_by_trading_pairs(markets=market)
        try:
            await self.limiter.wait_until_allowed()
            await self._answer(request, PING_SECONDS)
        finally:
            request.close()
        return (time.monotonic() - started) * 1000

    async def _fetch_page(
        self, market: str, covers_from: datetime, covers_to: datetime, repair_run_id: str | None
    ) -> CandlesClosed | None:
        try:
            rows, exchange_time = await self._call(
                self.sdk.candles.with_raw_response.list_minutes(
                    1,
                    market=market,
                    to=covers_to.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    count=int((covers_to - covers_from) / MINUTE),
                )
            )
            closed_to = closed_part(covers_to, exchange_time=exchange_time)
            is_closed = closed_to > covers_from
            candles = (
                parse_candles(rows, market=market, covers_from=covers_from, covers_to=closed_to)
                if is_closed
                else ()
            )
        except ServiceError as error:
            self.problem = f"{'limited' if self.limiter.wait_seconds > 0 else 'last call failed'}: {error}"
            raise
        self.problem = None
        if not is_closed:
            return None
        return CandlesClosed(
            market=market,
            covers_from=covers_from,
            covers_to=closed_to,
            candles=candles,
            collected_at=exchange_time,
            source=self._source,
            repair_run_id=repair_run_id,
        )

    async def _call(self, request: Any) -> tuple[Any, datetime]:
        """Send one request when it is its turn; returns the JSON with decimals as text, and the time."""
        name = SpanName.UPBIT.format(method="GET", template=MINUTES_PATH)
        try:
            async with self.limiter:
                # Inside the limiter, so that it is as long as Upbit took.
                with span(name, kind=SpanKind.CLIENT, attributes=self._span_attributes):
                    return await self._answer(request, TIMEOUT_SECONDS)
        finally:
            # Where the limiter refused, the SDK's call was never begun.
            request.close()

    async def _answer(self, request: Any, limit_seconds: float) -> tuple[Any, datetime]:
        """Send one request; the limit holds for the whole answer, however slowly it drips in."""
        try:
            async with asyncio.timeout(limit_seconds):
                response = (await request).http_response
        except APIStatusError as error:
            self.limiter.record_answer(error.status_code, error.response.headers, str(error.body)[:500])
            raise classify(error, wait_seconds=self.limiter.wait_seconds) from error
        except TimeoutError as error:
            raise TransientError(f"Upbit did not answer within {limit_seconds:.0f} s") from error
        except (UpbitError, httpx.HTTPError) as error:
            raise classify(error) from error
        self.limiter.record_answer(response.status_code, response.headers, "")
        if len(response.content) > MAX_BODY_BYTES:
            raise PermanentError(
                f"Upbit answered {len(response.content)} bytes, at most {MAX_BODY_BYTES} are read"
            )
        try:
            rows = response.json(parse_float=str, parse_int=str)
        except (ValueError, RecursionError) as error:
            raise TransientError("Upbit's answer is not JSON") from error
        return rows, self._believed(_exchange_time(response.headers))

    def _believed(self, stated: datetime) -> datetime:
        """Let the clock learn the time of an answer, which is no later than what the clock believes."""
        self._clock.observe(stated)
        return min(stated, self._clock.now or stated)


def classify(error: Exception, *, wait_seconds: float = 0.0) -> ServiceError:
    """Return our error for one of the SDK's or httpx's; its text is Upbit's, at most 200 characters.

    Args:
        wait_seconds: How long Upbit wants no request, as a 418 or 429 said.
    """
    if isinstance(error, APIStatusError):
        text = f"Upbit answered {error.status_code}: {error.message[:200]}"
        if error.status_code in (BLOCKED, TOO_MANY):
            return TransientError(text, retry_after_seconds=wait_seconds)
        if error.status_code in (408, 409) or error.status_code >= 500:
            return TransientError(text)
        return PermanentError(text)
    if isinstance(error, APIResponseValidationError):
        return PermanentError("Upbit's answer does not have the documented shape")
    if isinstance(error, APIConnectionError):
        return TransientError(f"Upbit cannot be reached: {error.message}")
    if isinstance(error, APIError):
        return PermanentError(f"Upbit's answer cannot be used: {error.message[:200]}")
    return TransientError(f"Upbit cannot be reached: {type(error).__name__}")


def _exchange_time(headers: Mapping[str, str]) -> datetime:
    try:
        return parsedate_to_datetime(headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError) as error:
        raise PermanentError(
            "Upbit's answer has no usable Date header, so nothing counts as closed"
        ) from error
