"""Run the collector: settings, composition, loop."""

import sys

# Not the collector's own packages, but `make run` has one environment for all, and structlog, FastStream and
# PyJWT import these wherever they are installed: 12 MB for nothing. Here they find them missing.
for _others in ("rich", "greenlet", "uvicorn", "cryptography"):
    sys.modules.setdefault(_others, None)  # type: ignore[arg-type]

from collector.app import build  # noqa: E402
from collector.settings import CollectorSettings  # noqa: E402
from common.runtime import main  # noqa: E402

if __name__ == "__main__":
    main("collector", CollectorSettings, build)
