"""Budget check: compares a day's signals with Gemini's request budget and the free tier. Pure."""

from __future__ import annotations

from bongsu.doctor.finding import Finding, ok, problem, warning

CHECK = "budget"
MINUTES_A_DAY = 1440
# Observed, per model and project; Google prints no figure any more.
FREE_TIER_REQUESTS = 20
PAID = (
    "or with a paid key a larger gemini_daily_request_budget; a free key has about"
    f" {FREE_TIER_REQUESTS} calls a day and model"
)


def judge_budget(
    *, interval_minutes: int, markets: int, budget: int, models: int, has_key: bool, is_simulated: bool
) -> Finding:
    """Judge the calls of a day, one a signal at least, by the budget of each model and by the free tier."""
    if not has_key:
        return ok(CHECK, "there is no key, so nothing is asked: the rule decides")
    if budget == 0:
        return warning(
            CHECK,
            "gemini_daily_request_budget is 0: Gemini is never asked, the rule decides",
            f"bongsu config set gemini_daily_request_budget {FREE_TIER_REQUESTS}",
        )
    calls = MINUTES_A_DAY // interval_minutes * markets
    minutes, of = _counted(interval_minutes, "minute"), f" for {markets} markets" if markets > 1 else ""
    needed = f"a signal every {minutes} is {calls} calls a day{of}, retries not counted"
    slower = _slower(markets, budget)
    if calls > budget * models:
        return problem(
            CHECK,
            f"{needed}; the budget is {budget} a model, of {_counted(models, 'model')}: for"
            f" {calls - budget * models} of them the rule decides",
            f"bongsu config set signal_interval_minutes {slower}, {PAID}",
        )
    if calls > budget:
        return warning(
            CHECK,
            f"{needed}; the budget of the first model is {budget}, so a fallback model decides the last"
            f" {calls - budget} of a day",
            f"bongsu config set signal_interval_minutes {slower}, {PAID}",
        )
    if calls > FREE_TIER_REQUESTS and not is_simulated:
        return warning(
            CHECK,
            f"{needed}; the budget is {budget}, but a free key has {FREE_TIER_REQUESTS} a model",
            "use a paid key, or: bongsu config set signal_interval_minutes"
            f" {_slower(markets, FREE_TIER_REQUESTS)}",
        )
    return ok(CHECK, f"{needed}; the budget is {budget}")


def _slower(markets: int, budget: int) -> int:
    """Return the shortest interval, in minutes, at which a day's calls stay within the budget."""
    within = (minutes for minutes in range(1, MINUTES_A_DAY) if MINUTES_A_DAY // minutes * markets <= budget)
    return next(within, MINUTES_A_DAY)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
