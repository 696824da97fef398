"""How is Gemini, as far as this instance knows? Memory only, filled by the probe and by every decision."""

from __future__ import annotations

from dataclasses import dataclass

from common.events import ComponentState

COMPONENT = "gemini_api"


@dataclass
class GeminiState:
    """What was seen last.

    Attributes:
        has_key: False when the service was started without a key.
        list_error: Why the model list could not be had; None when it could.
        list_ms: How long the list took; None before the first probe.
        decision_error: Why the last decision was not Gemini's; None when it was.
    """

    has_key: bool
    list_error: str | None = None
    list_ms: float | None = None
    decision_error: str | None = None

    def component(self) -> ComponentState:
        """Return the `gemini_api` component: unhealthy when the list fails, a warning for lesser trouble."""
        if not self.has_key:
            return ComponentState(
                name=COMPONENT,
                status="warning",
                message="no key: set GEMINI_API_KEY; the rule decides meanwhile",
            )
        if self.list_error:
            return ComponentState(name=COMPONENT, status="unhealthy", message=self.list_error)
        status = "warning" if self.decision_error else "healthy"
        message = self.decision_error or (None if self.list_ms is not None else "not probed yet")
        return ComponentState(
            name=COMPONENT,
            status="warning" if status == "warning" else "healthy",
            latency_ms=self.list_ms,
            message=message,
        )
