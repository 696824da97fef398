"""Posts to a receiver that is slow, refuses, redirects, or is not there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from bongsu.servers import ports
from common.errors import PermanentError, TransientError
from common.masking import mask_sensitive
from health.notifications import webhook as webhook_module
from health.notifications.webhook import UnansweredError, Webhook
from servers.webhook import WebhookReceiver, webhook_receiver


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    """A receiver that takes everything."""
    async with webhook_receiver() as serving:
        yield serving


@pytest.fixture
async def webhook(receiver: WebhookReceiver) -> AsyncIterator[Webhook]:
    """The adapter, pointed at it."""
    built = Webhook(SecretStr(receiver.url))
    yield built
    await built.close()


async def test_a_text_arrives_as_slack_takes_it(webhook: Webhook, receiver: WebhookReceiver) -> None:
    await webhook.post("Bongsu is healthy\n- 봉수")
    assert receiver.posts == [{"text": "Bongsu is healthy\n- 봉수"}]


async def test_a_chat_id_in_the_address_is_posted_too_as_telegram_wants_it(
    receiver: WebhookReceiver,
) -> None:
    webhook = Webhook(SecretStr(f"{receiver.url}?chat_id=-1001234567890"))
    await webhook.post("hello")
    await webhook.close()
    assert receiver.posts == [{"text": "hello", "chat_id": "-1001234567890"}]
    assert receiver.queries == ["chat_id=-1001234567890"]


async def test_what_was_surely_not_taken_is_posted_again(webhook: Webhook, receiver: WebhookReceiver) -> None:
    receiver.statuses = [503, 429]
    receiver.headers = {"Retry-After": "0"}
    await webhook.post("once")
    assert (receiver.texts, receiver.refused) == (["once"], 2)


async def test_a_receiver_that_stays_broken_is_given_up_after_three_retries(
    webhook: Webhook, receiver: WebhookReceiver
) -> None:
    receiver.statuses = [500] * 9
    receiver.headers = {"Retry-After": "0"}
    with pytest.raises(TransientError, match="NOTIFY_URL answers 500"):
        await webhook.post("never")
    assert receiver.refused == 4


async def test_a_refusal_and_a_redirect_are_final_and_no_other_address_gets_the_text(
    webhook: Webhook, receiver: WebhookReceiver
) -> None:
    receiver.statuses = [404, 302, 307]
    with pytest.raises(PermanentError, match="refuses with 404"):
        await webhook.post("a")
    for status in (302, 307):
        with pytest.raises(PermanentError, match=f"answers {status}, a redirect"):
            await webhook.post("b")
    assert (receiver.refused, receiver.redirected) == (3, 0)


async def test_a_post_that_is_not_answered_is_not_repeated_at_once_because_it_may_have_been_taken(
    webhook: Webhook, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_module, "ANSWER_SECONDS", 0.2)
    receiver.silent = True
    with pytest.raises(UnansweredError, match="did not answer within"):
        await webhook.post("perhaps")
    assert receiver.texts == ["perhaps"]


async def test_an_address_that_cannot_be_reached_is_not_named_in_the_error() -> None:
    port = ports.free_port()
    token = "123456789:AAFakeTokenOfATelegramBot-0000000"
    webhook = Webhook(SecretStr(f"http://127.0.0.1:{port}/bot{token}/sendMessage?chat_id=9876543210"))
    with pytest.raises(TransientError, match="cannot be reached: ConnectError") as raised:
        await webhook.post("never")
    await webhook.close()
    assert token not in str(raised.value)
    # From now on it is masked wherever it turns up.
    assert mask_sensitive(f"at {token} and sendMessage") == "at *** and sendMessage"
