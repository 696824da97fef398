"""Webhook client: posts a text to NOTIFY_URL as JSON that Slack and Telegram take.

A post is not idempotent. It is retried at once only where the other side surely did not take it: no
connection, 429, 5xx. One that was not answered may have been taken; the notifier repeats it later.

Imported only where NOTIFY_URL is set: an HTTP library comes along.
"""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
from pydantic import SecretStr

from common.errors import PermanentError, TransientError
from common.masking import register_secret
from common.retry import CircuitBreaker, with_retry

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 10.0
# What the other side may ask us to wait.
MOST_WAIT_SECONDS = 300.0
# Shorter parts of a path are words: `services`, `sendMessage`.
SECRET_CHARACTERS = 16
TOO_MANY = 429


class NotTakenError(TransientError):
    """It was surely not taken."""


class UnansweredError(TransientError):
    """It was sent, and perhaps taken."""


class Webhook:
    """One address; `close` it."""

    def __init__(self, url: SecretStr) -> None:
        self._url = url.get_secret_value()
        register_url(self._url)
        chat = parse_qs(urlsplit(self._url).query).get("chat_id")
        self._always = {"chat_id": chat[0]} if chat else {}
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            # A connection that was closed meanwhile would look as if the post may have been taken.
            limits=httpx.Limits(max_keepalive_connections=0),
            # The text would go to an address that was not configured.
            follow_redirects=False,
        )
        self.post = with_retry(exceptions=(NotTakenError,), breaker=CircuitBreaker("webhook"))(self._post)

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def _post(self, text: str) -> None:
        """Post a text; retried as `post`.

        Raises:
            NotTakenError: It was surely not taken, and another try may help.
            UnansweredError: It was sent, and no answer came within 10 s.
            PermanentError: It was refused, or the answer is a redirect.
        """
        try:
            async with (
                asyncio.timeout(ANSWER_SECONDS),
                # Its body is of no interest and may have no end.
                self._client.stream("POST", self._url, json={"text": text, **self._always}) as response,
            ):
                _raise_unless_taken(response)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise NotTakenError(f"NOTIFY_URL cannot be reached: {type(error).__name__}") from error
        except TimeoutError as error:
            raise UnansweredError(f"NOTIFY_URL did not answer within {ANSWER_SECONDS:.0f} s") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise UnansweredError(f"NOTIFY_URL gave no answer: {type(error).__name__}") from error


def register_url(url: str) -> None:
    """Have the address masked, and each part of it that allows posting: path, token, password."""
    parts = urlsplit(url)
    path = parts.path.strip("/")
    found = [path, *path.split("/"), *(segment.removeprefix("bot") for segment in path.split("/"))]
    secrets = [part for part in found if len(part) >= SECRET_CHARACTERS]
    secrets += [value for values in parse_qs(parts.query).values() for value in values]
    for secret in (url, parts.password or "", *secrets):
        register_secret(secret)
        register_secret(unquote(secret))


def _raise_unless_taken(response: httpx.Response) -> None:
    status = response.status_code
    if response.is_success:
        return
    if status == TOO_MANY or response.is_server_error:
        raise NotTakenError(f"NOTIFY_URL answers {status}", retry_after_seconds=_retry_after(response))
    if response.is_redirect:
        raise PermanentError(
            f"NOTIFY_URL answers {status}, a redirect, which is not followed; name its target"
        )
    raise PermanentError(f"NOTIFY_URL refuses with {status}; check the address")


def _retry_after(response: httpx.Response) -> float | None:
    asked = response.headers.get("retry-after", "")
    return min(float(asked), MOST_WAIT_SECONDS) if asked.isascii() and asked.isdigit() else None
