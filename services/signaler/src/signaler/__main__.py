"""`python -m signaler`: settings, composition, loop."""

from __future__ import annotations

from common.runtime import main
from signaler.app import build_app
from signaler.settings import SignalerSettings

if __name__ == "__main__":
    main("signaler", SignalerSettings, build_app)
