"""Upbit key check: when the key expires, a year after it was made. By the official SDK, its retries off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from upbit import APIConnectionError, APIStatusError, AsyncUpbit, UpbitError

from bongsu.doctor.finding import Finding, ok, problem, unknown, warning
from bongsu.doctor.target import Target
from common.clock import utc_now

CHECK = "upbit key"
ANSWER_SECONDS = 5.0
SOON = timedelta(days=30)
NEW_KEY = "make a new one on Upbit's Open API page and set UPBIT_ACCESS_KEY and UPBIT_SECRET_KEY"


async def check_upbit_key(target: Target) -> Finding:
    """Ask for the account's keys where this shell has one of them."""
    access, secret = target.settings.upbit_access_key, target.settings.upbit_secret_key
    if target.is_simulated or not (access or secret):
        return ok(CHECK, "none is set and none is needed: candles are public")
    if not (access and secret):
        return problem(
            CHECK, "of UPBIT_ACCESS_KEY and UPBIT_SECRET_KEY only one is set", "set both, or neither"
        )
    try:
        async with AsyncUpbit(
            access_key=access.get_secret_value(),
            secret_key=secret.get_secret_value(),
            base_url=target.upbit_url,
            max_retries=0,
            timeout=ANSWER_SECONDS,
        ) as client:
            keys = await client.api_keys.list()
    except APIStatusError as error:
        return _judge_refusal(error)
    except (APIConnectionError, UpbitError) as error:
        return unknown(CHECK, f"Upbit could not be asked ({type(error).__name__})", "check the network")
    ends = {key.access_key: key.expire_at for key in keys}.get(access.get_secret_value())
    return _judge_end(ends, utc_now())


def _judge_refusal(error: APIStatusError) -> Finding:
    if error.status_code in (401, 403):
        name = str(getattr(error, "name", None) or error.status_code)
        if "authorization_i" in name:
            fix = "allow this machine's address for the key on Upbit's Open API page"
        else:
            fix = NEW_KEY
        return problem(CHECK, f"Upbit refuses it: {name}", fix)
    return unknown(CHECK, f"Upbit answers with status {error.status_code}", "try again later")


def _judge_end(text: str | None, now: datetime) -> Finding:
    try:
        end = datetime.fromisoformat(text or "").astimezone(UTC)
    except ValueError:
        return unknown(CHECK, "Upbit accepts it and does not say when it ends")
    left = end - now
    found = f"ends {end:%Y-%m-%d} (UTC), in {left.days} days"
    if left <= timedelta(0):
        return problem(CHECK, f"ended {end:%Y-%m-%d} (UTC)", NEW_KEY)
    return warning(CHECK, found, NEW_KEY) if left <= SOON else ok(CHECK, found)
