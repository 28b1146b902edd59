"""Replies in the site's newer form through a real browser: one text, whatever it is made of."""

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
from chatgpt_browser._messaging import handoff as handoff
from chatgpt_browser._messaging import reply_stream as stream
from chatgpt_browser._protocol.reply_reader import ReplyReader
from chatgpt_browser.testing import BREAK, Answer, Aside, Gate, Hold, Reply
from tests.support.scripted_site import DONE, base_urls, body

if TYPE_CHECKING:
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
def test_the_answer_alone(
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


def test_a_conversation_goes_on(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
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


def test_an_encoding_that_nobody_knows(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with pytest.raises(UnknownEncodingError, match="'v9'"):
        api.send_message(
            scripted_site.answering(body(b'event: delta_encoding\ndata: "v9"\n\n', '{"v": "x"}'))
        )


def test_a_stream_that_ends_in_the_middle(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with pytest.raises(StreamInterruptedError) as caught:
        api.send_message(
            scripted_site.answering(Reply(pieces=PIECES, encoding="delta", done=False, final_status=False))
        )
    assert caught.value.partial_text == "".join(PIECES)


# ---- the rest is elsewhere -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["whole", "delta"])
def test_the_rest_is_read_from_the_conversation(
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


def test_a_rest_that_does_not_come(
    scripted_site: ScriptedSite, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handoff, "_FIRST_PAUSE", 60.0)
    message = scripted_site.answering(Reply(pieces=PIECES, encoding="delta", handoff_after=2))

    with pytest.raises(ChatGPTTimeoutError) as timed_out:
        api.send_message(message, timeout_ms=400)
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


@pytest.mark.parametrize("last", [BREAK, Hold(Gate())], ids=["breaks off", "stays open"])
def test_a_reply_that_is_whole_needs_no_last_word(
    scripted_site: ScriptedSite, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch, last: Any
) -> None:
    monkeypatch.setattr(stream, "_END_TIMEOUT", 0.3)
    complete = {"type": "message_stream_complete", "conversation_id": "c"}
    message = scripted_site.answering(body(WHOLE, complete, b": a ping\n\n", last, interval=20))

    assert api.send_message(message, timeout_ms=5000) == "Four."


@pytest.mark.anyio
async def test_a_short_limit_of_silence_is_none_for_a_reply_that_is_whole(
    scripted_site: ScriptedSite,
) -> None:
    complete = {"type": "message_stream_complete", "conversation_id": "c"}
    message = scripted_site.answering(body(WHOLE, complete, Hold(Gate())))
    options: dict[str, Any] = base_urls(scripted_site.server)
    async with AsyncChatGPTAPI(scripted_site.server.session_token, idle_timeout=600, **options) as api:
        assert await api.send_message(message, timeout_ms=5000) == "Four."


@pytest.mark.parametrize("last", [BREAK, Hold(Gate())], ids=["breaks off", "stays open"])
def test_the_rest_is_elsewhere_however_the_stream_ends(
    scripted_site: ScriptedSite, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch, last: Any
) -> None:
    monkeypatch.setattr(stream, "_END_TIMEOUT", 0.3)
    kept = scripted_site.server.add_conversation([("user", "Two and two?"), ("assistant", "Four.")])
    handoff_event = {"type": "stream_handoff", "conversation_id": kept.id}
    message = scripted_site.answering(body(handoff_event, b": a ping\n\n", last, interval=20))

    assert api.send_message(message, timeout_ms=5000) == "Four."


def test_a_rest_that_is_refused_leaves_what_there_was(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    kept = scripted_site.server.add_conversation([("user", "Two and two?")])
    begun = {"message": WHOLE["message"] | {"status": "in_progress", "end_turn": None}}
    scripted_site.server.script_path(f"/conversation/{kept.id}", Answer.error(418, "not for you"))
    with pytest.raises(APIStatusError, match="not for you") as caught:
        api.send_message(
            scripted_site.answering(body(begun, {"type": "stream_handoff", "conversation_id": kept.id}, DONE))
        )
    assert caught.value.partial_text == "Four."


@pytest.mark.anyio
async def test_a_conversation_may_not_be_there_yet_or_ask_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a browser: what is asked for a conversation that a new message has just begun."""
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


def test_a_turn_lasts_as_long_as_its_reply_wherever_that_goes_on(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """The site takes one message at a time: also while the one before is read from its conversation."""
    done: list[tuple[str, int]] = []

    def ask(message: str) -> None:
        api.send_message(message)
        done.append((message, len(scripted_site.posts)))

    before = len(
        [r for r in scripted_site.server.requests if r.method == "POST" and r.path.endswith("/conversation")]
    )
    first = scripted_site.answering(Reply(pieces=PIECES, encoding="delta", handoff_after=2))
    second = scripted_site.answering("A short one")
    one = threading.Thread(target=ask, args=(first,))
    one.start()
    scripted_site.server.wait_for_request("/conversation", "POST", before + 1)
    ask(second)
    one.join(20)

    assert done == [(first, 1), (second, 2)]


@pytest.mark.anyio
async def test_a_rest_may_be_silent_only_for_so_long() -> None:
    """Without a browser: the conversation shows the same half of an answer again and again."""
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
    # Each pause is half as long again as the one before: 0.01 s becomes 0.2 s in so many looks.
    assert 2 < looks < 12
