"""Target of the doctor: the parts of a stack, and which of them are simulators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from bongsu.context import StackContext
from bongsu.up.environment import SIMULATED_GEMINI_KEY
from common.settings import BaseUrl, nats_servers

NATS_MONITOR_PORT = 8222


class OutsideSettings(BaseModel):
    """The variables by which the services reach the world outside; each secret also as `<NAME>_FILE`."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    upbit_base_url: BaseUrl = Field(default="https://api.upbit.com", alias="UPBIT_BASE_URL")
    upbit_access_key: SecretStr | None = Field(default=None, alias="UPBIT_ACCESS_KEY")
    upbit_secret_key: SecretStr | None = Field(default=None, alias="UPBIT_SECRET_KEY")
    gemini_api_key: SecretStr | None = Field(default=None, alias="GEMINI_API_KEY")
    google_gemini_base_url: BaseUrl = Field(
        default="https://generativelanguage.googleapis.com", alias="GOOGLE_GEMINI_BASE_URL"
    )
    nats_monitor_url: BaseUrl | None = Field(default=None, alias="NATS_MONITOR_URL")


@dataclass(frozen=True)
class Target:
    """A stack, found as every other command finds it, and this shell's variables.

    Attributes:
        data_dir: Of `bongsu up`; it need not exist where the servers are elsewhere.
    """

    stack: StackContext
    data_dir: Path
    settings: OutsideSettings = field(default_factory=OutsideSettings)

    @property
    def has_servers(self) -> bool:
        """Whether there is a stack at all: without one, only what it will need can be checked."""
        return any(self.stack.urls.values())

    @property
    def is_embedded(self) -> bool:
        """Whether `bongsu up` runs it on this machine."""
        return bool(self.stack.document)

    @property
    def is_simulated(self) -> bool:
        """Whether its exchange and its Gemini are known to be simulators."""
        return self.is_embedded and self._market.get("kind") != "live"

    @property
    def has_its_own_clock(self) -> bool:
        """Whether its exchange's time is that of a recording."""
        return self._market.get("kind") == "replay"

    @property
    def upbit_url(self) -> str:
        """Where candles come from."""
        return str(self.stack.document.get("upbit_url") or self.settings.upbit_base_url)

    @property
    def gemini_url(self) -> str:
        """Where Gemini is asked."""
        return str(self.stack.document.get("gemini_url") or self.settings.google_gemini_base_url)

    @property
    def gemini_key(self) -> str:
        """The key of the signaler, "" where there is none; of a stack elsewhere, this shell's."""
        if self.is_simulated:
            return SIMULATED_GEMINI_KEY
        key = self.settings.gemini_api_key
        return key.get_secret_value() if key else ""

    @property
    def nats_monitor_urls(self) -> tuple[str, ...]:
        """The HTTP monitor of each NATS server: as written down, or where it usually is."""
        if self.settings.nats_monitor_url:
            return (self.settings.nats_monitor_url,)
        if known := self.stack.document.get("nats_monitor_urls"):
            return tuple(map(str, known))
        hosts = [urlsplit(url).hostname for url in nats_servers(self.stack.nats_url)]
        return tuple(f"http://{host}:{NATS_MONITOR_PORT}" for host in hosts)

    @property
    def _market(self) -> Mapping[str, object]:
        return self.stack.document.get("market") or {}
