"""`make docs`: tables in README and docs, nats.conf and missing golden messages, made from the code."""

from __future__ import annotations

from bongsu.provisioning.nats_config import compose_configuration
from docs.golden import write_missing
from docs.pages import PAGES, ROOT, written

if __name__ == "__main__":
    for made in write_missing():
        print(f"made up, to be checked: {made.relative_to(ROOT)}")
    (ROOT / "deploy/nats.conf").write_text(compose_configuration(), encoding="utf-8")
    print("written: deploy/nats.conf")
    for page in PAGES:
        path = ROOT / page
        path.write_text(written(page), encoding="utf-8")
        print(f"written: {page}")
