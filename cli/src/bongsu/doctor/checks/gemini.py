"""Gemini checks: the key, the models, and the newest signal. Lists only: no call that costs anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import httpx

from bongsu.doctor.finding import Finding, ok, problem, unknown, warning
from bongsu.doctor.target import Target

KEY = "gemini key"
MODELS = "gemini models"
ANSWER_SECONDS = 5.0
# With this version the signaler asks.
VERSION = "v1beta"
PAGE_SIZE = 1000
REFUSED = (400, 401, 403)


async def check_gemini(target: Target, models: Sequence[str]) -> list[Finding]:
    """Ask for the list of models, and for each of `models` (the first choice first) that is not in it."""
    key = target.gemini_key
    if not key:
        return [
            warning(
                KEY,
                "GEMINI_API_KEY is not set here: unless the signaler has one, the rule decides alone",
                "make one in Google AI Studio and set GEMINI_API_KEY",
            )
        ]
    try:
        async with httpx.AsyncClient(
            base_url=f"{target.gemini_url}/{VERSION}",
            headers={"x-goog-api-key": key},
            timeout=ANSWER_SECONDS,
            trust_env=not target.is_simulated,
        ) as client:
            answer = await client.get("/models", params={"pageSize": PAGE_SIZE})
            if not answer.is_success:
                return [_judge_refusal(answer)]
            listed = {str(model["name"]).removeprefix("models/") for model in answer.json()["models"]}
            absent = [model for model in models if model not in listed]
            states = {model: (await client.get(f"/models/{model}")).status_code for model in absent}
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError, ValueError, KeyError, TypeError) as error:
        return [
            problem(
                KEY,
                f"{target.gemini_url} cannot be asked ({type(error).__name__}); meanwhile the rule decides",
                "check network, proxy and GOOGLE_GEMINI_BASE_URL",
            )
        ]
    return [ok(KEY, "accepted"), _judge_models(models, states)]


def judge_newest_signal(signal: Mapping[str, str | None] | None) -> Finding:
    """Say who decided last: what a list does not show, a decision does. Pure."""
    check = "newest signal"
    if signal is None:
        return unknown(check, "there is none yet")
    if signal["source"] == "rule":
        return warning(
            check,
            f"the rule decided: {signal['cause']}",
            "see `bongsu signals` and `bongsu logs --service signaler --level warning`",
        )
    asked, served = signal["model_requested"], signal["model_served"]
    if asked and served and asked != served:
        return warning(
            check,
            f"asked of {asked}, answered by {served}: the one asked for is being retired, or an alias",
            f"bongsu config set gemini_model {served}",
        )
    return ok(check, f"decided by {served}")


def _judge_refusal(answer: httpx.Response) -> Finding:
    status = answer.status_code
    if "location is not supported" in answer.text:
        return problem(
            KEY, "Gemini does not serve the country of this address", "run the signaler where it is served"
        )
    if status in REFUSED:
        return problem(
            KEY,
            f"refused by Gemini (status {status})",
            "make a new key in Google AI Studio and set GEMINI_API_KEY",
        )
    return warning(
        KEY, f"Gemini answers with status {status} now; until it recovers the rule decides", "try again later"
    )


def _judge_models(models: Sequence[str], states: Mapping[str, int]) -> Finding:
    gone = [model for model in models if states.get(model) == httpx.codes.NOT_FOUND]
    retiring = [model for model in models if states.get(model) == httpx.codes.OK]
    if len(gone) == len(models):
        return problem(
            MODELS, f"gone: {', '.join(gone)}; no configured model is left", _another(gone[0], models)
        )
    if gone:
        first = gone[0] == models[0]
        return warning(
            MODELS,
            f"gone: {', '.join(gone)}" + ("; the fallback decides" if first else ""),
            _another(gone[0], models),
        )
    if retiring:
        return warning(
            MODELS,
            f"retiring: {', '.join(retiring)}: not listed any more, still answered",
            _another(retiring[0], models),
        )
    return ok(MODELS, f"{', '.join(models)} are there" if len(models) > 1 else f"{models[0]} is there")


def _another(model: str, models: Sequence[str]) -> str:
    key = "gemini_model" if model == models[0] else "gemini_fallback_models"
    return f"choose one that Gemini lists: bongsu config set {key} …"
