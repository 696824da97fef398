"""Run the collector: settings, composition, loop."""

from common.optional_imports import hide_packages_of_others

hide_packages_of_others()

from collector.app import build  # noqa: E402  what is hidden must be so before the first import
from collector.settings import CollectorSettings  # noqa: E402
from common.runtime.main import main  # noqa: E402

if __name__ == "__main__":
    main("collector", CollectorSettings, build)
