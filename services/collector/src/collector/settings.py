"""Settings of the collector from the environment, beyond the common ones."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from common.settings import BaseUrl, ServiceSettings


class CollectorSettings(ServiceSettings):
    """Public data needs no key, so the collector holds none."""

    upbit_base_url: BaseUrl = Field(
        default="https://api.upbit.com", alias="UPBIT_BASE_URL", description="Upbit, or a simulator of it."
    )
    # Stored with every value, so that simulated prices can never be taken for real ones.
    market_source: Literal["upbit", "simulator", "replay"] = Field(
        default="upbit",
        alias="MARKET_SOURCE",
        description="What the prices are: upbit, simulator or replay; stored with each.",
    )
