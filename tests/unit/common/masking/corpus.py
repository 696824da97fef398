"""Lines that hold a secret, what of them must vanish, and what must remain; every value is made up.

The lines that only look so are in `masking_readable.py`.
"""

from __future__ import annotations

import json
from typing import NamedTuple

ACCESS = "xR7kQ2mZ9vT4bW8nL3pD6yH1cJ5fG0sAeUiOqXzP"
SECRET = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6kL9n"
JWT = (
    "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9.eyJhY2Nlc3Nfa2V5IjoiYWJjZGVmZ2hpamtsIn0"
    ".q1w2e3r4t5y6u7i8o9p0-_abcdefgh"
)
GOOGLE = "AIzaSyD3m0nstr4t10nK3yF0rT3st1ngPurp0se"
GOOGLE_NEW = "AQ.Ab8RN6KxYzq3L0mV7tWcDpF2sHjG9uQe"
NKEY = "SUAIBDPBAUTWCWBKIO6XHQNINK5FWJW4OHLXC3HQ2KFE4PEJUA44CNHTC4"
PASSWORD = "hunter2pass"
KOREAN = "비밀번호열쇠"
NONCE = "6f5570df-d8bc-4daf-85b4-976733feb624"
QUERY_HASH = "7d8b3a0a51ef4df8b6fb7a4b1b1a2cfd"
KRW = "48735012"
BTC = "0.51234567"


class Line(NamedTuple):
    """A line, what must not be in it afterwards, and what must still be."""

    text: str
    secrets: tuple[str, ...]
    stays: tuple[str, ...]


def hide(text: str, secrets: str | tuple[str, ...], *stays: str) -> Line:
    """Return a line of the corpus."""
    return Line(text, (secrets,) if isinstance(secrets, str) else secrets, stays)


