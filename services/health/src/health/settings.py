"""Health's settings: the environment variables it reads beyond the common ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from common.settings import ServiceSettings


def _check_webhook(value: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(value.get_secret_value())
        is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        # Its text repeats a part of what stands there.
        is_whole = False
    if not is_whole:
        raise ValueError("must be a URL that starts with http:// or https:// and names a host")
    return value


NotifyUrl = Annotated[SecretStr, AfterValidator(_check_webhook)]


class HealthSettings(ServiceSettings):
    """Where the HTTP server listens, and who is notified. Health holds no Upbit or Gemini key."""

    health_host: str = Field(
        default="127.0.0.1", alias="HEALTH_HOST", description="Address that HTTP is served on."
    )
    health_port: int = Field(
        default=8080, alias="HEALTH_PORT", ge=1, le=65535, description="Port that HTTP is served on."
    )
    health_data_folders: str = Field(
        default=".",
        alias="HEALTH_DATA_FOLDERS",
        description="Folders on the disks that hold the data, with `:` between; `.` is where health runs.",
    )
    notify_url: NotifyUrl | None = Field(
        default=None,
        alias="NOTIFY_URL",
        description="Webhook (Slack, Telegram …) that receives each change of the overall state.",
    )
    notify_settle_seconds: int = Field(
        default=10,
        alias="NOTIFY_SETTLE_SECONDS",
        ge=1,
        le=3600,
        description="How long a state must last before it is posted.",
    )

    @property
    def data_folders(self) -> tuple[Path, ...]:
        """The folders whose disks are measured."""
        return tuple(Path(folder) for folder in self.health_data_folders.split(os.pathsep))
