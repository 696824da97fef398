"""How does the Gemini API say no? Status, code and details as recorded or documented."""

from __future__ import annotations

from typing import Any

TYPE = "type.googleapis.com/google.rpc."
SERVICE = "generativelanguage.googleapis.com"
SUCCESSOR, NEXT_SUCCESSOR = "gemini-3.8-flash", "gemini-4-hydrogen"


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


def auth_key_invalid(method: str) -> ApiError:
    """A key of the new `AQ.…` kind is not known; `method` is the whole name of what was called."""
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
                "metadata": {"service": SERVICE, "method": method},
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


def overloaded() -> ApiError:
    """The model is overloaded, in the words of the years before 2026."""
    return ApiError(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")


def cancelled() -> ApiError:
    """The caller went away."""
    return ApiError(499, "CANCELLED", "The operation was cancelled.")


def of_status(code: int) -> ApiError:
    """Return the plain error of an HTTP status, from 400 to 599."""
    known = {499: cancelled, 500: internal, 503: overloaded, 504: deadline_exceeded}
    if code in known:
        return known[code]()
    names = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
    name = names.get(code, "INTERNAL" if code >= 500 else "INVALID_ARGUMENT")
    return ApiError(code, name, f"The request failed with status {code}.")


class HtmlError(Exception):
    """Something in front of the API answers with a page instead of JSON."""

    def __init__(self, code: int) -> None:
        super().__init__(f"an HTML page with status {code}")
        self.code = code