ASSIGNMENTS = [
    hide(f"access_key={ACCESS}", ACCESS, "access_key="),
    hide(f"access_key: {ACCESS} is wrong", ACCESS, "access_key: ", " is wrong"),
    hide(f"accessKey={ACCESS}, secretKey={SECRET}", (ACCESS, SECRET), "accessKey=", ", secretKey="),
    hide(f"userAccessKey={ACCESS}", ACCESS, "userAccessKey="),
    hide(f"access-key={ACCESS}", ACCESS, "access-key="),
    hide(f"Access Key: {ACCESS}", ACCESS, "Access Key: "),
    hide(f"secret_key = {SECRET}", SECRET, "secret_key = "),
    hide(f"api_key={GOOGLE_NEW} model=gemini-2.5-flash", GOOGLE_NEW, "api_key=", "model=gemini-2.5-flash"),
    hide(f"apikey={PASSWORD}", PASSWORD, "apikey="),
    hide(f"export UPBIT_SECRET_KEY='{SECRET}'", SECRET, "export UPBIT_SECRET_KEY='", "'"),
    hide(f"PGPASSWORD={PASSWORD} psql", PASSWORD, "PGPASSWORD=", " psql"),
    hide(f"--password={PASSWORD} --port=5432", PASSWORD, "--password=", "--port=5432"),
    hide(f"refreshToken={SECRET}", SECRET, "refreshToken="),
    hide(f"client_secret={SECRET}", SECRET, "client_secret="),
    hide(f"private_key={SECRET}", SECRET, "private_key="),
    hide(f"passphrase: {PASSWORD}", PASSWORD, "passphrase: "),
    hide(f'password="it\'s {PASSWORD}"', PASSWORD, "password="),
    hide(f'"password": "a\\"b{PASSWORD}"', PASSWORD, '"password": "'),
    hide(f"body was 'a=1\\naccess_key={ACCESS}'", ACCESS, "body was 'a=1", "access_key="),
    hide(f"access_key%3D{ACCESS}", ACCESS, "access_key%3D"),
    hide(f"query_hash={QUERY_HASH}", QUERY_HASH, "query_hash="),
    hide(f"nonce: {NONCE}", NONCE, "nonce: "),
    hide(f"key for KRW-BTC: api_key={GOOGLE}", GOOGLE, "KRW-BTC", "api_key="),
    hide(f"access_key => {ACCESS}", ACCESS, "access_key => "),
    hide(f"access_key->{ACCESS}", ACCESS, "access_key"),
    hide(f"api_key:={PASSWORD}", PASSWORD, "api_key"),
    hide(f"<password>{PASSWORD}</password>", PASSWORD, "<password>", "</password>"),
    hide(f"UPBIT_ACCESS_KEY\t{ACCESS}", ACCESS, "UPBIT_ACCESS_KEY"),
]
PROSE = [
    hide(f"the access key is {ACCESS}", ACCESS, "the access key is "),
    hide(f"the access key was {ACCESS}, which Upbit refused", ACCESS, "the access key was ", "refused"),
    hide(f"using access key {ACCESS} for accounts", ACCESS, "using access key ", " for accounts"),
    hide(f"your API key is '{GOOGLE_NEW}'.", GOOGLE_NEW, "your API key is '"),
    hide(f"the password is {PASSWORD}", PASSWORD, "the password is "),
    hide(f"password for svc is {PASSWORD}", PASSWORD, "password for svc is "),
    hide(f"secret key {SECRET} has expired", SECRET, "secret key ", " has expired"),
    hide(f"token {SECRET} has expired", SECRET, "token ", " has expired"),
    hide(f"invalid token '{PASSWORD}7'", PASSWORD, "invalid token '"),
    hide(f"password set to {PASSWORD}", PASSWORD, "password set to "),
    hide(f"rotated secret_key from {ACCESS} to {SECRET}", (ACCESS, SECRET), "rotated secret_key from "),
    hide(f"Incorrect API key provided: {GOOGLE_NEW}.", GOOGLE_NEW, "Incorrect API key provided: "),
    hide(f"accessKey {ACCESS} unknown", ACCESS, "accessKey ", " unknown"),
    hide(f"access_key {ACCESS} unknown", ACCESS, "access_key ", " unknown"),
    hide(f"비밀번호는 {PASSWORD} 입니다", PASSWORD, "비밀번호는 ", " 입니다"),
    hide(f"비밀번호: {PASSWORD}", PASSWORD, "비밀번호: "),
    hide(f"the balance is {KRW} KRW today", KRW, "the balance is ", "today"),
    hide("your KRW balance of 48,735,012 is low", "48,735,012", "your KRW balance of ", " is low"),
    hide(f"locked {KRW} of the account", KRW, "locked ", " of the account"),
    hide(f"avg buy price is {KRW}", KRW, "avg buy price is "),
]
HEADERS = [
    hide(f"Authorization: Bearer {ACCESS}", ACCESS, "Authorization: "),
    hide("authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA", "authorization: "),
    hide(f"sent Bearer {ACCESS} to upbit", ACCESS, "sent Bearer ", " to upbit"),
    hide(
        f"[('Authorization', 'Bearer {ACCESS}'), ('Host', 'h')]", ACCESS, "'Authorization'", "('Host', 'h')"
    ),
    hide(f"(b'x-goog-api-key', b'{ACCESS}')", ACCESS, "b'x-goog-api-key'"),
    hide(f"[[b'authorization', b'Bearer {ACCESS}'], [b'host', b'h']]", ACCESS, "[b'host', b'h']"),
    hide(f'["authorization", "Bearer {ACCESS}"]', ACCESS, '"authorization"'),
    hide(f'[["authorization", "{PASSWORD}"], ["host", "h"]]', PASSWORD, '"authorization"', '["host", "h"]'),
    hide(f"Headers({{'authorization': 'Bearer {JWT}', 'host': 'h'}})", JWT[-20:], "'host': 'h'"),
    hide(f"Cookie: session={ACCESS}; other={SECRET}", (ACCESS, SECRET), "Cookie: "),
    hide(f"Set-Cookie: sid={ACCESS}; Path=/", ACCESS, "Set-Cookie: "),
    hide(f'"cookie": "session={ACCESS}; theme=dark"', ACCESS, '"cookie": "'),
    hide(f"{{'Set-Cookie': 'sid={ACCESS}; HttpOnly'}}", ACCESS, "'Set-Cookie': '"),
    hide(f"x-goog-api-key: {GOOGLE_NEW}", GOOGLE_NEW, "x-goog-api-key: "),
    hide(f"X-Api-Key: {PASSWORD}\nAccept: */*", PASSWORD, "X-Api-Key: ", "Accept: */*"),
    hide(f"Proxy-Authorization: Basic {SECRET}", SECRET, "Proxy-Authorization: "),
    hide(
        f"GET /v1/accounts HTTP/1.1\\r\\nAuthorization: Bearer {JWT}\\r\\nHost: api.upbit.com",
        JWT[-20:],
        "GET /v1/accounts HTTP/1.1",
        "Host: api.upbit.com",
    ),
    hide(
        f"curl -H 'Authorization: Bearer {ACCESS}' https://api.upbit.com/v1/accounts",
        ACCESS,
        "curl -H 'Authorization: ",
        "https://api.upbit.com/v1/accounts",
    ),
    hide(f"curl -u svc:{PASSWORD} http://127.0.0.1:8222/varz", PASSWORD, "http://127.0.0.1:8222/varz"),
    hide(f'Digest username="svc", response="{QUERY_HASH}", uri="/v1"', QUERY_HASH, 'username="svc"'),
]
SHAPES = [
    hide(JWT, "q1w2e3r4"),
    hide(f"token {JWT[:60]}", JWT[:20], "token "),
    hide(f"jwt={JWT} exp=60", ("q1w2e3r4", JWT[:20]), "jwt=", "exp=60"),
    hide(f"/callback/{JWT}/done", "q1w2e3r4", "/callback/", "/done"),
    hide(f"found {GOOGLE} in a file", GOOGLE, "found ", " in a file"),
    hide(f"found {GOOGLE_NEW} in a file", GOOGLE_NEW, "found ", " in a file"),
    hide(f"models/gemini-2.5-flash:generateContent with {GOOGLE}", GOOGLE, "models/gemini-2.5-flash"),
    hide(f"user {NKEY} connected", NKEY, "user ", " connected"),
    hide("-----BEGIN PRIVATE KEY-----\nMIIEvQIB-ADAN_Bgk\n-----END PRIVATE KEY-----", "MIIEvQIB"),
    hide("-----BEGIN NATS USER JWT-----\nabc-def", "abc-def"),
    hide(
        '{"pem": "-----BEGIN EC PRIVATE KEY-----\\nMHcCAQEEIB\\n-----END EC PRIVATE KEY-----"}',
        "MHcCAQ",
        '"pem"',
    ),
    hide(f"('{GOOGLE_NEW}',)", GOOGLE_NEW, "('", "',)"),
    hide(f"{GOOGLE_NEW}\n", GOOGLE_NEW),
]
URLS = [
    hide(f"postgresql://svc:{PASSWORD}@db:5432/bongsu", PASSWORD, "postgresql://svc:", "@db:5432/bongsu"),
    hide(f"postgresql://svc:p@{PASSWORD}:w/rd#1@db:5432/bongsu", (PASSWORD, "w/rd#1"), "@db:5432/bongsu"),
    hide(f"postgresql://svc:{KOREAN}@db/bongsu", KOREAN, "postgresql://svc:", "@db/bongsu"),
    hide(f"postgresql+asyncpg://svc:{PASSWORD}@127.0.0.1/b?a=b", PASSWORD, "@127.0.0.1/b?a=b"),
    hide(f"postgresql://svc:{PASSWORD}@[::1]:5432/bongsu", PASSWORD, "@[::1]:5432/bongsu"),
    hide(f"postgresql://db/bongsu?user=svc&password={PASSWORD}", PASSWORD, "postgresql://db/bongsu?user=svc"),
    hide(
        f"nats://a:{PASSWORD}@n1:4222,nats://b:{PASSWORD}@n2:4222", PASSWORD, "@n1:4222,nats://b:", "@n2:4222"
    ),
    hide(f"nats://{PASSWORD}@nats:4222", PASSWORD, "nats://", "@nats:4222"),
    hide(f"host=db user=svc password={PASSWORD} dbname=bongsu", PASSWORD, "user=svc", "dbname=bongsu"),
    hide(f"host=db password='{PASSWORD} 2' dbname=bongsu", PASSWORD, "host=db", "dbname=bongsu"),
    hide(
        f'HTTP Request: GET https://h/v1beta/models?key={ACCESS}&alt=sse "HTTP/1.1 200 OK"',
        ACCESS,
        "https://h/v1beta/models?key=",
        '&alt=sse "HTTP/1.1 200 OK"',
    ),
    hide(f"https://h/?alt=sse&api_key={ACCESS}", ACCESS, "https://h/?alt=sse&api_key="),
    hide(f"https://h/?access_token={ACCESS}#top", ACCESS, "https://h/?access_token="),
    hide(
        f"url=https%3A%2F%2Fh%2F%3Fkey%3D{ACCESS}%26a%3D1",
        ACCESS,
        "url=https%3A%2F%2Fh%2F%3Fkey%3D",
        "%26a%3D1",
    ),
    hide(
        f"https://svc:{PASSWORD}@registry.example/simple/",
        PASSWORD,
        "https://svc:",
        "@registry.example/simple/",
    ),
    hide(f"postgresql%3A%2F%2Fsvc%3A{PASSWORD}%40db%2Fbongsu", PASSWORD, "postgresql%3A%2F%2Fsvc%3A"),
    hide(f"URL('https://h/v1?market=KRW-BTC&key={ACCESS}')", ACCESS, "market=KRW-BTC", "')"),
    hide(f"redis://:{PASSWORD}@cache:6379/0", PASSWORD, "redis://", "@cache:6379/0"),
    hide(f"{{'url': 'postgresql://svc:{PASSWORD}@db/bongsu'}}", PASSWORD, "@db/bongsu'}"),
    hide(
        f"Client error '403 Forbidden' for url 'https://h/v1beta/models?key={GOOGLE}'",
        GOOGLE,
        "Client error '403 Forbidden' for url 'https://h/v1beta/models?key=",
    ),
]
BALANCES = [
    hide(f'"balance": {KRW}.5', KRW, '"balance": '),
    hide(f'"balance":-{KRW}', KRW, '"balance":'),
    hide('"balance": 4.8735012e7', "8735012", '"balance": '),
    hide(f'"balance": "{KRW}"', KRW, '"balance": "'),
    hide('"balance": 48735012345678901234', "48735012", '"balance": '),
    hide("balance=48,735,012.89", ("735", "012"), "balance="),
    hide("balance=48_735_012", "735", "balance="),
    hide("balance: ₩48,735,012", "735", "balance: "),
    hide("balance = 48,735,012원", "735", "balance = "),
    hide(f"balance: {KRW} KRW free", KRW, "balance: ", "free"),
    hide(f"balance=Decimal('{KRW}')", KRW, "balance="),
    hide("balance is low: balance 48,735,012", "735", "balance is low: balance "),
    hide(f"balance: [{KRW}, 765432]", (KRW, "765432"), "balance: "),
    hide(f"'locked': {{'total': {KRW}}}", KRW, "'locked': "),
    hide(f"avg_buy_price={KRW}", KRW, "avg_buy_price="),
    hide(f"avgBuyPrice: {KRW}", KRW, "avgBuyPrice: "),
    hide(f"krw={KRW}", KRW, "krw="),
    hide("KRW: 48,735,012", "735", "KRW: "),
    hide(f"'KRW': Decimal('{KRW}.8')", KRW, "'KRW': "),
    hide(f'{{"btc": "{BTC}"}}', BTC, '{"btc": "'),
    hide(f"btc={BTC} market=KRW-BTC", BTC, "btc=", " market=KRW-BTC"),
    hide(f"total_krw={KRW}", KRW, "total_krw="),
    hide(f"total_btc: {BTC}", BTC, "total_btc: "),
    hide(f"krw_balance={KRW}", KRW, "krw_balance="),
    hide(f"btcBalance={BTC}", BTC, "btcBalance="),
    hide(f"total_balance_krw={KRW}", KRW, "total_balance_krw="),
    hide("잔고: 48,735,012원", "735", "잔고: "),
    hide("잔고는 48,735,012원", "735", "잔고는 ", "원"),
    hide("잔액이 48,735,012원 남았습니다", "735", "잔액이 ", "남았습니다"),
    hide("현재 잔고 48,735,012원", "735", "현재 잔고 "),
    hide(f'"보유수량": "{BTC}"', BTC, '"보유수량": "'),
    hide(f"평가금액={KRW}", KRW, "평가금액="),
    hide(f"총 잔고 = {KRW}", KRW, "총 잔고 = "),
    hide(f"매수평균가: {KRW}", KRW, "매수평균가: "),
    hide(f'log: "\\uc794\\uace0": {KRW}', KRW, '"\\uc794\\uace0": '),
    hide(f"(balance) {KRW}", KRW, "(balance) "),
    hide(f"balance={KRW} locked=765432 avg_buy_price=95123000", (KRW, "765432", "95123000"), "locked="),
]
ACCOUNT = f'{{"currency": "KRW", "balance": "{KRW}.7", "locked": "765432.0", "avg_buy_price": "95123000"}}'
ACCOUNTS = [
    hide(f"[{ACCOUNT}]", (KRW, "765432", "95123000"), '"currency": "KRW"'),
    hide(f"200 OK: [{ACCOUNT}, {ACCOUNT}]", (KRW, "765432", "95123000"), "200 OK: [", '"currency": "KRW"'),
    hide(f"[{ACCOUNT}"[:-12], (KRW, "765432"), '"currency": "KRW"'),
    hide(json.dumps({"body": ACCOUNT}), (KRW, "765432", "95123000"), '"body"', "KRW"),
    hide(repr(json.loads(f"[{ACCOUNT}]")), (KRW, "765432", "95123000"), "'currency': 'KRW'"),
    hide(
        f"Account(currency='KRW', balance=Decimal('{KRW}.7'), locked=Decimal('765432'), unit_currency='KRW')",
        (KRW, "765432"),
        "Account(currency='KRW', balance=",
        "unit_currency='KRW')",
    ),
    hide(f"currency='KRW' balance='{KRW}' locked='765432'", (KRW, "765432"), "currency='KRW' balance='"),
    hide(f"currency,balance,locked balance={KRW}", KRW, "currency,balance,locked balance="),
    hide(
        f"잔고 조회: {{'currency': 'BTC', 'balance': '{BTC}', 'avg_buy_price': '{KRW}'}}",
        (BTC, KRW),
        "잔고 조회: ",
        "'currency': 'BTC'",
    ),
    hide(f'{{"accounts": [{{"currency": "KRW", "balance": "{KRW}", "locked": "0.0"}}]}}', KRW, '"KRW"'),
    hide(f'{{"accounts": [{{"balance": "{KRW}', KRW, '{"accounts": [{"balance": "'),
    hide(json.dumps({"total_krw": 48735012, "market": "KRW-BTC"}), KRW, '"market": "KRW-BTC"'),
]
NESTED = [
    hide(f'{{"access_key": "{ACCESS}"}}', ACCESS, '{"access_key": "'),
    hide(f"{{'access_key': '{ACCESS}', 'n': 1}}", ACCESS, "{'access_key': '", "'n': 1}"),
    hide(f'{{\n  "secret_key":\n    "{SECRET}"\n}}', SECRET, '"secret_key":'),
    hide(json.dumps({"a": json.dumps({"balance": KRW})}), KRW, "balance"),
    hide(json.dumps({"a": json.dumps({"b": json.dumps({"access_key": ACCESS})})}), ACCESS, "access_key"),
    hide(f"answer: {json.dumps(json.dumps({'access_key': ACCESS}))}", ACCESS, "answer: ", "access_key"),
    hide(f"answer: {json.dumps(json.dumps(json.dumps({'krw': 48735012})))}", KRW, "answer: "),
    hide(f'{{"password": "{PASSWORD}", "password": null}}', PASSWORD, '"password": null}'),
    hide(json.dumps({"token": [ACCESS, {"x": SECRET}], "n": 1}), (ACCESS, SECRET), '"n": 1'),
    hide(f'body=b\'{{"secret_key": "{SECRET}"}}\' status=200', SECRET, "body=b'", "status=200"),
    hide(f'payload: {{"auth": {{"token": "{PASSWORD}", "exp": 60}}}}', PASSWORD, '"exp": 60'),
    hide(
        f"OrderedDict([('access_key', '{ACCESS}'), ('n', 1)])",
        ACCESS,
        "OrderedDict([('access_key', ",
        "('n', 1)",
    ),
    hide(f"{{'user': 'svc', 'password': ['{PASSWORD}']}}", PASSWORD, "{'user': 'svc', 'password': "),
    hide(f"- api_key: {GOOGLE_NEW}\n  model: gemini", GOOGLE_NEW, "- api_key: ", "model: gemini"),
    hide(f'access_key = "{ACCESS}"\nmarket = "KRW-BTC"', ACCESS, 'access_key = "', 'market = "KRW-BTC"'),
    hide(
        f"{{'note': 'access_key={ACCESS}', 'secret_key': '{SECRET}'}}",
        (ACCESS, SECRET),
        "'note': 'access_key=",
    ),
    hide(f'{{"name": "UPBIT_ACCESS_KEY", "value": "{ACCESS}"}}', ACCESS, '"UPBIT_ACCESS_KEY"'),
    hide(f'[{{"key": "Authorization", "value": "{PASSWORD}"}}]', PASSWORD, '"Authorization"'),
    hide(f"{{'name': 'password', 'value': '{PASSWORD}'}}", PASSWORD, "'name': 'password'"),
]
OBJECTS = [
    hide(f"SecretStr: api_key=SecretStr('{GOOGLE_NEW}')", GOOGLE_NEW, "api_key="),
    hide(
        f"Credentials(access_key='{ACCESS}', secret_key='{SECRET}')",
        (ACCESS, SECRET),
        "Credentials(access_key=",
    ),
    hide(
        f"<Client base_url='https://h' api_key='{GOOGLE}' timeout=30>",
        GOOGLE,
        "base_url='https://h'",
        "timeout=30>",
    ),
    hide(
        f"Settings(database_url=Url('postgresql://svc:{PASSWORD}@db/b'), replicas=1)", PASSWORD, "replicas=1)"
    ),
    hide(f"namespace(token={PASSWORD!r}, n=1)", PASSWORD, "namespace(token=", "n=1)"),
    hide(f"environ({{'UPBIT_SECRET_KEY': '{SECRET}', 'LANG': 'C.UTF-8'}})", SECRET, "'LANG': 'C.UTF-8'"),
    hide(
        f"PATH=/usr/bin\nUPBIT_ACCESS_KEY={ACCESS}\nUPBIT_SECRET_KEY={SECRET}\nLANG=C",
        (ACCESS, SECRET),
        "PATH=/usr/bin\nUPBIT_ACCESS_KEY=",
        "\nLANG=C",
    ),
    hide(f"env: GEMINI_API_KEY={GOOGLE_NEW} HEALTH_PORT=8080", GOOGLE_NEW, "HEALTH_PORT=8080"),
    hide(
        f"DATABASE_URL=postgresql://svc:{PASSWORD}@db/bongsu REPLICAS=1",
        PASSWORD,
        "DATABASE_URL=",
        "REPLICAS=1",
    ),
    hide(f"argv: ['psql', '--password={PASSWORD}', '-c', 'SELECT 1']", PASSWORD, "'-c', 'SELECT 1']"),
    hide(f"argv: ['bongsu', '--api-key', '{PASSWORD}', '--json']", PASSWORD, "'--json']"),
    hide(f"bongsu --token {PASSWORD} --json", PASSWORD, "bongsu --token ", " --json"),
    hide(f"Command '['curl', '-H', 'x-api-key: {PASSWORD}']' returned 22", PASSWORD, "returned 22"),
    hide(f"functools.partial(<function f>, api_key='{PASSWORD}')", PASSWORD, "functools.partial("),
    hide(
        f"GenerateContentConfig(http_options={{'headers': {{'x-goog-api-key': '{GOOGLE}'}}}})",
        GOOGLE,
        "http_options=",
    ),
    hide(f"Request(method='GET', headers=[('Cookie', 's={ACCESS}')], url='/v1')", ACCESS, "url='/v1')"),
]
ERRORS = [
    hide(f"Key (access_key)=({ACCESS}) already exists.", ACCESS, "Key (access_key)=", "already exists."),
    hide(f"Key (symbol, token)=(KRW-BTC, {PASSWORD}) already exists.", PASSWORD, "Key (symbol, token)="),
    hide(
        f"DETAIL:  Failing row contains (7, svc, {PASSWORD}, null).", PASSWORD, "Failing row contains (", ")."
    ),
    hide(f"Failing row contains (KRW, {KRW}, 2026-01-13 09:00:00+00).", KRW, "Failing row contains ("),
    hide(f"Failing row contains (1, (a, b), {PASSWORD}).\\nSTATEMENT: x", PASSWORD, "STATEMENT: x"),
    hide(f"Failing row contains (1, {PASSWORD} (cut", PASSWORD, "Failing row contains ("),
    hide(
        f'asyncpg.exceptions.NotNullViolationError: null value in column "price"\nDETAIL:  '
        f"Failing row contains (1, {KRW}, null).",
        KRW,
        'NotNullViolationError: null value in column "price"',
    ),
    hide(f"input_value={{'access_key': '{ACCESS}'}}, input_type=dict", ACCESS, "input_type=dict"),
    hide(
        f"1 validation error for Settings\nUPBIT_SECRET_KEY\n  String should have at most 8 characters"
        f" [type=string_too_long, input_value='{SECRET}', input_type=str]",
        SECRET,
        "1 validation error for Settings",
        "[type=string_too_long, input_value=",
        "input_type=str]",
    ),
    hide(
        f"ValidationError: balance\n  [type=int_type, input_value='{KRW}x', input_type=str]",
        KRW,
        "input_type=str]",
    ),
    hide(
        f'Traceback (most recent call last):\n  File "a.py", line 3, in f\nE: secret_key={SECRET}',
        SECRET,
        'File "a.py", line 3, in f',
        "E: secret_key=",
    ),
    hide(
        f"ValueError: postgresql://svc:{PASSWORD}@db/b\n\nThe above exception was the direct cause of"
        f" the following exception:\n\nRuntimeError: access_key: {ACCESS}",
        (PASSWORD, ACCESS),
        "The above exception was the direct cause",
        "RuntimeError: access_key: ",
    ),
    hide(
        f"  + Exception Group Traceback (most recent call last):\n  | ExceptionGroup: two (2 sub-exceptions)"
        f"\n    | ValueError: api_key={PASSWORD}\n    | note: token={ACCESS}",
        (PASSWORD, ACCESS),
        "ExceptionGroup: two (2 sub-exceptions)",
    ),
    hide(f"KeyError('access_key={ACCESS}')", ACCESS, "KeyError('access_key="),
    hide(f"TransientError('503 for https://h/v1?key={GOOGLE}')", GOOGLE, "503 for https://h/v1?key="),
    hide(
        f"ClientError: 400 INVALID_ARGUMENT. {{'e': {{'text': 'no such API key: {GOOGLE}', 'code': 400}}}}",
        GOOGLE,
        "400 INVALID_ARGUMENT.",
        "'code': 400",
    ),
    hide(
        f'{{"error": {{"name": "invalid_access_key", "message": "wrong access_key {ACCESS}"}}}}',
        ACCESS,
        "invalid_access_key",
    ),
    hide(f"[parameters: {{'api_key': '{PASSWORD}', 'id': 7}}]", PASSWORD, "'id': 7}]"),
    hide(
        f"ALTER ROLE bongsu_collector PASSWORD '{PASSWORD}'",
        PASSWORD,
        "ALTER ROLE bongsu_collector PASSWORD '",
    ),
    hide(
        f"CREATE ROLE svc LOGIN ENCRYPTED PASSWORD '{PASSWORD}' CONNECTION LIMIT 8",
        PASSWORD,
        "CONNECTION LIMIT 8",
    ),
    hide(
        f"UPDATE t SET password = '{PASSWORD}' WHERE id = 7",
        PASSWORD,
        "UPDATE t SET password = '",
        "WHERE id = 7",
    ),
    hide(
        f"Unauthorized: Authorization header was Bearer {SECRET}", SECRET, "Authorization header was Bearer "
    ),
]
LOGS = [
    hide(
        f"2026-01-13 09:00:00,123 INFO httpx HTTP Request: GET https://h/v1/accounts?access_key={ACCESS}",
        ACCESS,
        "2026-01-13 09:00:00,123 INFO httpx HTTP Request: GET https://h/v1/accounts?access_key=",
    ),
    hide(
        json.dumps(
            {"timestamp": "2026-01-13T09:00:00Z", "level": "info", "event": f"key is {GOOGLE}", "n": 1}
        ),
        GOOGLE,
        '"timestamp": "2026-01-13T09:00:00Z"',
        '"n": 1',
    ),
    hide(
        json.dumps(
            {"event": "config.changed", "headers": {"Authorization": f"Bearer {JWT}"}, "market": "KRW-BTC"}
        ),
        "q1w2e3r4",
        '"event": "config.changed"',
        '"market": "KRW-BTC"',
    ),
    hide(
        json.dumps({"event": "x", "exception": f"ValueError: api_key={PASSWORD}\n  at y"}), PASSWORD, "at y"
    ),
    hide(
        f'time=09:00:00 level=warn msg="auth failed" user=svc pass="{PASSWORD}"',
        PASSWORD,
        'msg="auth failed"',
    ),
    hide(
        f"[INF] 127.0.0.1:4222 - cid:7 - user: a, password: {PASSWORD}",
        PASSWORD,
        "[INF] 127.0.0.1:4222 - cid:7",
    ),
    hide(
        f'127.0.0.1 - - "GET /health?token={ACCESS} HTTP/1.1" 200',
        ACCESS,
        '"GET /health?token=',
        'HTTP/1.1" 200',
    ),
    hide(f"connecting with dsn=postgresql://svc:{PASSWORD}@db/bongsu pool=4..8", PASSWORD, "pool=4..8"),
    hide(f"price=95123000 access_key={ACCESS} market=KRW-BTC", ACCESS, "price=95123000", "market=KRW-BTC"),
    hide(f"DEBUG:upbit: {{'Authorization': 'Bearer {JWT}'}} -> 401", "q1w2e3r4", "DEBUG:upbit: ", "-> 401"),
    hide(f"retry.exhausted error='401 for Bearer {ACCESS}' attempts=4", ACCESS, "attempts=4"),
    hide(f"nats: authorization violation for auth_token:{PASSWORD}", PASSWORD, "authorization violation"),
    hide(f'CONNECT {{"user":"a","pass":"{PASSWORD}","lang":"python3"}}', PASSWORD, '"lang":"python3"'),
    hide(
        f'CONNECT {{"jwt":"{JWT}","sig":"{SECRET}","verbose":false}}', (SECRET, "q1w2e3r4"), '"verbose":false'
    ),
]
MUST_MASK = [
    *ASSIGNMENTS, *PROSE, *HEADERS, *SHAPES, *URLS, *BALANCES, *ACCOUNTS, *NESTED, *OBJECTS, *ERRORS, *LOGS,
]  # fmt: skip
