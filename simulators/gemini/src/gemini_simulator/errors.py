"""How does the Gemini API say no? Status, code and details as recorded or documented."""

from __future__ import annotations

from typing import Any

TYPE = "type.googleapis.com/google.rpc."
SERVICE = "generativelanguage.googleapis.com"
METRIC = f"{SERVICE}/generate_content_free_tier_requests"


class ApiError(Exception):
    """One error answer."""

    def __init__(
        self, code: int, status: str, message: str, details: list[dict[str, Any]] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.details = details

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        error: dict[str, Any] = {"code": self.code, "message": str(self), "status": self.status}
        if self.details:
            error["details"] = self.details
        return {"error": error}


def key_missing() -> ApiError:
    """No key was sent."""
    return ApiError(
        403,
        "PERMISSION_DENIED",
        "Method doesn't allow unregistered callers (callers without established identity). Please use API"
        " Key or other form of API consumer identity to call this API.",
    )


def key_invalid() -> ApiError:
    """A key of the old `AIza…` kind is not known."""
    message = "API key not valid. Please pass a valid API key."
    return ApiError(
        400,
        "INVALID_ARGUMENT",
        message,
        [
            {
                "@type": f"{TYPE}ErrorInfo",
                "reason": "API_KEY_INVALID",
                "domain": "googleapis.com",
                "metadata": {"service": SERVICE},
            },
            {"@type": f"{TYPE}LocalizedMessage", "locale": "en-US", "message": message},
        ],
    )


def auth_key_invalid() -> ApiError:
    """A key of the new `AQ.…` kind is not known."""
    return ApiError(
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or"
        " other valid authentication credential. See"
        " https://developers.google.com/identity/sign-in/web/devconsole-project.",
        [
            {
                "@type": f"{TYPE}ErrorInfo",
                "reason": "ACCESS_TOKEN_TYPE_UNSUPPORTED",
                "metadata": {
                    "service": SERVICE,
                    "method": "google.ai.generativelanguage.v1beta.GenerativeService.GenerateContent",
                },
            }
        ],
    )


def key_leaked() -> ApiError:
    """The key was found in public."""
    return ApiError(
        403, "PERMISSION_DENIED", "Your API key was reported as leaked. Please use another API key."
    )


def region_refused() -> ApiError:
    """The caller's country is not served."""
    return ApiError(400, "FAILED_PRECONDITION", "User location is not supported for the API use.")


def model_not_found(name: str, api_version: str, method: str) -> ApiError:
    """The model does not exist, or does not do this."""
    hint = "Call ModelService.ListModels" if method != "countTokens" else "Call ListModels"
    return ApiError(
        404,
        "NOT_FOUND",
        f"models/{name} is not found for API version {api_version}, or is not supported for {method}."
        f" {hint} to see the list of available models and their supported methods.",
    )


def model_retired(name: str) -> ApiError:
    """The model was taken away from new projects."""
    return ApiError(
        404,
        "NOT_FOUND",
        f"This model models/{name} is no longer available to new users. Please update your code to use a"
        " newer model for the latest features and improvements.",
    )


def bad_request(field: str, description: str) -> ApiError:
    """A field of the body is unknown or wrong."""
    violation = {"field": field, "description": description}
    details = [{"@type": f"{TYPE}BadRequest", "fieldViolations": [violation]}]
    return ApiError(400, "INVALID_ARGUMENT", description, details)


def unknown_name(name: str, path: str) -> ApiError:
    """A field of the body is not in the API."""
    where = f" at '{path}'" if path else ""
    text = f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.'
    return bad_request(path, text)


def quota_exceeded(model: str, *, period: str, limit: int, retry_delay: str) -> ApiError:
    """A free-tier quota is used up; `period` is PerMinute or PerDay, `retry_delay` as in "34.1s"."""
    seconds = retry_delay.removesuffix("s")
    message = (
        "You exceeded your current quota, please check your plan and billing details. For more information"
        " on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits. To monitor your current"
        f" usage, head to: https://ai.dev/rate-limit. \n* Quota exceeded for metric: {METRIC}, limit:"
        f" {limit}, model: {model}\nPlease retry in {seconds}s."
    )
    return ApiError(
        429,
        "RESOURCE_EXHAUSTED",
        message,
        [
            {
                "@type": f"{TYPE}Help",
                "links": [
                    {
                        "description": "Learn more about Gemini API quotas",
                        "url": "https://ai.google.dev/gemini-api/docs/rate-limits",
                    }
                ],
            },
            {
                "@type": f"{TYPE}QuotaFailure",
                "violations": [
                    {
                        "quotaMetric": METRIC,
                        "quotaId": f"GenerateRequests{period}PerProjectPerModel-FreeTier",
                        "quotaDimensions": {"location": "global", "model": model},
                        "quotaValue": str(limit),
                    }
                ],
            },
            {"@type": f"{TYPE}RetryInfo", "retryDelay": retry_delay},
        ],
    )


def prepay_depleted() -> ApiError:
    """The prepaid money is gone."""
    return ApiError(
        429,
        "RESOURCE_EXHAUSTED",
        "Your prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to manage"
        " your project and billing.",
    )


def spend_cap() -> ApiError:
    """The project's own cap is reached."""
    return ApiError(
        429,
        "RESOURCE_EXHAUSTED",
        "Your project has exceeded its monthly spending cap. Please go to AI Studio at https://ai.studio/spend"
        " to manage your project spend cap.",
    )


def unavailable() -> ApiError:
    """The model is overloaded."""
    return ApiError(
        503,
        "UNAVAILABLE",
        "This model is currently experiencing high demand. Spikes in demand are usually temporary. Please try"
        " again later.",
    )


def deadline_exceeded() -> ApiError:
    """The answer took longer than the client wanted to wait."""
    return ApiError(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete.")


def internal() -> ApiError:
    """Something broke."""
    return ApiError(
        500,
        "INTERNAL",
        "An internal error has occurred. Please retry or report in"
        " https://developers.generativeai.google/guide/troubleshooting",
    )
