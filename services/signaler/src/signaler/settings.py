"""Settings of the signaler from the environment, beyond the common ones."""

from __future__ import annotations

from pydantic import Field, SecretStr

from common.settings import BaseUrl, ServiceSettings


class SignalerSettings(ServiceSettings):
    """Without a key Gemini is not asked: the rule decides, labelled so."""

    gemini_api_key: SecretStr | None = Field(
        default=None,
        alias="GEMINI_API_KEY",
        description="Key of the Gemini API; without one the rule decides alone.",
    )
    google_gemini_base_url: BaseUrl | None = Field(
        default=None,
        alias="GOOGLE_GEMINI_BASE_URL",
        description="Scheme and host of another Gemini, such as a simulator; none is Google's.",
    )
