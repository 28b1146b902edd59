"""Conversations: where the next message goes, and that a failure moves nothing."""

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


def place(conversation: ChatGPTConversation) -> tuple[str | None, str | None]:
    return conversation.conversation_id, conversation.parent_message_id


def test_a_conversation_remembers(api: ChatGPTAPI, scripted_site: ScriptedSite) -> None:
    conversation = api.get_conversation()
    assert place(conversation) == (None, None)
    conversation.send_message("one")
    first = place(conversation)
    assert conversation.send_message("two") == 'You said: "two". Before that you said: "one".'
    second = place(conversation)

    assert conversation.api is api
    assert first[0] == second[0]
    assert first[1] != second[1]
    record = scripted_site.server.conversations[str(second[0])]
    assert record.current_node == second[1]
    assert [text for role, text in record.history() if role == "user"] == ["one", "two"]
    assert scripted_site.posts[1].json["parent_message_id"] == first[1]


def test_two_conversations_are_apart(api: ChatGPTAPI) -> None:
    one, other = api.get_conversation(), api.get_conversation()
    one.send_message("a")
    other.send_message("x")

    assert one.send_message("b") == 'You said: "b". Before that you said: "a".'
    assert other.send_message("y") == 'You said: "y". Before that you said: "x".'
    assert one.conversation_id != other.conversation_id


def test_a_message_of_the_clients_own_belongs_to_none(api: ChatGPTAPI) -> None:
    api.send_message("a")

    assert api.send_message("b") == 'You said: "b".'


def test_going_on_where_another_program_has_stopped(api: ChatGPTAPI, scripted_site: ScriptedSite) -> None:
    conversation = api.get_conversation()
    conversation.send_message("one")
    again = api.get_conversation(
        conversation_id=conversation.conversation_id, parent_message_id=conversation.parent_message_id
    )

    assert again.send_message("two") == 'You said: "two". Before that you said: "one".'


