"""Conversations: the position of the next message, and that a failed message does not change it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser import (
    AbortController,
    AbortError,
    APIStatusError,
    ChatGPTTimeoutError,
    ConversationNotFoundError,
    StreamError,
    StreamInterruptedError,
)
from chatgpt_browser.testing import Answer, Gate, RawBody, Reply, Stall
from tests.support.scripted_site import DONE, body, can_send, event, grown, sse

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatgpt_browser import AsyncChatGPTAPI, ChatGPTAPI, ChatGPTConversation
    from tests.support.scripted_site import ScriptedSite


def position(conversation: ChatGPTConversation) -> tuple[str | None, str | None]:
    return conversation.conversation_id, conversation.parent_message_id


def test_conversation_second_message_continues_from_first(
    api: ChatGPTAPI, scripted_site: ScriptedSite
) -> None:
    conversation = api.get_conversation()
    assert position(conversation) == (None, None)
    conversation.send_message("one")
    first = position(conversation)
    assert conversation.send_message("two") == 'You said: "two". Before that you said: "one".'
    second = position(conversation)

    assert conversation.api is api
    assert first[0] == second[0]
    assert first[1] != second[1]
    record = scripted_site.server.conversations[str(second[0])]
    assert record.current_node == second[1]
    assert [text for role, text in record.history() if role == "user"] == ["one", "two"]
    assert scripted_site.posts[1].json["parent_message_id"] == first[1]


def test_two_conversations_of_one_client_are_independent(api: ChatGPTAPI) -> None:
    one, other = api.get_conversation(), api.get_conversation()
    one.send_message("a")
    other.send_message("x")

    assert one.send_message("b") == 'You said: "b". Before that you said: "a".'
    assert other.send_message("y") == 'You said: "y". Before that you said: "x".'
    assert one.conversation_id != other.conversation_id


def test_client_send_message_starts_a_new_conversation_each_time(api: ChatGPTAPI) -> None:
    api.send_message("a")

    assert api.send_message("b") == 'You said: "b".'


def test_conversation_with_stored_ids_continues(api: ChatGPTAPI, scripted_site: ScriptedSite) -> None:
    conversation = api.get_conversation()
    conversation.send_message("one")
    again = api.get_conversation(
        conversation_id=conversation.conversation_id, parent_message_id=conversation.parent_message_id
    )

    assert again.send_message("two") == 'You said: "two". Before that you said: "one".'


@pytest.mark.parametrize("by", ["client", "conversation", "stream"])
def test_conversation_id_without_parent_id_uses_newest_message(
    api: ChatGPTAPI, scripted_site: ScriptedSite, by: str
) -> None:
    record = scripted_site.server.add_conversation([("user", "one"), ("assistant", "two")])
    newest = record.current_node
    if by == "client":
        reply = api.send_message("three", conversation_id=record.id)
    elif by == "conversation":
        reply = api.get_conversation(conversation_id=record.id).send_message("three")
    else:
        reply = "".join(api.stream_message("three", conversation_id=record.id))

    assert reply == 'You said: "three". Before that you said: "one".'
    assert scripted_site.posts[0].json["parent_message_id"] == newest


def test_conversation_id_with_reserved_characters_is_quoted(
    api: ChatGPTAPI, scripted_site: ScriptedSite
) -> None:
    record = scripted_site.server.add_conversation(
        [("user", "one"), ("assistant", "two")], conversation_id="a b?c#d"
    )

    assert "Before that" in api.send_message("three", conversation_id=record.id)


def test_unknown_conversation_id_raises_conversation_not_found(
    api: ChatGPTAPI, scripted_site: ScriptedSite
) -> None:
    for parent in (None, "3a6cf2e2-0000-4000-8000-000000000000"):
        with pytest.raises(ConversationNotFoundError) as caught:
            api.send_message("Hello", conversation_id="gone", parent_message_id=parent)
        assert caught.value.code == "conversation_not_found"
        assert caught.value.status_code == 404

    assert can_send(api)


def test_conversation_ids_change_only_after_complete_reply(
    api: ChatGPTAPI, scripted_site: ScriptedSite
) -> None:
    conversation = api.get_conversation()
    conversation.send_message("one")
    before, gate = position(conversation), Gate()
    message = scripted_site.answering(Reply(pieces=["a", "b"], hold_after=1, gate=gate))
    with conversation.stream_message(message) as stream:
        assert next(stream) == "a"
        assert stream.message_id is not None
        assert position(conversation) == before
        gate.open()
        assert next(stream) == "b"
        with pytest.raises(StopIteration):
            next(stream)

    assert position(conversation) == (stream.conversation_id, stream.message_id) != before


def fail_with_status_error(conversation: ChatGPTConversation, scripted_site: ScriptedSite) -> None:
    with pytest.raises(APIStatusError):
        conversation.send_message(scripted_site.answering(Answer.server_error()))


def fail_with_error_event(conversation: ChatGPTConversation, scripted_site: ScriptedSite) -> None:
    with pytest.raises(StreamError):
        conversation.send_message(scripted_site.answering(Reply("one two", error="no")))


def fail_with_broken_stream(conversation: ChatGPTConversation, scripted_site: ScriptedSite) -> None:
    with pytest.raises(StreamInterruptedError):
        conversation.send_message(scripted_site.answering(Reply("one two", break_after=1)))


def fail_with_timeout(conversation: ChatGPTConversation, scripted_site: ScriptedSite) -> None:
    with pytest.raises(ChatGPTTimeoutError):
        conversation.send_message(
            scripted_site.answering(Reply("one two", hold_after=1, gate=Gate())), timeout_ms=1000
        )


def fail_with_abort(conversation: ChatGPTConversation, scripted_site: ScriptedSite) -> None:
    controller = AbortController()
    with pytest.raises(AbortError):
        conversation.send_message(
            scripted_site.answering(Reply("one two", hold_after=1, gate=Gate())),
            abort_signal=controller.signal,
            on_progress=lambda text: controller.abort(),
        )


def leave_stream_early(conversation: ChatGPTConversation, scripted_site: ScriptedSite) -> None:
    message = scripted_site.answering(Reply("one two", hold_after=1, gate=Gate()))
    with conversation.stream_message(message) as stream:
        next(stream)


def fail_with_empty_reply(conversation: ChatGPTConversation, scripted_site: ScriptedSite) -> None:
    with pytest.raises(StreamInterruptedError):
        conversation.send_message(scripted_site.answering(body(event("echo", role="user"), DONE)))


def fail_in_callback(conversation: ChatGPTConversation, scripted_site: ScriptedSite) -> None:
    def fail(text: str) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        conversation.send_message(
            scripted_site.answering(Reply("one two", hold_after=1, gate=Gate())), on_progress=fail
        )


FAILURES = [
    fail_with_status_error,
    fail_with_error_event,
    fail_with_broken_stream,
    fail_with_timeout,
    fail_with_abort,
    leave_stream_early,
    fail_with_empty_reply,
    fail_in_callback,
]


@pytest.mark.parametrize("fail", FAILURES)
@pytest.mark.parametrize("fresh", [True, False], ids=["new conversation", "started conversation"])
def test_conversation_ids_after_failure_are_unchanged(
    api: ChatGPTAPI,
    scripted_site: ScriptedSite,
    fail: Callable[[ChatGPTConversation, ScriptedSite], None],
    fresh: bool,
) -> None:
    conversation = api.get_conversation()
    if not fresh:
        conversation.send_message("one")
    before = position(conversation)
    fail(conversation, scripted_site)
    assert position(conversation) == before

    again = conversation.send_message("two")
    assert again == ('You said: "two".' if fresh else 'You said: "two". Before that you said: "one".')
    assert position(conversation) != before
    if not fresh:
        assert scripted_site.posts[-1].json["parent_message_id"] == before[1]


def test_conversation_ids_after_echo_without_reply_are_unchanged(
    api: ChatGPTAPI, scripted_site: ScriptedSite
) -> None:
    """The echo of the user's message has an id too, but the next message must follow the reply."""
    conversation = api.get_conversation()
    conversation.send_message(scripted_site.answering(grown("a")))
    assert position(conversation) == ("c-1", "m-1")
    conversation.conversation_id, conversation.parent_message_id = "c-9", "m-9"
    with pytest.raises(ConversationNotFoundError):
        conversation.send_message(scripted_site.answering(RawBody([sse(event("x", role="user"))])))

    assert position(conversation) == ("c-9", "m-9")


