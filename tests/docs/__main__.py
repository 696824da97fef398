"""`make docs`: write what is made from the code into README and docs."""

from __future__ import annotations

from docs.pages import PAGES, ROOT, written

if __name__ == "__main__":
    for page in PAGES:
        path = ROOT / page
        path.write_text(written(page), encoding="utf-8")
        print(f"written: {page}")
