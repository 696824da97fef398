"""Reachability of the real Upbit and Gemini, for `bongsu up --live`: one request to each, within 5 s."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from bongsu.errors import CommandError, UnreachableError
from common.masking import mask_sensitive, register_secret
from common.settings import SettingsError, read_secret

REACH_SECONDS = 5.0
GEMINI_URL = "https://generativelanguage.googleapis.com"
REFUSED_KEY = (400, 401, 403)


def check_upbit(url: str) -> None:
    """Raise UnreachableError unless Upbit answers within 5 s."""
    try:
        answer = httpx.get(f"{url}/v1/market/all", timeout=REACH_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnreachableError(
            f"{url} cannot be reached ({_reason(error)}); check the network, or run the simulated market"
            " without --live"
        ) from error
    if answer.status_code >= 500:
        raise UnreachableError(f"{url} answers with status {answer.status_code}; try again later")


def check_gemini(environment: Mapping[str, str]) -> str | None:
    """Try the key where there is one; returns a sentence when Gemini will not speak, None when it will.

    Raises:
        CommandError: The key is refused, or its file cannot be read. The key is never shown.
        UnreachableError: Gemini does not answer within 5 s.
    """
    try:
        key = read_secret("GEMINI_API_KEY", environment)
    except SettingsError as error:
        raise CommandError(str(error)) from error
    if not key:
        return "no GEMINI_API_KEY is set, so Gemini is not asked: signals come from the rule, labelled so"
    register_secret(key)
    url = environment.get("GOOGLE_GEMINI_BASE_URL") or GEMINI_URL
    try:
        answer = httpx.get(
            f"{url}/v1beta/models",
            params={"pageSize": 1},
            headers={"x-goog-api-key": key},
            timeout=REACH_SECONDS,
        )
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError) as error:
        raise UnreachableError(
            f"Gemini at {url} cannot be reached ({_reason(error)}); check the network, or unset"
            " GEMINI_API_KEY to let the rule speak"
        ) from error
    if answer.status_code in REFUSED_KEY:
        raise CommandError(
            f"GEMINI_API_KEY is refused by Gemini (status {answer.status_code}); put in a valid key, or unset"
            " it to let the rule speak"
        )
    if not answer.is_success:
        return f"Gemini answers with status {answer.status_code} now; until it recovers the rule speaks"
    return None


def _reason(error: Exception) -> str:
    return mask_sensitive(str(error)) or type(error).__name__
