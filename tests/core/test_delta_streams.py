"""Replies in the site's newer form through a real browser: one text, whatever it is made of."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import (
    AbortController,
    AbortError,
    ChatGPTTimeoutError,
    ConversationEvent,
    StreamInterruptedError,
    UnknownEncodingError,
)
from chatgpt_browser import _handoff as handoff
from chatgpt_browser._reply import Reply as PureReply
from chatgpt_browser.testing import Aside, Reply
from tests.core.scene import body

if TYPE_CHECKING:
    from chatgpt_browser import ChatGPTAPI
    from tests.core.scene import Scene

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
    monkeypatch.setattr(handoff, "_SHORTEST", 0.01)


@pytest.mark.parametrize("encoding", ["whole", "delta"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"newline": "\r\n", "comments": True, "empty_data": True},
        {"byte_by_byte": True, "moderation": True},
    ],
)
def test_the_answer_alone(scene: Scene, api: ChatGPTAPI, encoding: Any, how: dict[str, Any]) -> None:
    reply = Reply(pieces=PIECES, asides=ASIDES, channel="final", encoding=encoding, **how)
    texts: list[str] = []
    events: list[ConversationEvent] = []
    text = api.send_message(
        scene.answering(reply), on_progress=texts.append, on_conversation_response=events.append
    )

    assert text == "".join(PIECES)
    assert texts == ["".join(PIECES[: n + 1]) for n in range(len(PIECES))]
    wholes = [event.whole["message"] for event in events if event.whole is not None]
    answers = [each["content"]["parts"][0] for each in wholes if each.get("channel") == "final"]
    assert list(dict.fromkeys(answers))[-len(PIECES) :] == texts
    assert wholes[-1]["end_turn"] is True


def test_a_conversation_goes_on(scene: Scene, api: ChatGPTAPI) -> None:
    conversation = api.get_conversation()
    conversation.send_message(scene.answering(Reply("One", asides=ASIDES, channel="final", encoding="delta")))
    with conversation.stream_message(scene.answering(Reply(pieces=PIECES, encoding="delta"))) as stream:
        pieces = list(stream)

    assert "".join(pieces) == "".join(PIECES)
    kept = scene.server.conversations[conversation.conversation_id or ""]
    assert kept.current_node == conversation.parent_message_id
    assert [text for role, text in kept.history()][-1] == "".join(PIECES)


def test_an_encoding_that_nobody_knows(scene: Scene, api: ChatGPTAPI) -> None:
    with pytest.raises(UnknownEncodingError, match="'v9'"):
        api.send_message(scene.answering(body(b'event: delta_encoding\ndata: "v9"\n\n', '{"v": "x"}')))


def test_a_stream_that_ends_in_the_middle(scene: Scene, api: ChatGPTAPI) -> None:
    with pytest.raises(StreamInterruptedError) as caught:
        api.send_message(
            scene.answering(Reply(pieces=PIECES, encoding="delta", done=False, final_status=False))
        )
    assert caught.value.partial_text == "".join(PIECES)


# ---- the rest is elsewhere -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["whole", "delta"])
def test_the_rest_is_read_from_the_conversation(scene: Scene, api: ChatGPTAPI, encoding: Any) -> None:
    texts: list[str] = []
    conversation = api.get_conversation()
    conversation.send_message(scene.answering("An older answer."))
    reply = Reply(pieces=PIECES, asides=ASIDES, channel="final", encoding=encoding, handoff_after=2)
    text = conversation.send_message(scene.answering(reply), on_progress=texts.append)

    assert text == "".join(PIECES)
    assert texts == ["".join(PIECES[: n + 1]) for n in range(len(PIECES))]
    kept = scene.server.conversations[conversation.conversation_id or ""]
    assert kept.current_node == conversation.parent_message_id
    assert conversation.send_message("And now?").startswith('You said: "And now?"')


def test_a_rest_that_does_not_come(scene: Scene, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handoff, "_SHORTEST", 60.0)
    message = scene.answering(Reply(pieces=PIECES, encoding="delta", handoff_after=2))

    with pytest.raises(ChatGPTTimeoutError) as timed_out:
        api.send_message(message, timeout_ms=400)
    assert timed_out.value.partial_text == "Two and"

    controller = AbortController()
    with pytest.raises(AbortError):
        api.send_message(message, on_progress=lambda text: controller.abort(), abort_signal=controller.signal)


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

    async def ask(method: str, path: str) -> Any:
        nonlocal looks
        looks += 1
        return {"mapping": {"a": {"message": half, "parent": None}}, "current_node": "a"}

    courier: Any = SimpleNamespace(ask=ask, options=SimpleNamespace(idle_timeout=0.2))
    what = PureReply()
    what.feed({"type": "", "data": '{"type": "stream_handoff", "conversation_id": "c"}'})
    what.feed({"type": "", "data": "[DONE]"})
    rest = handoff.Remainder(courier, what, None)

    assert await rest.next()
    assert what.text == "One"
    with pytest.raises(ChatGPTTimeoutError, match=r"nothing more came for 0\.2 s"):
        await rest.next()
    # Each pause is half as long again as the one before: 0.01 s becomes 0.2 s in so many looks.
    assert 2 < looks < 12
