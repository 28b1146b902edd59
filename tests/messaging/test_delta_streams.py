"""Replies in the delta encoding and replies that are handed off, through a real browser."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import (
    AbortController,
    AbortError,
    APIStatusError,
    AsyncChatGPTAPI,
    ChatGPTTimeoutError,
    ConversationEvent,
    ConversationNotFoundError,
    RateLimitError,
    StreamInterruptedError,
    UnknownEncodingError,
)
from chatgpt_browser._core.models import QuestionRef
from chatgpt_browser._messaging import handoff
from chatgpt_browser._messaging import reply_stream as stream
from chatgpt_browser._protocol.reply_reader import ReplyReader
from chatgpt_browser.testing import BREAK, Answer, Aside, Gate, Hold, Reply
from tests.support.client_clock import LIMIT, advance_clock
from tests.support.scripted_site import DONE, base_urls, body

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatgpt_browser import ChatGPTAPI
    from tests.support.scripted_site import ScriptedSite

PIECES = ["Two", " and", " two", " is", " fo\U0001f600", "ur."]
ASIDES = (
    Aside.thoughts(),
    Aside.remark(),
    Aside.tool_call(),
    Aside.tool_output(),
    Aside.hidden(),
    Aside.recap(),
)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handoff, "_FIRST_PAUSE", 0.01)


@pytest.mark.parametrize("encoding", ["whole", "delta"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"newline": "\r\n", "comments": True, "empty_data": True},
        {"byte_by_byte": True, "moderation": True},
    ],
)
def test_send_message_with_side_messages_returns_the_answer_only(
    scripted_site: ScriptedSite, api: ChatGPTAPI, encoding: Any, how: dict[str, Any]
) -> None:
    reply = Reply(pieces=PIECES, asides=ASIDES, channel="final", encoding=encoding, **how)
    texts: list[str] = []
    events: list[ConversationEvent] = []
    text = api.send_message(
        scripted_site.answering(reply), on_progress=texts.append, on_conversation_response=events.append
    )

    assert text == "".join(PIECES)
    assert texts == ["".join(PIECES[: n + 1]) for n in range(len(PIECES))]
    wholes = [event.whole["message"] for event in events if event.whole is not None]
    answers = [each["content"]["parts"][0] for each in wholes if each.get("channel") == "final"]
    assert list(dict.fromkeys(answers))[-len(PIECES) :] == texts
    assert wholes[-1]["end_turn"] is True


def test_conversation_of_delta_streams_continues_from_the_newest_reply(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    conversation = api.get_conversation()
    conversation.send_message(
        scripted_site.answering(Reply("One", asides=ASIDES, channel="final", encoding="delta"))
    )
    with conversation.stream_message(
        scripted_site.answering(Reply(pieces=PIECES, encoding="delta"))
    ) as stream:
        pieces = list(stream)

    assert "".join(pieces) == "".join(PIECES)
    kept = scripted_site.server.conversations[conversation.conversation_id or ""]
    assert kept.current_node == conversation.parent_message_id
    assert [text for role, text in kept.history()][-1] == "".join(PIECES)


def test_send_message_unknown_delta_encoding_raises(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with pytest.raises(UnknownEncodingError, match="'v9'"):
        api.send_message(
            scripted_site.answering(body(b'event: delta_encoding\ndata: "v9"\n\n', '{"v": "x"}'))
        )


def test_send_message_delta_stream_without_its_end_raises(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    with pytest.raises(StreamInterruptedError) as caught:
        api.send_message(
            scripted_site.answering(Reply(pieces=PIECES, encoding="delta", done=False, final_status=False))
        )
    assert caught.value.partial_text == "".join(PIECES)


# ---- hand-offs ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["whole", "delta"])
def test_send_message_handed_off_reads_the_rest_from_the_conversation(
    scripted_site: ScriptedSite, api: ChatGPTAPI, encoding: Any
) -> None:
    texts: list[str] = []
    conversation = api.get_conversation()
    conversation.send_message(scripted_site.answering("An older answer."))
    reply = Reply(pieces=PIECES, asides=ASIDES, channel="final", encoding=encoding, handoff_after=2)
    text = conversation.send_message(scripted_site.answering(reply), on_progress=texts.append)

    assert text == "".join(PIECES)
    assert texts == ["".join(PIECES[: n + 1]) for n in range(len(PIECES))]
    kept = scripted_site.server.conversations[conversation.conversation_id or ""]
    assert kept.current_node == conversation.parent_message_id
    assert conversation.send_message("And now?").startswith('You said: "And now?"')


def test_send_message_handed_off_without_the_rest_can_time_out_and_be_aborted(
    scripted_site: ScriptedSite, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handoff, "_FIRST_PAUSE", 60.0)
    message = scripted_site.answering(Reply(pieces=PIECES, encoding="delta", handoff_after=2))

    def advance(text: str) -> None:
        if text == "Two and":
            advance_clock(api)

    with pytest.raises(ChatGPTTimeoutError) as timed_out:
        api.send_message(message, timeout_ms=LIMIT, on_progress=advance)
    assert timed_out.value.partial_text == "Two and"

    controller = AbortController()
    with pytest.raises(AbortError):
        api.send_message(message, on_progress=lambda text: controller.abort(), abort_signal=controller.signal)


WHOLE: dict[str, Any] = {
    "message": {
        "id": "a",
        "author": {"role": "assistant"},
        "content": {"content_type": "text", "parts": ["Four."]},
        "status": "finished_successfully",
        "end_turn": True,
    },
    "conversation_id": "c",
}


def before_break(site: ScriptedSite, *events: dict[str, Any]) -> tuple[str, Callable[[Any], None]]:
    """Script a stream of these events without an end, and return its message.

    The second result is a callback that breaks the connection after the last event has been received. Chromium may drop data that
    is in transit when a connection breaks.
    """
    gate = Gate()

    def on_event(event: Any) -> None:
        if event == events[-1]:
            gate.open()

    return site.answering(body(*events, b": a ping\n\n", Hold(gate), BREAK)), on_event


@pytest.mark.parametrize("breaks", [True, False], ids=["breaks off", "stays open"])
def test_send_message_complete_reply_without_its_end_returns(
    scripted_site: ScriptedSite, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch, breaks: bool
) -> None:
    monkeypatch.setattr(stream, "_END_TIMEOUT", 0.3)
    complete = {"type": "message_stream_complete", "conversation_id": "c"}
    message, open_gate = before_break(scripted_site, WHOLE, complete)

    reply = api.send_message(
        message, timeout_ms=20_000, on_conversation_response=open_gate if breaks else None
    )

    assert reply == "Four."


@pytest.mark.anyio
async def test_send_message_complete_reply_with_short_idle_timeout_returns(
    scripted_site: ScriptedSite,
) -> None:
    complete = {"type": "message_stream_complete", "conversation_id": "c"}
    message = scripted_site.answering(body(WHOLE, complete, Hold(Gate())))
    options: dict[str, Any] = base_urls(scripted_site.server)
    async with AsyncChatGPTAPI(scripted_site.server.session_token, idle_timeout=600, **options) as api:
        assert await api.send_message(message, timeout_ms=20_000) == "Four."


@pytest.mark.parametrize("breaks", [True, False], ids=["breaks off", "stays open"])
def test_send_message_handed_off_without_its_end_reads_the_conversation(
    scripted_site: ScriptedSite, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch, breaks: bool
) -> None:
    monkeypatch.setattr(stream, "_END_TIMEOUT", 0.3)
    kept = scripted_site.server.add_conversation([("user", "Two and two?"), ("assistant", "Four.")])
    handoff_event = {"type": "stream_handoff", "conversation_id": kept.id}
    message, open_gate = before_break(scripted_site, handoff_event)

    reply = api.send_message(
        message, timeout_ms=20_000, on_conversation_response=open_gate if breaks else None
    )

    assert reply == "Four."


def test_send_message_handed_off_and_refused_raises_with_the_text_so_far(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    kept = scripted_site.server.add_conversation([("user", "Two and two?")])
    begun = {"message": WHOLE["message"] | {"status": "in_progress", "end_turn": None}}
    scripted_site.server.script_path(f"/conversation/{kept.id}", Answer.error(418, "not for you"))
    with pytest.raises(APIStatusError, match="not for you") as caught:
        api.send_message(
            scripted_site.answering(body(begun, {"type": "stream_handoff", "conversation_id": kept.id}, DONE))
        )
    assert caught.value.partial_text == "Four."


@pytest.mark.anyio
async def test_handoff_poller_missing_or_limited_conversation_is_polled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The conversation was just created: it may respond with 404 or with a rate limit at first. No browser is used."""
    tree = {"mapping": {"a": {"message": WHOLE["message"], "parent": None}}, "current_node": "a"}
    missing, limit = ConversationNotFoundError("404"), RateLimitError("429", retry_after=0.01)
    answers: list[Any] = [missing, limit, missing, tree]

    async def request_json(method: str, path: str) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def rest() -> tuple[handoff.HandoffPoller, ReplyReader]:
        backend: Any = SimpleNamespace(request_json=request_json)
        reply = ReplyReader()
        reply.feed({"type": "", "data": '{"type": "stream_handoff", "conversation_id": "c"}'})
        reply.feed({"type": "", "data": "[DONE]"})
        return handoff.HandoffPoller(backend, reply, QuestionRef(), idle_timeout=5.0), reply

    remainder, reply = rest()
    assert await remainder.next()
    assert (reply.text, reply.done, answers) == ("Four.", True, [])

    answers[:] = [RateLimitError("429", retry_after=3600.0)]
    with pytest.raises(RateLimitError):
        await rest()[0].next()
    answers[:] = [missing] * 50
    monkeypatch.setattr(handoff, "_CREATION_TIME", 0.05)
    with pytest.raises(ConversationNotFoundError):
        await rest()[0].next()
    assert 0 < len(answers) < 49


