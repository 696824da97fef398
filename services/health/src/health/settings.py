"""Which environment variables does health read beyond the common ones?"""

from __future__ import annotations

from pydantic import Field

from common.settings import ServiceSettings


class HealthSettings(ServiceSettings):
    """Where the HTTP server listens. Health holds no Upbit or Gemini key."""

    health_host: str = Field(
        default="127.0.0.1", alias="HEALTH_HOST", description="Address that HTTP is served on."
    )
    health_port: int = Field(
        default=8080, alias="HEALTH_PORT", ge=1, le=65535, description="Port that HTTP is served on."
    )
