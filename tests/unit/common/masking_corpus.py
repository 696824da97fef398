"""Lines with a secret, and lines that only look like one. Every value is made up."""

from __future__ import annotations

import json

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

# (line, what must not be in it afterwards); what stays readable is in the tests.
KEYS = [
    (f"access_key={ACCESS}", ACCESS),
    (f"access_key: {ACCESS} is wrong", ACCESS),
    (f"accessKey={ACCESS}, secretKey={SECRET}", SECRET),
    (f"userAccessKey={ACCESS}", ACCESS),
    (f"access-key={ACCESS}", ACCESS),
    (f"Access Key: {ACCESS}", ACCESS),
    (f"export UPBIT_SECRET_KEY='{SECRET}'", SECRET),
    (f"PGPASSWORD={PASSWORD} psql", PASSWORD),
    (f"--password={PASSWORD}", PASSWORD),
    (f'{{"access_key": "{ACCESS}"}}', ACCESS),
    (f"{{'access_key': '{ACCESS}', 'n': 1}}", ACCESS),
    (f"refreshToken={SECRET}", SECRET),
    (f"client_secret={SECRET}", SECRET),
    (f'password="it\'s {PASSWORD}"', PASSWORD),
    (f'"password": "a\\"b{PASSWORD}"', PASSWORD),
    (f'{{\n  "secret_key":\n    "{SECRET}"\n}}', SECRET),
    (f"body was 'a=1\\naccess_key={ACCESS}'", ACCESS),
    (f"access_key%3D{ACCESS}", ACCESS),
    (f"Key (access_key)=({ACCESS}) already exists.", ACCESS),
    (f"input_value={{'access_key': '{ACCESS}'}}, input_type=dict", ACCESS),
    ("query_hash=7d8b3a0a51ef4df8b6fb7a4b1b1a2cfd", "7d8b3a0a"),
    ("nonce: 6f5570df-d8bc-4daf-85b4-976733feb624", "6f5570df"),
    (f"SecretStr: api_key=SecretStr('{GOOGLE_NEW}')", GOOGLE_NEW),
]
HEADERS = [
    (f"Authorization: Bearer {ACCESS}", ACCESS),
    ("authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
    (f"sent Bearer {ACCESS} to upbit", ACCESS),
    (f"[('Authorization', 'Bearer {ACCESS}'), ('Host', 'h')]", ACCESS),
    (f"(b'x-goog-api-key', b'{ACCESS}')", ACCESS),
    (f"Cookie: session={ACCESS}; other={SECRET}", SECRET),
    (f"Set-Cookie: sid={ACCESS}; Path=/", ACCESS),
    (f"x-goog-api-key: {GOOGLE_NEW}", GOOGLE_NEW),
]
SHAPES = [
    (JWT, "q1w2e3r4"),
    (f"token {JWT[:60]}", JWT[:20]),
    (f"found {GOOGLE} in a file", GOOGLE),
    (f"found {GOOGLE_NEW} in a file", GOOGLE_NEW),
    (f"user {NKEY} connected", NKEY),
    ("-----BEGIN PRIVATE KEY-----\nMIIEvQIB-ADAN_Bgk\n-----END PRIVATE KEY-----", "MIIEvQIB"),
    ("-----BEGIN NATS USER JWT-----\nabc-def", "abc-def"),
]
URLS = [
    (f"postgresql://svc:{PASSWORD}@db:5432/bongsu", PASSWORD),
    (f"postgresql://svc:p@{PASSWORD}:w/rd#1@db:5432/bongsu", PASSWORD),
    ("postgresql://svc:비밀번호@db/bongsu", "비밀번호"),
    (f"nats://a:{PASSWORD}@n1:4222,nats://b:{PASSWORD}@n2:4222", PASSWORD),
    (f"nats://{PASSWORD}@nats:4222", PASSWORD),
    (f"host=db user=svc password={PASSWORD} dbname=bongsu", PASSWORD),
    (f"host=db password='{PASSWORD} 2' dbname=bongsu", PASSWORD),
    (f'HTTP Request: GET https://h/v1beta/models?key={ACCESS}&alt=sse "HTTP/1.1 200 OK"', ACCESS),
    (f"https://h/?alt=sse&api_key={ACCESS}", ACCESS),
    (f"url=https%3A%2F%2Fh%2F%3Fkey%3D{ACCESS}%26a%3D1", ACCESS),
]
BALANCES = [
    ('"balance": 48735012.5', "48735012"),
    ('"balance":-48735012', "48735012"),
    ('"balance": 4.8735012e7', "8735012"),
    ('"balance": "48735012"', "48735012"),
    ("balance=48,735,012.89", "735"),
    ("balance=48_735_012", "735"),
    ("balance: ₩48,735,012", "735"),
    ("balance = 48,735,012원", "735"),
    ("balance=Decimal('48735012')", "48735012"),
    ("balance is low: balance 48,735,012", "735"),
    ("balance: [48735012, 765432]", "765432"),
    ("'locked': {'total': 48735012}", "48735012"),
    ("avg_buy_price=95123000", "95123000"),
    ("avgBuyPrice: 95123000", "95123000"),
    ("krw=48735012", "48735012"),
    ("KRW: 48,735,012", "735"),
    ("'KRW': Decimal('48735012.8')", "48735012"),
    ('{"btc": "0.51234567"}', "51234567"),
    ("total_krw=48735012", "48735012"),
    ("잔고: 48,735,012원", "735"),
    ("잔고는 48,735,012원", "735"),
    ('"보유수량": "0.51234567"', "51234567"),
    ("평가금액=48735012", "48735012"),
    ('log: "\\uc794\\uace0": 48735012', "48735012"),
]
NESTED = [
    ('{"accounts": [{"currency": "KRW", "balance": "48735012", "locked": "0.0"}]}', "48735012"),
    (json.dumps({"a": json.dumps({"balance": "48735012"})}), "48735012"),
    (json.dumps({"a": json.dumps({"b": json.dumps({"access_key": ACCESS})})}), ACCESS),
    (f"answer: {json.dumps(json.dumps({'access_key': ACCESS}))}", ACCESS),
    (f"answer: {json.dumps(json.dumps(json.dumps({'krw': 48735012})))}", "48735012"),
    ('{"accounts": [{"balance": "48735012', "48735012"),
    ('{"password": "hunter2pass", "password": null}', PASSWORD),
]
MUST_MASK = [*KEYS, *HEADERS, *SHAPES, *URLS, *BALANCES, *NESTED]

MUST_STAY = [
    "market=KRW-BTC",
    "KRW-BTC: 95123000",
    "trade_price=95123000",
    '{"trade_price": 95123000.0, "market": "KRW-BTC"}',
    "volume=0.51234567",
    "시세 95,123,000원",
    "price 95,123,000 KRW",
    "BTC price: 95123000",
    "BTC/KRW: 95123000",
    "1 BTC = 95123000 KRW",
    "BTC: no trades",
    "잔고 조회 시작",
    "candle:KRW-BTC:2026-01-13T09:00:00Z",
    "market.candle.closed.KRW-BTC",
    "order uuid 9ca023a5-851b-4fec-9f0a-48cd83c2eaae",
    '{"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"}',
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "commit 68df804028d890ccebdc95cbac16b4a8b0f7ca7e",
    "prompt_token_count=812",
    '{"promptTokenCount": 812, "total_tokens": 900}',
    "MAX_TOKENS",
    "tokenizer=sentencepiece",
    "token_bucket=3",
    "keyboard: us",
    "monkey=1",
    "rebalance: done",
    "load_balancer=up",
    "unlocked: 3",
    "locked_at=2026-01-13T09:00:00Z",
    "the row is locked",
    "idempotency_key=order-17",
    '{"key": "markets", "revision": 4}',
    "config key markets changed",
    "Bearer auth required",
    "bearer authentication failed",
    "secret rotation finished",
    "secret_rotation: finished",
    "UPBIT_SECRET_KEY: is missing; set it in the environment",
    "UPBIT_SECRET_KEY_FILE: the file cannot be read",
    '"token": null',
    'password authentication failed for user "bongsu_collector"',
    "status: pass",
    "postgres://svc@db",
    "postgresql://bongsu_collector@db:5432/bongsu",
    "http://127.0.0.1:8080/users/me@example.com",
    "https://api.upbit.com/v1/candles/minutes/1?market=KRW-BTC&count=200",
    "AQ. and AIza and eyJ are how keys begin",
    "BUY at 95,123,000 (confidence 0.71)",
]