@pytest.mark.parametrize("by", ["client", "conversation", "stream"])
def test_a_conversation_id_alone_finds_its_newest_message(
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


def test_an_id_that_needs_quoting(api: ChatGPTAPI, scripted_site: ScriptedSite) -> None:
    record = scripted_site.server.add_conversation(
        [("user", "one"), ("assistant", "two")], conversation_id="a b?c#d"
    )

    assert "Before that" in api.send_message("three", conversation_id=record.id)


def test_a_conversation_that_is_not_there(api: ChatGPTAPI, scripted_site: ScriptedSite) -> None:
    for parent in (None, "3a6cf2e2-0000-4000-8000-000000000000"):
        with pytest.raises(ConversationNotFoundError) as caught:
            api.send_message("Hello", conversation_id="gone", parent_message_id=parent)
        assert caught.value.code == "conversation_not_found"
        assert caught.value.status_code == 404

    assert can_send(api)


def test_the_ids_move_when_the_reply_has_come_through_and_not_before(
    api: ChatGPTAPI, scripted_site: ScriptedSite
) -> None:
    conversation = api.get_conversation()
    conversation.send_message("one")
    before, gate = place(conversation), Gate()
    message = scripted_site.answering(Reply(pieces=["a", "b"], hold_after=1, gate=gate))
    with conversation.stream_message(message) as stream:
        assert next(stream) == "a"
        assert stream.message_id is not None
        assert place(conversation) == before
        gate.open()
        assert next(stream) == "b"
        with pytest.raises(StopIteration):
            next(stream)

    assert place(conversation) == (stream.conversation_id, stream.message_id) != before


def refused(conversation: ChatGPTConversation, scripted_site: ScriptedSite) -> None:
    with pytest.raises(APIStatusError):
        conversation.send_message(scripted_site.answering(Answer.server_error()))


def error_event(conversation: ChatGPTConversation, scripted_site: ScriptedSite) -> None:
    with pytest.raises(StreamError):
        conversation.send_message(scripted_site.answering(Reply("one two", error="no")))


def broken(conversation: ChatGPTConversation, scripted_site: ScriptedSite) -> None:
    with pytest.raises(StreamInterruptedError):
        conversation.send_message(scripted_site.answering(Reply("one two", break_after=1)))


def timed_out(conversation: ChatGPTConversation, scripted_site: ScriptedSite) -> None:
    with pytest.raises(ChatGPTTimeoutError):
        conversation.send_message(
            scripted_site.answering(Reply("one two", hold_after=1, gate=Gate())), timeout_ms=1000
        )


def aborted(conversation: ChatGPTConversation, scripted_site: ScriptedSite) -> None:
    controller = AbortController()
    with pytest.raises(AbortError):
        conversation.send_message(
            scripted_site.answering(Reply("one two", hold_after=1, gate=Gate())),
            abort_signal=controller.signal,
            on_progress=lambda text: controller.abort(),
        )


def left_early(conversation: ChatGPTConversation, scripted_site: ScriptedSite) -> None:
    message = scripted_site.answering(Reply("one two", hold_after=1, gate=Gate()))
    with conversation.stream_message(message) as stream:
        next(stream)


def empty(conversation: ChatGPTConversation, scripted_site: ScriptedSite) -> None:
    with pytest.raises(StreamInterruptedError):
        conversation.send_message(scripted_site.answering(body(event("echo", role="user"), DONE)))


def broken_callback(conversation: ChatGPTConversation, scripted_site: ScriptedSite) -> None:
    def fail(text: str) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        conversation.send_message(
            scripted_site.answering(Reply("one two", hold_after=1, gate=Gate())), on_progress=fail
        )


FAILURES = [refused, error_event, broken, timed_out, aborted, left_early, empty, broken_callback]


@pytest.mark.parametrize("fail", FAILURES)
@pytest.mark.parametrize("fresh", [True, False], ids=["fresh", "begun"])
def test_a_failure_moves_nothing(
    api: ChatGPTAPI,
    scripted_site: ScriptedSite,
    fail: Callable[[ChatGPTConversation, ScriptedSite], None],
    fresh: bool,
) -> None:
    conversation = api.get_conversation()
    if not fresh:
        conversation.send_message("one")
    before = place(conversation)
    fail(conversation, scripted_site)
    assert place(conversation) == before

    again = conversation.send_message("two")
    assert again == ('You said: "two".' if fresh else 'You said: "two". Before that you said: "one".')
    assert place(conversation) != before
    if not fresh:
        assert scripted_site.posts[-1].json["parent_message_id"] == before[1]


def test_an_echo_moves_nothing(api: ChatGPTAPI, scripted_site: ScriptedSite) -> None:
    """The echoed message of the user has an id as well: the next message answers the reply, not that."""
    conversation = api.get_conversation()
    conversation.send_message(scripted_site.answering(grown("a")))
    assert place(conversation) == ("c-1", "m-1")
    conversation.conversation_id, conversation.parent_message_id = "c-9", "m-9"
    with pytest.raises(ConversationNotFoundError):
        conversation.send_message(scripted_site.answering(RawBody([sse(event("x", role="user"))])))

    assert place(conversation) == ("c-9", "m-9")


def test_ids_may_be_set(api: ChatGPTAPI, scripted_site: ScriptedSite) -> None:
    record = scripted_site.server.add_conversation([("user", "one"), ("assistant", "two")])
    conversation = api.get_conversation()
    conversation.send_message("elsewhere")
    conversation.conversation_id, conversation.parent_message_id = record.id, record.chain()[-1].id

    assert conversation.send_message("three") == 'You said: "three". Before that you said: "one".'


def test_threads_send_one_after_another(api: ChatGPTAPI) -> None:
    conversation = api.get_conversation()
    replies: dict[int, str] = {}

    def send(number: int) -> None:
        replies[number] = conversation.send_message(f"m{number}")

    threads = [threading.Thread(target=send, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(replies) == 6
    # Each has seen the one before it, whichever that was: nobody has branched off.
    before = [reply.partition("Before that you said: ")[2] for reply in replies.values()]
    assert len({*before}) == 6


@pytest.mark.anyio
async def test_sends_go_in_the_order_of_their_calls(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    conversation = async_api.get_conversation()
    replies = await asyncio.gather(*(conversation.send_message(f"m{number}") for number in range(6)))

    assert replies[0] == 'You said: "m0".'
    assert replies[1:] == [f'You said: "m{n}". Before that you said: "m{n - 1}".' for n in range(1, 6)]
    sent = [post.json["messages"][0]["content"]["parts"][0] for post in async_scripted_site.posts]
    assert sent == [f"m{number}" for number in range(6)]


@pytest.mark.anyio
async def test_who_waits_and_leaves_holds_nobody_up(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    conversation = async_api.get_conversation()
    async with conversation.stream_message(async_scripted_site.answering(Stall())) as held:
        waiting = [asyncio.ensure_future(conversation.send_message(f"m{number}")) for number in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        with pytest.raises(ChatGPTTimeoutError):
            await conversation.send_message("impatient", timeout_ms=20)
        assert not waiting[1].done()
        assert held.text == ""

    assert await asyncio.gather(*waiting[1:]) == [
        'You said: "m1".',
        'You said: "m2". Before that you said: "m1".',
    ]
    assert conversation.parent_message_id is not None


@pytest.mark.anyio
async def test_a_failure_in_the_queue_is_its_own(
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
