"""Errors of Gemini, by who must act; `cause` is stored with the rule's signal.

GeminiError                   the rule decides instead; each is also one of the two below
TransientError                it may work in a moment
├── UnavailableError              timeout, connection lost, 5xx
└── RateLimitedError              the minute's quota is used up; the server says how long
PermanentError                trying again now does not help
├── NotAskedError                 no request was made: no key, no time, no budget, blocked
├── QuotaExhaustedError           nothing more today from this model (or from all of the project's)
├── KeyRefusedError               a person has to give another key
├── ModelGoneError                ask the next model
├── RequestRefusedError           Gemini does not accept what we send
└── AnswerRefusedError            it answered, but not with a decision that may be used
"""

from __future__ import annotations

from datetime import datetime

from common.errors import PermanentError, ServiceError, TransientError


class GeminiError(ServiceError):
    """No decision came from Gemini; the message is safe to store, log and show."""

    cause = "unavailable"


class UnavailableError(GeminiError, TransientError):
    """Gemini could not be reached or said that it cannot answer now."""


class RateLimitedError(GeminiError, TransientError):
    """429 for the minute's quota, or for no stated reason."""

    cause = "rate_limited"


class NotAskedError(GeminiError, PermanentError):
    """No request was made, or no further one.

    Args:
        cause: `no_key`, `budget_spent`, `blocked`, `out_of_time`, or that of the last attempt.
        this_model_only: Another model may still be asked.
    """

    def __init__(self, message: str, *, cause: str, this_model_only: bool = False) -> None:
        super().__init__(message)
        self.cause = cause
        self.this_model_only = this_model_only


class QuotaExhaustedError(GeminiError, PermanentError):
    """Nothing more from this model before `blocked_until`.

    Args:
        whole_project: The account is out of money, so every other model would say the same.
    """

    cause = "quota_exhausted"

    def __init__(self, message: str, *, model: str, blocked_until: datetime, whole_project: bool) -> None:
        who = "no model is" if whole_project else f"{model} is not"
        super().__init__(f"{message} ({who} asked before {blocked_until:%Y-%m-%dT%H:%M:%SZ})")
        self.blocked_until = blocked_until
        self.whole_project = whole_project


class KeyRefusedError(GeminiError, PermanentError):
    """The key is missing, unknown, leaked, or not allowed here."""

    cause = "key_refused"


class ModelGoneError(GeminiError, PermanentError):
    """404: the model does not exist (any more)."""

    cause = "model_gone"


class RequestRefusedError(GeminiError, PermanentError):
    """400: the request or the region is not accepted."""

    cause = "request_refused"


class AnswerRefusedError(GeminiError, PermanentError):
    """The answer is no decision.

    Args:
        reason: What is wrong with it, in words that a repair request can repeat to the model.
    """

    cause = "answer_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the answer is refused: {reason}")
        self.reason = reason
