"""Known secrets, found in a text in every form they may have.

As it is, URL-encoded, JSON-escaped, HTML-escaped, in base64 at each of the three alignments, in hex; a long
one also cut to half of itself or more.
"""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from urllib.parse import quote, quote_plus

MASK = "***"
MIN_SECRET = 8
# A shorter word of letters alone stands inside other words: `postgres` in `postgresql://`.
MIN_INSIDE_WORD = 12
MIN_CUT = 24

_PERCENT = re.compile(r"%[0-9A-F]{2}")


class KnownSecrets:
    """The exact secrets of a process; it only grows."""

    def __init__(self) -> None:
        self._forms: tuple[str, ...] = ()
        self._words: tuple[re.Pattern[str], ...] = ()
        self._cuttable: tuple[str, ...] = ()

    def add(self, secret: str) -> bool:
        """Mask a secret from now on; False for one shorter than 8 characters, which is left out.

        It would tear ordinary words apart, and a log that can't be read is switched off.
        """
        if len(secret) < MIN_SECRET:
            return False
        if secret.isalpha() and len(secret) < MIN_INSIDE_WORD:
            self._words += (re.compile(rf"(?<!\w){re.escape(secret)}(?!\w)"),)
        found = forms(secret).union(self._forms)
        # Longest first: a form can hold a shorter one.
        self._forms = tuple(sorted(found, key=lambda form: (-len(form), form)))
        if len(secret) >= MIN_CUT and secret not in self._cuttable:
            self._cuttable += (secret,)
        return True

    def mask(self, text: str) -> str:
        """Return `text` with every form of every known secret replaced by `***`."""
        if len(text) < MIN_SECRET:
            return text
        for form in self._forms:
            if form in text:
                text = text.replace(form, MASK)
        for word in self._words:
            text = word.sub(MASK, text)
        for secret in self._cuttable:
            text = _mask_parts(text, secret)
        return text


def forms(secret: str) -> set[str]:
    """Return every way `secret` is written; one of letters alone and under 12 only in its encodings."""
    raw = secret.encode()
    urls = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    lower = {_PERCENT.sub(lambda escape: escape[0].lower(), url) for url in urls}
    escaped = {json.dumps(secret, ensure_ascii=ascii_)[1:-1] for ascii_ in (True, False)}
    whole = {secret, *urls, *lower, *escaped, html.escape(secret)}
    if secret.isalpha() and len(secret) < MIN_INSIDE_WORD:
        whole.discard(secret)
    return whole | {raw.hex(), raw.hex().upper()} | _base64_forms(raw)


def _base64_forms(raw: bytes) -> set[str]:
    """Return what base64 makes of `raw` alone, and what of it is the same with any bytes around it."""
    found = set()
    for before in range(3):
        encoded = b64encode(b"\0" * before + raw).decode()
        first = -(-before * 8 // 6)
        found.add(encoded[first : (before + len(raw)) * 8 // 6])
    whole = b64encode(raw).decode()
    found |= {whole, quote(whole, safe="")}
    return {form for form in found | {form.translate(_URL_SAFE) for form in found} if len(form) >= MIN_SECRET}


_URL_SAFE = str.maketrans("+/", "-_")


def _mask_parts(text: str, secret: str) -> str:
    """Mask what begins or ends like `secret` for at least half of it."""
    half = len(secret) // 2
    if secret[:half] in text:
        text = _mask_part(text, secret, half)
    # The other end is the beginning, read backwards.
    if secret[-half:] in text:
        text = _mask_part(text[::-1], secret[::-1], half)[::-1]
    return text


def _mask_part(text: str, secret: str, half: int) -> str:
    start = text.find(secret[:half])
    while start >= 0:
        end = start + half
        while end < len(text) and end - start < len(secret) and text[end] == secret[end - start]:
            end += 1
        text = text[:start] + MASK + text[end:]
        start = text.find(secret[:half], start + len(MASK))
    return text