def test_conversation_ids_set_by_caller_are_used(api: ChatGPTAPI, scripted_site: ScriptedSite) -> None:
    record = scripted_site.server.add_conversation([("user", "one"), ("assistant", "two")])
    conversation = api.get_conversation()
    conversation.send_message("elsewhere")
    conversation.conversation_id, conversation.parent_message_id = record.id, record.chain()[-1].id

    assert conversation.send_message("three") == 'You said: "three". Before that you said: "one".'


def test_conversation_in_six_threads_sends_one_message_at_a_time(api: ChatGPTAPI) -> None:
    conversation = api.get_conversation()
    replies: dict[int, str] = {}

    def send(number: int) -> None:
        replies[number] = conversation.send_message(f"m{number}")

    threads = [threading.Thread(target=send, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(replies) == 6
    # Six different predecessors: each message followed the one sent before it. The order of the threads does not matter.
    before = [reply.partition("Before that you said: ")[2] for reply in replies.values()]
    assert len({*before}) == 6


@pytest.mark.anyio
async def test_conversation_concurrent_sends_keep_the_order_of_calls(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    conversation = async_api.get_conversation()
    replies = await asyncio.gather(*(conversation.send_message(f"m{number}") for number in range(6)))

    assert replies[0] == 'You said: "m0".'
    assert replies[1:] == [f'You said: "m{n}". Before that you said: "m{n - 1}".' for n in range(1, 6)]
    sent = [post.json["messages"][0]["content"]["parts"][0] for post in async_scripted_site.posts]
    assert sent == [f"m{number}" for number in range(6)]


@pytest.mark.anyio
async def test_conversation_queue_skips_cancelled_and_timed_out_messages(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    conversation = async_api.get_conversation()
    async with conversation.stream_message(async_scripted_site.answering(Stall())) as held:
        waiting = [asyncio.ensure_future(conversation.send_message(f"m{number}")) for number in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        with pytest.raises(ChatGPTTimeoutError):
            await conversation.send_message("times out in the queue", timeout_ms=20)
        assert not waiting[1].done()
        assert held.text == ""

    assert await asyncio.gather(*waiting[1:]) == [
        'You said: "m1".',
        'You said: "m2". Before that you said: "m1".',
    ]
    assert conversation.parent_message_id is not None


@pytest.mark.anyio
async def test_conversation_queue_after_failure_sends_next_message(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    conversation = async_api.get_conversation()
    sends = ["a", async_scripted_site.answering(Answer.server_error()), "b"]
    first, failure, last = await asyncio.gather(
        *map(conversation.send_message, sends), return_exceptions=True
    )

    assert first == 'You said: "a".'
    assert isinstance(failure, APIStatusError)
    assert last == 'You said: "b". Before that you said: "a".'
