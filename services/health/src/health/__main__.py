"""Run health: settings, composition, loop."""

from common.runtime import main
from health.app import build
from health.settings import HealthSettings

if __name__ == "__main__":
    main("health", HealthSettings, build)
