"""Entry point of the health process: settings, composition, loop."""

from common.optional_imports import hide_packages_of_others

hide_packages_of_others(but=("uvicorn",))

from common.runtime.main import main  # noqa: E402  what is hidden must be so before the first import
from health.app import build  # noqa: E402
from health.settings import HealthSettings  # noqa: E402

if __name__ == "__main__":
    main("health", HealthSettings, build)