def test_send_message_handed_off_blocks_the_next_message_until_it_is_complete(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """The site accepts one message at a time, also while the rest of a reply is polled."""
    first = scripted_site.answering(Reply(pieces=PIECES, encoding="delta", handoff_after=2))
    second = scripted_site.answering("A short one")
    one = threading.Thread(target=api.send_message, args=(first,))
    one.start()
    scripted_site.wait_for_post()
    api.send_message(second)
    one.join(20)

    # All reads of the first conversation come between the two messages.
    methods = [request.method for request in scripted_site.requests if "/conversation" in request.path]
    reads = methods.count("GET")
    assert methods == ["POST", *["GET"] * reads, "POST"]
    assert reads > 0


@pytest.mark.anyio
async def test_handoff_poller_unchanged_reply_times_out_after_growing_pauses() -> None:
    """The conversation holds the same half of an answer at each poll. No browser is used."""
    half = {
        "id": "a",
        "author": {"role": "assistant"},
        "content": {"parts": ["One"]},
        "status": "in_progress",
    }
    looks = 0

    async def request_json(method: str, path: str) -> Any:
        nonlocal looks
        looks += 1
        return {"mapping": {"a": {"message": half, "parent": None}}, "current_node": "a"}

    backend: Any = SimpleNamespace(request_json=request_json)
    what = ReplyReader()
    what.feed({"type": "", "data": '{"type": "stream_handoff", "conversation_id": "c"}'})
    what.feed({"type": "", "data": "[DONE]"})
    rest = handoff.HandoffPoller(backend, what, QuestionRef(), idle_timeout=0.2)

    assert await rest.next()
    assert what.text == "One"
    with pytest.raises(ChatGPTTimeoutError, match=r"nothing more came for 0\.2 s"):
        await rest.next()
    # Each pause is 1.5 times as long as the pause before it: from 0.01 s to 0.2 s, that makes 8 polls.
    assert 2 < looks < 12
