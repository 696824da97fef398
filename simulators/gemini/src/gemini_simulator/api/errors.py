"""Error answers of the Gemini API: HTTP status, status name and details as recorded or documented."""

from collections.abc import Mapping
from typing import Any

TYPE = "type.googleapis.com/google.rpc."
SERVICE = "generativelanguage.googleapis.com"
SUCCESSOR, NEXT_SUCCESSOR = "gemini-3.8-flash", "gemini-4-hydrogen"

# Errors whose text never varies. `overloaded` is the text of the years before 2026.
_FIXED: Mapping[str, tuple[int, str, str]] = {
    "key_missing": (
        403,
        "PERMISSION_DENIED",
        "Method doesn't allow unregistered callers (callers without established identity). Please use API"
        " Key or other form of API consumer identity to call this API.",
    ),
    "key_leaked": (
        403,
        "PERMISSION_DENIED",
        "Your API key was reported as leaked. Please use another API key.",
    ),
    "region": (400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
    "unavailable": (
        503,
        "UNAVAILABLE",
        "This model is currently experiencing high demand. Spikes in demand are usually temporary. Please try"
        " again later.",
    ),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "deadline_exceeded": (504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
    "internal": (
        500,
        "INTERNAL",
        "An internal error has occurred. Please retry or report in"
        " https://developers.generativeai.google/guide/troubleshooting",
    ),
    "cancelled": (499, "CANCELLED", "The operation was cancelled."),
    "prepay_depleted": (
        429,
        "RESOURCE_EXHAUSTED",
        "Your prepayment credits are depleted. Please go to AI Studio at https://ai.studio/projects to manage"
        " your project and billing.",
    ),
    "spend_cap": (
        429,
        "RESOURCE_EXHAUSTED",
        "Your project has exceeded its monthly spending cap. Please go to AI Studio at https://ai.studio/spend"
        " to manage your project spend cap.",
    ),
}
_BY_STATUS = {499: "cancelled", 500: "internal", 503: "overloaded", 504: "deadline_exceeded"}
_NAMES = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}


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


class HtmlError(Exception):
    """A proxy in front of the API answers with a page instead of JSON."""

    def __init__(self, code: int) -> None:
        super().__init__(f"an HTML page with status {code}")
        self.code = code


def fixed(name: str) -> ApiError:
    """Return an error whose text never varies, such as `unavailable`; KeyError for a name not known."""
    return ApiError(*_FIXED[name])


def of_status(code: int) -> ApiError:
    """Return the plain error of an HTTP status, from 400 to 599."""
    if code in _BY_STATUS:
        return fixed(_BY_STATUS[code])
    name = _NAMES.get(code, "INTERNAL" if code >= 500 else "INVALID_ARGUMENT")
    return ApiError(code, name, f"The request failed with status {code}.")


def key_invalid() -> ApiError:
    """A key of the old `AIza…` kind is not known."""
    message = "API key not valid. Please pass a valid API key."
    info = {
        "@type": f"{TYPE}ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": SERVICE},
    }
    localized = {"@type": f"{TYPE}LocalizedMessage", "locale": "en-US", "message": message}
    return ApiError(400, "INVALID_ARGUMENT", message, [info, localized])


def auth_key_invalid(method: str) -> ApiError:
    """A key of the new `AQ.…` kind is not known; `method` is the whole name of what was called."""
    info = {
        "@type": f"{TYPE}ErrorInfo",
        "reason": "ACCESS_TOKEN_TYPE_UNSUPPORTED",
        "metadata": {"service": SERVICE, "method": method},
    }
    return ApiError(
        401,
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or"
        " other valid authentication credential. See"
        " https://developers.google.com/identity/sign-in/web/devconsole-project.",
        [info],
    )


def model_not_found(name: str, api_version: str, method: str) -> ApiError:
    """The model does not exist, or does not do this."""
    hint = "Call ModelService.ListModels" if method != "countTokens" else "Call ListModels"
    return ApiError(
        404,
        "NOT_FOUND",
        f"models/{name} is not found for API version {api_version}, or is not supported for {method}."
        f" {hint} to see the list of available models and their supported methods.",
    )


def model_retired(name: str, served: str) -> ApiError:
    """The model was taken away from new projects; `served` is the one that answered for that name."""
    successor = SUCCESSOR if served != SUCCESSOR else NEXT_SUCCESSOR
    return ApiError(
        404,
        "NOT_FOUND",
        f"This model models/{name} is no longer available to new users. Please update your code to use"
        f" models/{successor}.",
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
