"""Gemini's status as this instance knows it, recorded by the probe and by every decision."""

from __future__ import annotations

from dataclasses import dataclass

from common.events import ComponentState

COMPONENT = "gemini_api"


@dataclass
class GeminiStatus:
    """The newest results.

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
        return ComponentState(
            name=COMPONENT,
            status="warning" if self.decision_error else "healthy",
            latency_ms=self.list_ms,
            message=self.decision_error or ("not probed yet" if self.list_ms is None else None),
        )
