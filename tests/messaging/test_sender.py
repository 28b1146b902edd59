"""The message sender and the reply stream over the in-memory transport: no browser, no network."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from chatgpt_browser import (
    AbortController,
    AbortError,
    AccessTokenRejectedError,
    APIStatusError,
    BrowserCrashedError,
    ChallengeError,
    ChatGPTError,
    ChatGPTTimeoutError,
    ClientClosedError,
    MalformedEventError,
    RateLimitError,
    StreamInterruptedError,
    UnusualActivityError,
)
from chatgpt_browser._messaging import handoff, reply_stream
from chatgpt_browser._transport.base import DeliveryState
from tests.support.memory_site import DONE, MemorySite, body, events, head, reply
from tests.support.scripted_site import event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chatgpt_browser._messaging.reply_stream import AsyncReplyStream
    from chatgpt_browser._transport.base import OutgoingMessage
    from chatgpt_browser._transport.response_stream import Frame

pytestmark = pytest.mark.anyio

HANDOFF = {"type": "stream_handoff", "conversation_id": "c"}
CHALLENGE = body(403, "Just a moment...", "text/html", cf_mitigated="challenge")
EXPIRED = body(401, '{"detail": {"code": "token_expired", "message": "expired"}}')
UNUSUAL = body(403, '{"detail": "Unusual activity has been detected from your device."}')


def site_with(*responses: list[Frame], **options: Any) -> MemorySite:
    """Return a site that answers the messages with these responses, one after another."""
    left = [*responses]
    return MemorySite(lambda message: left.pop(0), **options)


async def text_of(stream: AsyncReplyStream) -> str:
    return "".join([piece async for piece in stream])


def tree(*messages: dict[str, Any]) -> dict[str, Any]:
    """Return a conversation whose messages follow each other."""
    ids = [message["id"] for message in messages]
    nodes = {
        message["id"]: {"id": message["id"], "message": message, "parent": parent}
        for message, parent in zip(messages, [None, *ids], strict=False)
    }
    return {"mapping": nodes, "current_node": ids[-1]}


def message_of(role: str, text: str, id_: str) -> dict[str, Any]:
    return {"id": id_, "author": {"role": role}, "content": {"content_type": "text", "parts": [text]}}


# ---- replies and errors ----------------------------------------------------------------------------------------------


async def test_sender_complete_reply_releases_the_permit() -> None:
    site = site_with(reply("Hello"))
    assert await text_of(site.stream("Hi")) == "Hello"

    (message,) = site.messages
    assert (message.prompt.text, message.session.access_token) == ("Hi", "access-token-number-0")
    assert (message.delivery.state, message.delivery.message_id) == (DeliveryState.SENT, message.message_id)
    assert site.sender.permits.in_use == 0
    assert site.transport.streams[0].is_over
    assert site.transport.aborted == 0


@pytest.mark.parametrize("send_via", ["fetch", "page"])
async def test_sender_cancelled_scope_before_the_head_raises_the_error_of_that_scope(send_via: str) -> None:
    site = site_with([], send_via=send_via)
    scope = anyio.CancelScope()

    async def read() -> None:
        with scope:
            await text_of(site.stream())

    async with anyio.create_task_group() as group:
        group.start_soon(read)
        await site.sent.wait()
        await anyio.wait_all_tasks_blocked()
        scope.cancel()

    assert scope.cancelled_caught


async def test_sender_refusal_is_not_sent_again() -> None:
    site = site_with(body(500, '{"detail": "try later"}'))
    with pytest.raises(APIStatusError, match="try later"):
        await text_of(site.stream())
    assert len(site.messages) == 1
    assert site.sender.permits.in_use == 0


async def test_sender_refused_token_is_renewed_and_the_same_message_sent_again() -> None:
    site = site_with(EXPIRED, reply("Hello"))
    assert await text_of(site.stream()) == "Hello"

    first, second = site.messages
    assert first.message_id == second.message_id
    assert [first.session.access_token, second.session.access_token] == site.browser.access_tokens


async def test_sender_token_refused_twice_raises() -> None:
    site = site_with(EXPIRED, EXPIRED)
    with pytest.raises(AccessTokenRejectedError):
        await text_of(site.stream())
    assert len(site.messages) == 2


async def test_sender_challenge_is_passed_and_the_message_sent_again() -> None:
    site = site_with(CHALLENGE, reply("Hello"))
    assert await text_of(site.stream()) == "Hello"
    assert (len(site.messages), site.browser.challenges_passed) == (2, 1)


async def test_sender_challenge_without_retries_raises() -> None:
    site = site_with(CHALLENGE, retries=0)
    with pytest.raises(ChallengeError):
        await text_of(site.stream())
    assert site.browser.challenges_passed == 0


async def test_sender_document_instead_of_a_stream_raises() -> None:
    site = site_with(body(200, '{"detail": "not today"}'))
    with pytest.raises(APIStatusError, match="not today"):
        await text_of(site.stream())
    assert site.sender.permits.in_use == 0


async def test_sender_error_that_repeats_tokens_hides_them() -> None:
    secrets = ["access-token-number-0", "session-token-of-a-test"]
    site = site_with(body(500, json.dumps({"detail": " and ".join(secrets)})))
    with pytest.raises(APIStatusError) as caught:
        await text_of(site.stream())
    shown = f"{caught.value} {caught.value.detail} {caught.value.body}"
    assert [secret for secret in secrets if secret in shown] == []


@pytest.mark.parametrize(
    ("name", "kind"), [("NetworkError", StreamInterruptedError), ("EncodingError", MalformedEventError)]
)
async def test_reply_stream_broken_body_raises_with_the_text_so_far(name: str, kind: type[Exception]) -> None:
    site = site_with([head(), events(event("half")), ["error", "body", name, "reset"]])
    stream = site.stream()
    with pytest.raises(kind, match="broke off: reset") as caught:
        await text_of(stream)
    assert getattr(caught.value, "partial_text", None) == stream.text == "half"
    assert len(site.messages) == 1
    assert site.sender.permits.in_use == 0


async def test_reply_stream_connection_broken_before_the_head_raises() -> None:
    site = site_with([["error", "head", "NetworkError", "reset"]])
    with pytest.raises(StreamInterruptedError, match="before the site responded"):
        await text_of(site.stream())
    assert len(site.messages) == 1


async def test_reply_stream_complete_reply_does_not_wait_for_the_end_of_the_body(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reply_stream, "_END_TIMEOUT", 0.01)
    complete = {"type": "message_stream_complete", "conversation_id": "c"}
    site = site_with([head(), events(event("Four.", status="finished_successfully"), complete)])
    assert await text_of(site.stream()) == "Four."
    assert site.transport.aborted == 1


# ---- early ends ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frames", [[], [head()], [head(), events(event("half"))]], ids=len)
async def test_reply_stream_deadline_passed_aborts_the_request(frames: list[Frame]) -> None:
    site = site_with(frames)
    with pytest.raises(ChatGPTTimeoutError):
        await text_of(site.stream(timeout=0.5))
    assert site.transport.aborted == 1
    assert site.sender.permits.in_use == 0


async def test_sender_no_head_in_time_aborts_the_request() -> None:
    site = site_with([], first_byte_timeout=20)
    with pytest.raises(ChatGPTTimeoutError, match="no first byte"):
        await text_of(site.stream())
    assert site.transport.aborted == 1


async def test_reply_stream_idle_response_aborts_the_request() -> None:
    site = site_with([head(), events(event("half"))], idle_timeout=20)
    with pytest.raises(ChatGPTTimeoutError, match="nothing came for") as caught:
        await text_of(site.stream())
    assert caught.value.partial_text == "half"
    assert site.transport.aborted == 1


@pytest.mark.parametrize("frames", [[], [head(), events(event("half"))]], ids=["head", "body"])
async def test_reply_stream_aborted_signal_ends_the_request(frames: list[Frame]) -> None:
    site, controller = site_with(frames, reply("Next")), AbortController()
    reading = asyncio.ensure_future(text_of(site.stream(signal=controller.signal)))
    await site.sent.wait()
    controller.abort("enough")
    with pytest.raises(AbortError, match="enough"):
        await reading
    assert site.transport.aborted == 1
    assert await text_of(site.stream()) == "Next"


@pytest.mark.parametrize("frames", [[], [head(), events(event("half"))]], ids=["head", "body"])
async def test_reply_stream_cancelled_task_ends_the_request(frames: list[Frame]) -> None:
    site = site_with(frames, reply("Next"))
    reading = asyncio.ensure_future(text_of(site.stream()))
    await site.sent.wait()
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert site.transport.aborted == 1
    assert await text_of(site.stream()) == "Next"


async def test_reply_stream_abandoned_by_its_reader_ends_the_request() -> None:
    site = site_with([head(), events(event("half"))], reply("Next"))
    stream = site.stream()
    assert await anext(stream) == "half"
    del stream
    gc.collect()
    assert await text_of(site.stream()) == "Next"
    assert site.transport.aborted == 1


async def test_sender_closed_raises() -> None:
    site = site_with()
    await site.sender.close()
    with pytest.raises(ClientClosedError):
        await text_of(site.stream())
    assert site.messages == []


# ---- the queue -------------------------------------------------------------------------------------------------------


async def test_sender_many_messages_are_sent_one_at_a_time_in_order() -> None:
    in_use: list[int] = []

    def handle(message: OutgoingMessage) -> Iterable[Frame]:
        in_use.append(site.sender.permits.in_use)
        assert all(stream.is_over for stream in site.transport.streams[:-1])
        return reply(message.prompt.text)

    site = MemorySite(handle)
    texts = [f"message {number}" for number in range(8)]
    assert await asyncio.gather(*(text_of(site.stream(text)) for text in texts)) == texts
    assert [message.prompt.text for message in site.messages] == texts
    assert in_use == [1] * 8


async def test_reply_stream_unread_does_not_block_the_queue_after_the_last_event() -> None:
    site = site_with([head(), events(event("a"), event("ab"), DONE)], reply("Next"))
    async with site.stream() as stream:
        assert await anext(stream) == "a"
        assert await text_of(site.stream()) == "Next"
        assert await text_of(stream) == "b"


async def test_sender_http1_lowers_the_number_of_permits(caplog: pytest.LogCaptureFixture) -> None:
    site = site_with(reply("Hello"), max_concurrent_messages=8)
    site.browser.protocol = "http/1.1"
    with caplog.at_level(logging.WARNING, "chatgpt_browser"):
        assert await text_of(site.stream()) == "Hello"
    assert site.sender.permits.limit == 5
    assert "max_concurrent_messages=8" in caplog.text


# ---- hand-off --------------------------------------------------------------------------------------------------------


async def test_reply_stream_handed_off_holds_the_permit_until_the_rest_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(handoff, "_FIRST_PAUSE", 0.0)
    site = site_with([head(), events(event("Two", id="m-1"), HANDOFF, DONE)])
    answer = message_of("assistant", "Two and two", "m-1") | {
        "status": "finished_successfully",
        "end_turn": True,
    }
    site.browser.backend["/conversation/c"] = tree(message_of("user", "Hi", "q"), answer)

    async with site.stream() as stream:
        assert await anext(stream) == "Two"
        assert site.sender.permits.in_use == 1
        assert await text_of(stream) == " and two"
    assert site.sender.permits.in_use == 0
    assert site.transport.aborted == 0


async def test_reply_stream_handed_off_and_left_stops_the_reply() -> None:
    site = site_with([head(), events(event("Two"), HANDOFF, DONE)])
    async with site.stream() as stream:
        assert await anext(stream) == "Two"
    assert site.transport.aborted == 1
    assert site.sender.permits.in_use == 0


# ---- the choice of the transport -------------------------------------------------------------------------------------


async def test_sender_unusual_activity_by_fetch_names_the_other_transport() -> None:
    site = site_with(UNUSUAL, send_via="fetch")
    with pytest.raises(UnusualActivityError, match="in-memory"):
        await text_of(site.stream())
    assert site.page_transport.streams == []


async def test_sender_auto_switches_to_the_page_once_for_an_origin() -> None:
    site = MemorySite(lambda message: UNUSUAL, page_handler=lambda message: reply("Hello"), send_via="auto")
    for _ in range(2):
        assert await text_of(site.stream()) == "Hello"
    assert (len(site.transport.streams), len(site.page_transport.streams)) == (1, 2)


async def test_sender_auto_refused_by_both_raises_one_error_and_sends_twice() -> None:
    site = MemorySite(lambda message: UNUSUAL, send_via="auto")
    with pytest.raises(UnusualActivityError, match="in-memory") as caught:
        await text_of(site.stream())
    assert caught.value.__context__ is None
    assert (len(site.transport.streams), len(site.page_transport.streams)) == (1, 1)


@pytest.mark.parametrize(
    "response",
    [
        body(403, "{}"),
        body(404, "{}"),
        body(500, "{}"),
        [head(), ["end"]],
    ],
    ids=["403", "404", "500", "empty"],
)
async def test_sender_auto_other_failure_is_not_sent_by_the_page(response: list[Frame]) -> None:
    site = MemorySite(lambda message: response, send_via="auto")
    with pytest.raises(ChatGPTError):
        await text_of(site.stream())
    assert len(site.messages) == 1


async def test_sender_by_page_reads_the_newest_turn_first() -> None:
    site = site_with(reply("Hello"), send_via="page")
    question, answer = message_of("user", "Hi", "q"), message_of("assistant", "Yes?", "a")
    site.browser.backend["/conversation/c"] = tree(question, answer)
    assert await text_of(site.stream(conversation_id="c")) == "Hello"

    (message,) = site.messages
    assert (message.after, message.turn.question_id, message.turn.message_ids) == ("a", "q", ("a",))


async def test_sender_by_page_does_not_retry_a_refused_token() -> None:
    site = site_with(EXPIRED, send_via="page")
    with pytest.raises(AccessTokenRejectedError):
        await text_of(site.stream())
    assert len(site.messages) == 1


async def test_sender_by_fetch_names_the_newest_message_as_parent() -> None:
    site = site_with(reply("Hello"))
    site.browser.backend["/conversation/c"] = tree(message_of("user", "Hi", "q"))
    assert await text_of(site.stream(conversation_id="c")) == "Hello"
    assert site.messages[0].prompt.parent_message_id == "q"


@pytest.mark.parametrize("known", [True, False], ids=["id known", "in doubt"])
async def test_sender_question_without_reply_may_be_followed_after_its_parent(known: bool) -> None:
    def handle(message: OutgoingMessage) -> Iterable[Frame]:
        if message.prompt.text != "first":
            return reply("Hello")
        message.delivery.start()
        if known:
            message.delivery.confirm("q-2")
        raise StreamInterruptedError("the page went away")

    site = MemorySite(handle, send_via="page")
    answered = [message_of("user", "Hi", "q-1"), message_of("assistant", "Yes?", "a-1")]
    site.browser.backend["/conversation/c"] = tree(*answered)
    with pytest.raises(StreamInterruptedError):
        await text_of(site.stream("first", conversation_id="c"))
    site.browser.backend["/conversation/c"] = tree(*answered, message_of("user", "first", "q-2"))
    assert await text_of(site.stream("second", conversation_id="c")) == "Hello"

    assert site.messages[-1].turn.parents == {"q-2", "a-1", "q-1"}


async def test_sender_busy_site_is_retried_by_either_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    from chatgpt_browser._messaging import retry

    monkeypatch.setattr(retry, "_BACKOFF", lambda state: 0.0)
    busy = body(429, '{"detail": "Only one message at a time. Please wait for any other responses."}')
    for via in ("fetch", "page"):
        site = site_with(busy, reply("Hello"), send_via=via)
        assert await text_of(site.stream()) == "Hello"
        site = site_with(busy, busy, send_via=via, retries=1)
        with pytest.raises(RateLimitError):
            await text_of(site.stream())


async def test_stream_of_unreadable_request_is_not_checked() -> None:
    def handle(message: OutgoingMessage) -> list[Frame]:
        message.delivery.is_checked = message.prompt.text != "unreadable"
        return reply()

    site = MemorySite(handle)
    for text, is_checked in (("readable", True), ("unreadable", False)):
        stream = site.stream(text)
        assert stream.is_request_checked
        assert await text_of(stream) == "Hello"
        assert stream.is_request_checked == is_checked


async def test_sender_by_page_updates_the_session_token_while_it_waits_for_the_head(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = MemorySite(lambda message: [], send_via="page")

    async def respond() -> None:
        for stream in site.page_transport.streams:  # none when the access token is refreshed
            for frame in reply("Hello"):
                site.page_transport.deliver(stream, frame)

    monkeypatch.setattr(site.browser, "update_session_token", respond)
    assert await text_of(site.stream()) == "Hello"


async def test_sender_by_page_failed_update_of_the_session_token_raises(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    site = MemorySite(lambda message: reply("Hello"), send_via="page", recover=False)

    async def fail() -> None:
        if site.page_transport.streams:
            raise BrowserCrashedError("The browser crashed.")

    monkeypatch.setattr(site.browser, "update_session_token", fail)
    with pytest.raises(BrowserCrashedError):
        await text_of(site.stream())
