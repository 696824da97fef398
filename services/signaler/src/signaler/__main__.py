"""Run the signaler: settings, composition, loop."""

from common.optional_imports import hide_packages_of_others

hide_packages_of_others()

from common.runtime.main import main  # noqa: E402  what is hidden must be so before the first import
from signaler.app import build  # noqa: E402
from signaler.settings import SignalerSettings  # noqa: E402

if __name__ == "__main__":
    main("signaler", SignalerSettings, build)
