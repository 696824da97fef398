"""Run the collector: settings, composition, loop."""

from collector.app import build
from collector.settings import CollectorSettings
from common.runtime import main

if __name__ == "__main__":
    main("collector", CollectorSettings, build)
