"""Masking of generated log lines: each holds a secret, made from templates with another seed each run.

In `tests/`, `python -m acceptance.promises.masking_lines 200000`; `BONGSU_MASKING_SEED` repeats a run.
"""

from __future__ import annotations

import ast
import json
import os
import random
import string
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from common.masking import mask_sensitive, register_secret
from harness.finding import Finding

SEED_VARIABLE = "BONGSU_MASKING_SEED"
LINES = 200_000
REGISTERED = 6
EXAMPLES = 10
# So long a piece of a secret counts as the secret.
KEY_PIECE = 8
AMOUNT_PIECE = 6

KEY_NAMES = (
    "access_key",
    "secret_key",
    "api_key",
    "password",
    "refresh_token",
    "client_secret",
    "private_key",
)
AMOUNT_NAMES = (
    "balance",
    "avg_buy_price",
    "locked",
    "krw",
    "btc",
    "total_krw",
    "krw_balance",
    "잔고",
    "평가금액",
)
PLAIN_FIELDS = (
    ("market", "KRW-BTC"),
    ("trade_price", "95123000"),
    ("volume", "0.51234567"),
    ("status", "healthy"),
    ("revision", "17"),
    ("model", "gemini-2.5-flash"),
    ("prompt_token_count", "812"),
    ("trace_id", "0af7651916cd43dd8448eb211c80319c"),
    ("order", "9ca023a5-851b-4fec-9f0a-48cd83c2eaae"),
    ("at", "2026-01-13T09:00:00Z"),
)
_ALPHANUMERIC = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Made:
    """A line, the secrets in it, what of it must stay, and how to read it when it is a document."""

    text: str
    secrets: tuple[str, ...]
    stays: tuple[str, ...] = ()
    read: Callable[[str], object] | None = None


@dataclass
class Leaks:
    """What was found wrong; `examples` are the first ten lines, each with what is wrong about it."""

    seed: int
    lines: int = 0
    leaked: int = 0
    torn: int = 0
    unstable: int = 0
    over_masked: int = 0
    seconds: float = 0.0
    examples: list[str] = field(default_factory=list)

    def add(self, wrong: str, line: str, masked: str) -> None:
        """Keep the line as an example, while there are few."""
        if len(self.examples) < EXAMPLES:
            self.examples.append(f"{wrong}: {line!r} became {masked!r}")

    @property
    def total(self) -> int:
        """All of it; 0 is the promise."""
        return self.leaked + self.torn + self.unstable + self.over_masked


def new_seed() -> int:
    """Return the seed that was asked for, or another one each time."""
    return int(os.environ.get(SEED_VARIABLE) or random.SystemRandom().randrange(2**32))


def count_leaks(lines: int, seed: int, mask: Callable[[str], str] = mask_sensitive) -> Leaks:
    """Make, mask and judge that many lines; the same seed makes the same lines."""
    maker = _Maker(random.Random(seed))
    found = Leaks(seed)
    for _ in range(lines):
        made = maker.line()
        began = time.perf_counter()
        masked = mask(made.text)
        found.seconds += time.perf_counter() - began
        found.lines += 1
        _judge(made, masked, found)
        if mask(masked) != masked:
            found.unstable += 1
            found.add("masked twice is not masked once", made.text, masked)
    return found


def _judge(made: Made, masked: str, found: Leaks) -> None:
    if any(survives(secret, masked) for secret in made.secrets):
        found.leaked += 1
        found.add("a leak", made.text, masked)
    if not made.secrets and masked != made.text:
        found.over_masked += 1
        found.add("too much", made.text, masked)
    if (made.read and not _readable(made.read, masked)) or any(piece not in masked for piece in made.stays):
        found.torn += 1
        found.add("torn", made.text, masked)


def survives(secret: str, masked: str) -> bool:
    """Tell whether a piece of the secret that is worth something is still there."""
    size = min(len(secret), AMOUNT_PIECE if secret[-1:].isdigit() and len(secret) < 16 else KEY_PIECE)
    return any(secret[start : start + size] in masked for start in range(len(secret) - size + 1))


