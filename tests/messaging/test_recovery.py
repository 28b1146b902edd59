"""Recovery of replies whose stream has broken off, over the in-memory transport: no browser, no network."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import (
    AbortController,
    AbortError,
    BrowserCrashedError,
    ChatGPTError,
    ChatGPTTimeoutError,
    MalformedEventError,
    ModerationError,
    StreamError,
    StreamInterruptedError,
)
from chatgpt_browser._messaging import recovery
from tests.support.memory_site import DONE, MemorySite, body, events, head
from tests.support.reply_events import message, tree, user_message, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from chatgpt_browser._core.models import Request
    from chatgpt_browser._messaging.reply_stream import AsyncReplyStream
    from chatgpt_browser._transport.base import OutgoingMessage
    from chatgpt_browser._transport.response_stream import Frame, ResponseStream

pytestmark = pytest.mark.anyio

PATH = "/conversation/c1"
BROKEN: Frame = ["error", "body", "NetworkError", "net::ERR_CONNECTION_RESET"]
PARTIAL = events(whole("Hel", status="in_progress"))
FINISHED = {"status": "finished_successfully", "end_turn": True}


class Conversation:
    """A site whose message gets the given frames, and whose conversation has one state after another."""

    def __init__(self, frames: Iterable[Frame], *states: Callable[[str], Any], **options: Any) -> None:
        self.site = MemorySite(self._handle, **options)
        self._frames, self._states, self._question = [*frames], [*states], ""
        self.reads = 0
        self.second_read = asyncio.Event()
        self._open = self.site.browser.open
        self.site.browser.open = self._read  # type: ignore[method-assign]

    def _handle(self, message: OutgoingMessage) -> Iterable[Frame]:
        self._question = message.message_id
        return self._frames

    def _read(self, request: Request) -> ResponseStream:
        if request.url.endswith(PATH):
            state = self._states[min(self.reads, len(self._states) - 1)] if self._states else None
            self.reads += 1
            if self.reads > 1:
                self.second_read.set()
            self.site.browser.backend[PATH] = None if state is None else state(self._question)
        return self._open(request)


def stored(text: str | None = None, /, **fields: Any) -> Callable[[str], Any]:
    """Return a state of the conversation: the question, and an answer unless ``text`` is None."""
    answer = [] if text is None else [message(text, **fields)]
    return lambda question: tree(user_message(question), *answer)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recovery, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(recovery, "_MAX_PAUSE", 0.01)


async def pieces_of(stream: AsyncReplyStream) -> list[str]:
    return [piece async for piece in stream]


@pytest.mark.parametrize(
    "ending",
    [
        [PARTIAL, BROKEN],
        [PARTIAL, ["end"]],
        [BROKEN],
        [events(whole("Hel", id="remark", status="finished_successfully", end_turn=False), DONE)],
    ],
    ids=["broken body", "body ends", "broken before the first event", "remark only"],
)
async def test_broken_stream_with_stored_answer_is_recovered(ending: list[Frame]) -> None:
    conversation = Conversation([head(), *ending], stored("Hello", **FINISHED))

    stream = conversation.site.stream("Hi", conversation_id="c1", parent_message_id="p")

    assert "".join(await pieces_of(stream)) == "Hello"
    assert (stream.text, stream.message_id) == ("Hello", "answer")
    assert len(conversation.site.messages) == 1
    assert conversation.site.sender.permits.in_use == 0


async def test_broken_stream_of_new_conversation_is_recovered() -> None:
    conversation = Conversation([head(), PARTIAL, BROKEN], stored("Hello", **FINISHED))

    assert await pieces_of(conversation.site.stream()) == ["Hel", "lo"]


async def test_broken_stream_of_answer_under_way_delivers_each_change(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "chatgpt_browser")
    states = [stored(), stored("Hell", status="in_progress"), stored("Hello", **FINISHED)]
    conversation = Conversation([head(), PARTIAL, BROKEN], *states)

    assert await pieces_of(conversation.site.stream()) == ["Hel", "l", "o"]
    assert "the stream broke off (StreamInterruptedError" in caplog.text
    assert "the answer was read from the conversation" in caplog.text


async def test_broken_stream_before_head_in_known_conversation_is_recovered() -> None:
    lost: Frame = ["error", "head", "TypeError", "Failed to fetch"]
    conversation = Conversation([lost], stored("Hello", **FINISHED))

    stream = conversation.site.stream("Hi", conversation_id="c1", parent_message_id="p")

    assert await pieces_of(stream) == ["Hello"]


async def test_response_with_websocket_address_is_recovered() -> None:
    frames = body(200, '{"wss_url": "wss://x", "conversation_id": "c1"}')
    conversation = Conversation(frames, stored("Hello", **FINISHED))

    assert await pieces_of(conversation.site.stream()) == ["Hello"]


async def test_crashed_page_is_recovered() -> None:
    conversation = Conversation([head(), PARTIAL], stored("Hello", **FINISHED))
    stream = conversation.site.stream()
    assert await anext(stream) == "Hel"

    conversation.site.transport.streams[0].fail(BrowserCrashedError("The page crashed."))

    assert await pieces_of(stream) == ["lo"]


@pytest.mark.parametrize(
    ("states", "reads"),
    [
        ([], 2),
        ([stored()], 2),
        (
            [
                stored(
                    "Hel",
                    status="finished_partial_completion",
                    metadata={"finish_details": {"type": "interrupted"}},
                )
            ],
            1,
        ),
        ([lambda _: tree(user_message("another"), message("Other", **FINISHED))], 2),
        ([lambda _: []], 2),
    ],
    ids=["no conversation", "no answer", "stopped", "no such question", "no object"],
)
async def test_broken_stream_without_answer_under_way_raises_original_error(
    states: list[Any], reads: int
) -> None:
    conversation = Conversation([head(), PARTIAL, BROKEN], *states)

    with pytest.raises(StreamInterruptedError, match="ERR_CONNECTION_RESET") as raised:
        await pieces_of(conversation.site.stream())

    assert (raised.value.partial_text, raised.value.conversation_id) == ("Hel", "c1")
    assert conversation.reads == reads
    assert len(conversation.site.messages) == 1


async def test_broken_stream_with_unchanging_answer_raises_original_error() -> None:
    conversation = Conversation(
        [head(), PARTIAL, BROKEN], stored("Hell", status="in_progress"), idle_timeout=200
    )

    with pytest.raises(StreamInterruptedError, match="ERR_CONNECTION_RESET") as raised:
        await pieces_of(conversation.site.stream())

    assert raised.value.partial_text == "Hell"


async def test_broken_stream_without_recover_raises_without_reading() -> None:
    conversation = Conversation([head(), PARTIAL, BROKEN], stored("Hello", **FINISHED), recover=False)

    with pytest.raises(StreamInterruptedError) as raised:
        await pieces_of(conversation.site.stream())

    assert raised.value.partial_text == "Hel"
    assert conversation.reads == 0


LISTED = "/conversations?offset=0&limit=20"


@pytest.mark.parametrize(
    "ending",
    [[head(), BROKEN], [["error", "head", "TypeError", "Failed to fetch"]], [head(), ["end"]]],
    ids=["after the head", "before the head", "body ends"],
)
async def test_stream_broken_before_first_event_of_new_conversation_is_recovered(ending: list[Frame]) -> None:
    conversation = Conversation(ending, stored("Hello", **FINISHED))
    conversation.site.browser.backend[LISTED] = {"items": [{"id": "c0", "title": "Other"}, {"id": "c1"}]}
    stream = conversation.site.stream()

    assert await pieces_of(stream) == ["Hello"]
    assert (stream.conversation_id, stream.message_id) == ("c1", "answer")
    assert len(conversation.site.messages) == 1


@pytest.mark.parametrize("listed", [None, [{"id": "c0"}]], ids=["no list", "not in the list"])
async def test_broken_stream_of_conversation_that_is_not_found_raises_original_error(listed: Any) -> None:
    conversation = Conversation([head(), BROKEN], stored("Hello", **FINISHED))
    conversation.site.browser.backend[LISTED] = listed and {"items": listed}

    with pytest.raises(StreamInterruptedError, match="ERR_CONNECTION_RESET") as raised:
        await pieces_of(conversation.site.stream())

    assert raised.value.conversation_id is None
    assert (conversation.reads, len(conversation.site.messages)) == (0, 1)


async def test_broken_stream_of_found_question_without_answer_raises_error_with_conversation() -> None:
    conversation = Conversation([head(), BROKEN], stored())
    conversation.site.browser.backend[LISTED] = {"items": [{"id": "c1"}]}

    with pytest.raises(StreamInterruptedError, match="ERR_CONNECTION_RESET") as raised:
        await pieces_of(conversation.site.stream())

    assert raised.value.conversation_id == "c1"


@pytest.mark.parametrize(
    ("frames", "kind"),
    [
        (
            [PARTIAL, events({"type": "moderation", "moderation_response": {"blocked": True}})],
            ModerationError,
        ),
        ([PARTIAL, events({"error": "No."})], StreamError),
        ([PARTIAL, ["events", [{"type": "", "data": "{"}], 1]], MalformedEventError),
        (
            [events(whole(author={"role": "tool"}, metadata={"async_task_type": "image_gen"})), ["end"]],
            StreamError,
        ),
    ],
)
async def test_error_of_the_site_is_raised_without_reading(
    frames: list[Frame], kind: type[ChatGPTError]
) -> None:
    conversation = Conversation([head(), *frames], stored("Hello", **FINISHED))

    with pytest.raises(kind):
        await pieces_of(conversation.site.stream("Hi", conversation_id="c1", parent_message_id="p"))

    assert conversation.reads == 0


async def test_answer_withheld_meanwhile_raises_moderation_error() -> None:
    verdict = {"message_id": "answer", "blocked": True, "flagged": True}
    state = lambda question: tree(user_message(question)) | {"moderation_results": [verdict]}  # noqa: E731
    conversation = Conversation([head(), PARTIAL, BROKEN], state)

    with pytest.raises(ModerationError) as raised:
        await pieces_of(conversation.site.stream())

    assert raised.value.partial_text == "Hel"


async def test_recovery_ends_at_timeout_and_abort() -> None:
    controller = AbortController()
    growing = [stored("Hel", status="in_progress")]
    for timeout, signal, kind in ((0.1, None, ChatGPTTimeoutError), (20, controller.signal, AbortError)):
        conversation = Conversation([head(), PARTIAL, BROKEN], *growing)
        stream = conversation.site.stream(timeout=timeout, signal=signal)
        reading = asyncio.create_task(pieces_of(stream))
        if signal is not None:
            await conversation.second_read.wait()
            controller.abort()

        with pytest.raises(kind):
            await reading
        assert stream.text == "Hel"


async def test_answer_cut_at_its_length_is_returned_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    cut = {"status": "finished_partial_completion", "metadata": {"finish_details": {"type": "max_tokens"}}}
    conversation = Conversation([head(), events(whole("Hel", **cut), DONE)])

    assert await pieces_of(conversation.site.stream()) == ["Hel"]
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert record.getMessage() == "the reply is incomplete: the site ended it with 'max_tokens'"