def _readable(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except (ValueError, SyntaxError):
        return False
    return True


class _Maker:
    """Makes lines; every choice comes from one seeded source."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._known = [self._key(40) for _ in range(REGISTERED)]
        for secret in self._known:
            register_secret(secret)
        self._kinds: tuple[Callable[[], Made], ...] = (
            self._assignment,
            self._document,
            self._document,
            self._pairs,
            self._url,
            self._said,
            self._object,
            self._row,
            self._known_one,
            self._shape,
            self._plain,
            self._plain,
        )

    def line(self) -> Made:
        """Return the next line."""
        return self._chance.choice(self._kinds)()

    def _key(self, length: int) -> str:
        letters = "".join(self._chance.choices(_ALPHANUMERIC, k=length - 3))
        return f"{letters}{self._chance.choice(string.digits)}{self._chance.choice(['aZ', 'qB', 'xK'])}"

    def _named(self) -> tuple[str, str]:
        """Return the name and the value of a secret or of a balance."""
        if self._chance.random() < 0.6:
            return self._spelled(self._chance.choice(KEY_NAMES)), self._key(
                self._chance.choice((12, 24, 40, 64))
            )
        return self._spelled(self._chance.choice(AMOUNT_NAMES)), self._amount()

    def _amount(self) -> str:
        whole = self._chance.randrange(10_000_000, 10**12)
        forms = (f"{whole}", f"{whole}.{whole % 997}", f"-{whole}", f"{whole:,}", f"{whole:_}")
        return self._chance.choice(forms)

    def _spelled(self, name: str) -> str:
        words = name.split("_")
        camel = words[0] + "".join(word.title() for word in words[1:])
        prefix = self._chance.choice(("", "", "upbit_")) if name in KEY_NAMES else ""
        return self._chance.choice((prefix + name, name.upper(), camel, name.replace("_", "-")))

    def _noise(self) -> tuple[str, str]:
        return self._chance.choice(PLAIN_FIELDS)

    def _assignment(self) -> Made:
        name, value = self._named()
        plain, stays = self._noise()
        sign = self._chance.choice(("=", ": ", " = ", ":", " => ", "="))
        quote_mark = self._chance.choice(("", "", '"', "'"))
        before = self._chance.choice(
            ("", f"{plain}={stays} ", "2026-01-13 09:00:00,123 INFO upbit ", "body: ")
        )
        after = self._chance.choice(("", f" {plain}={stays}", f"; {plain}={stays}", "\n  at line 3"))
        text = f"{before}{name}{sign}{quote_mark}{value}{quote_mark}{after}"
        return Made(text, (value,), (before, f"{name}{sign}{quote_mark}", after))

    def _tree(self) -> tuple[dict[str, object], tuple[str, ...]]:
        """Return a document with a few secrets at any depth, and these."""
        document: dict[str, object] = dict([self._noise()])
        secrets = []
        for _ in range(self._chance.randint(1, 3)):
            name, value = self._named()
            document[name] = self._chance.choice((value, [value], {"value": value}))
            secrets.append((name, value))
        kept = tuple(value for name, value in dict(secrets).items() if name in document)
        for _ in range(self._chance.randrange(4)):
            around = self._chance.choice(("data", "accounts", "error"))
            document = {around: self._chance.choice(([document], document)), "n": 1}
        return document, kept

    def _document(self) -> Made:
        document, secrets = self._tree()
        kind = self._chance.randrange(6)
        ascii_ = self._chance.random() < 0.5
        text = json.dumps(document, ensure_ascii=ascii_, indent=self._chance.choice((None, None, 2)))
        if kind == 0:
            return Made(repr(document), secrets, read=ast.literal_eval)
        if kind == 1:
            return Made(f"answered {text} at 9", secrets, ("answered ", " at 9"), _between)
        if kind == 2:
            # Cut off, as a long body in an error is.
            return Made(text[: self._chance.randint(len(text) // 2, len(text))], secrets)
        for _ in range(self._chance.randrange(3)):
            text = json.dumps({"body": text, "status": 200}, ensure_ascii=ascii_)
        return Made(text, secrets, read=json.loads)

    def _pairs(self) -> Made:
        value = self._key(40)
        name = self._chance.choice(("Authorization", "x-goog-api-key", "Cookie", "X-Api-Key"))
        pairs = [("Host", "api.upbit.com"), (name, value), ("Accept", "*/*")]
        self._chance.shuffle(pairs)
        forms: tuple[tuple[str, Callable[[str], object] | None], ...] = (
            (repr(pairs), ast.literal_eval),
            (repr([(key.encode(), text.encode()) for key, text in pairs]), ast.literal_eval),
            (json.dumps(pairs), json.loads),
            ("\r\n".join(f"{key}: {text}" for key, text in pairs), None),
            (json.dumps([{"name": key, "value": text} for key, text in pairs]), json.loads),
            (repr([{"name": key, "value": text} for key, text in pairs]), ast.literal_eval),
        )
        text, read = self._chance.choice(forms)
        return Made(text, (value,), ("api.upbit.com", name, "*/*"), read)

    def _url(self) -> Made:
        value = self._key(self._chance.choice((12, 40)))
        special = self._chance.choice(("", "/", "@", ":", "#", "열쇠", "%40"))
        forms = (
            (f"postgresql://svc:{value}{special}@db:5432/bongsu", ("postgresql://svc:", "@db:5432/bongsu")),
            (f"nats://{value}@127.0.0.1:4222", ("nats://", "@127.0.0.1:4222")),
            (f"https://h/v1?market=KRW-BTC&key={value}&alt=sse", ("market=KRW-BTC&key=", "&alt=sse")),
            (quote(f"https://h/?key={value}&a=1", safe=""), ("%26a%3D1",)),
            (f"GET /v1/accounts?api_key={value} HTTP/1.1", ("GET /v1/accounts?api_key=", " HTTP/1.1")),
        )
        text, stays = self._chance.choice(forms)
        return Made(f"connecting to {text} now", (value,), ("connecting to ", *stays, " now"))

    def _said(self) -> Made:
        value = self._key(self._chance.choice((16, 40)))
        name = self._chance.choice(("access key", "secret key", "API key", "password", "token", "access_key"))
        begins = self._chance.choice(("the ", "your ", "using ", "wrong ", "2026-01-13 WARN invalid "))
        link = self._chance.choice((" is ", " was ", " ", " set to ", " for upbit is ", ": "))
        mark = self._chance.choice(("", "", "'", '"'))
        ends = self._chance.choice(("", ".", ", refused", " has expired", " for KRW-BTC"))
        # A full stop after `key: value` may as well be the value's.
        stays = (f"{begins}{name}{link}", ends.strip("."))
        return Made(f"{begins}{name}{link}{mark}{value}{mark}{ends}", (value,), stays)

    def _object(self) -> Made:
        name, value = self._chance.choice(KEY_NAMES), self._key(32)
        plain, stays = self._noise()
        forms = (
            f"Client({plain}={stays!r}, {name}={value!r}, n=1)",
            f"<Client {plain}={stays!r} {name}={value!r}>",
            f"Settings({name}=SecretStr({value!r}), {plain}={stays!r})",
            f"environ({{{plain!r}: {stays!r}, '{name.upper()}': {value!r}}})",
            f"ValueError: {name}={value!r} with {plain}={stays!r}",
            f"<{name}>{value}</{name}> {plain}={stays!r}",
            f"['bongsu', '--{name.replace('_', '-')}', '{value}', {stays!r}]",
            f"1 error for S\n{name}\n  too long [type=string_too_long, input_value='{value}', {stays!r}]",
        )
        return Made(self._chance.choice(forms), (value,), (stays,))

    def _row(self) -> Made:
        value, amount = self._key(24), self._amount()
        forms = (
            f"DETAIL:  Failing row contains (7, {value}, {amount}, null).",
            f"error: Failing row contains ({amount}, it's ({value}), {value}).\nSTATEMENT: x",
            f"Key (access_key, token)=({value}, {value}) already exists. {amount[:0]}",
        )
        return Made(self._chance.choice(forms), (value,))

    def _known_one(self) -> Made:
        secret = self._chance.choice(self._known)
        around = self._key(self._chance.randint(4, 9))
        packed = b64encode(f"{around}{secret}{around}".encode()).decode()
        forms = (
            (secret, secret),
            (secret.encode().hex(), secret.encode().hex()),
            (packed, packed[len(around) * 4 // 3 + 3 : -(len(around) * 4 // 3 + 5)]),
            (secret[: self._chance.randint(20, 39)], secret[:20]),
            (secret[-self._chance.randint(20, 39) :], secret[-20:]),
            (json.dumps(secret), secret),
        )
        written, gone = self._chance.choice(forms)
        return Made(f"note {written} of 7", (gone,), ("note ", " of 7"))

    def _shape(self) -> Made:
        letters = self._key(43)
        forms = (
            f"AIza{letters[:35]}",
            f"AQ.{letters}",
            f"eyJhbGciOiJIUzUxMiJ9.eyJ{letters}.{letters[::-1]}",
            f"Bearer {letters}",
            f"SU{''.join(self._chance.choices(string.ascii_uppercase + '234567', k=56))}",
        )
        text = self._chance.choice(forms)
        return Made(f"got '{text}' from 127.0.0.1", (text[7:],), ("got '", "' from 127.0.0.1"))

    def _plain(self) -> Made:
        fields = [self._noise() for _ in range(self._chance.randint(1, 4))]
        forms = (
            " ".join(f"{name}={value}" for name, value in fields),
            json.dumps(dict(fields)),
            repr(dict(fields)),
            f"job.finished {fields} in {self._chance.random() * 100:.2f} ms",
            f"https://api.upbit.com/v1/candles/minutes/1?market=KRW-BTC&to={self._chance.randrange(10**9)}",
            f"sha256:{self._chance.randbytes(32).hex()} run {self._chance.randbytes(16).hex()}",
            f"KRW-BTC {self._chance.randrange(10**8):,}원, {self._chance.random():.8f}",
            f"the access key is {self._chance.choice(('missing', 'wrong', 'not allowed', 'expired'))}",
        )
        return Made(self._chance.choice(forms), ())


def _between(text: str) -> object:
    return json.loads(text.removeprefix("answered ").removesuffix(" at 9"))


async def measure() -> list[Finding]:
    """Return one row: what was wrong in 200,000 new lines."""
    found = count_leaks(LINES, new_seed())
    return [
        Finding(
            "masking",
            f"{found.lines:,} generated lines, seed {found.seed}",
            "0 leaks, 0 masked too much, JSON stays JSON",
            f"{found.leaked} leaks, {found.over_masked} too much, {found.torn} torn,"
            f" {found.unstable} unstable; {found.lines / found.seconds:,.0f} lines/s",
            holds=found.total == 0,
        )
    ]


if __name__ == "__main__":
    counted = count_leaks(int(sys.argv[1]) if sys.argv[1:] else LINES, new_seed())
    print(counted)
    sys.exit(min(counted.total, 1))
