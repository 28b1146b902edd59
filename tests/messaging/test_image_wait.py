"""The wait for an image that the site makes after the end of the stream."""

from __future__ import annotations

from typing import Any

import pytest

from chatgpt_browser import ChatGPTTimeoutError, ConversationNotFoundError, RateLimitError
from chatgpt_browser._core.models import Prompt, QuestionRef
from chatgpt_browser._messaging import image_wait
from chatgpt_browser._messaging.conversation_lookup import ConversationLookup
from chatgpt_browser._messaging.image_wait import ImageWait
from chatgpt_browser._protocol.file_refs import has_image
from chatgpt_browser._protocol.reply_reader import ReplyReader
from tests.support.reply_events import item

pytestmark = pytest.mark.anyio

TASK = {
    "id": "task",
    "author": {"role": "tool", "name": "painter"},
    "content": {"content_type": "text", "parts": ["Processing image"]},
    "metadata": {"async_task_type": "image_gen"},
}
IMAGE = {
    "id": "image",
    "author": {"role": "tool", "name": "painter"},
    "content": {
        "content_type": "multimodal_text",
        "parts": [{"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_1"}],
    },
    "metadata": {"async_task_type": "image_gen"},
}
ANSWER = {
    "id": "answer",
    "author": {"role": "assistant"},
    "recipient": "all",
    "content": {"content_type": "text", "parts": ["I cannot draw that."]},
    "status": "finished_successfully",
    "end_turn": True,
}
QUESTION = {
    "id": "question",
    "author": {"role": "user"},
    "content": {"content_type": "text", "parts": ["draw"]},
}


def conversation(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a stored conversation with a question and these messages, one after another."""
    nodes: dict[str, Any] = {}
    parent = None
    for message in (QUESTION, *messages):
        nodes[message["id"]] = {"id": message["id"], "parent": parent, "message": message}
        parent = message["id"]
    return {"mapping": nodes, "current_node": parent, **fields}


class Backend:
    """Responds to each request with the next result. The last result is repeated."""

    def __init__(self, *results: Any) -> None:
        self.results = list(results)
        self.count = 0

    async def request_json(self, method: str, path: str) -> Any:
        self.count += 1
        result = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        if isinstance(result, Exception):
            raise result
        return result


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_wait, "_FIRST_PAUSE", 0.0)


async def waited(
    *results: Any, messages: tuple[dict[str, Any], ...] = (TASK,)
) -> tuple[ReplyReader, Backend]:
    reader, backend = ReplyReader(), Backend(*results)
    reader.waits_for_images = True
    reader.conversation_id = "c1"
    for message in messages:
        reader.turn.note(message)
    await ImageWait(backend, reader, QuestionRef("c1", "question")).run()  # type: ignore[arg-type]
    return reader, backend


@pytest.mark.parametrize(
    "results",
    [
        [conversation(TASK), conversation(TASK, IMAGE)],
        [conversation(TASK), conversation(IMAGE | {"id": "task"})],
        [RateLimitError("slow", retry_after=0.01), conversation(TASK, IMAGE)],
        [ConversationNotFoundError("not yet"), conversation(TASK, IMAGE)],
    ],
    ids=["another message", "the same message", "rate limit", "not stored yet"],
)
async def test_image_wait_reads_until_the_image_is_stored(results: list[Any]) -> None:
    reader, backend = await waited(*results)
    assert backend.count == 2
    assert reader.message_id in ("image", "task")


async def test_image_wait_without_a_pending_image_sends_no_request() -> None:
    _, backend = await waited(conversation(), messages=(TASK, IMAGE))
    assert backend.count == 0


async def test_image_wait_answer_instead_of_an_image_ends_the_wait() -> None:
    reader, backend = await waited(conversation(TASK, ANSWER))
    assert (reader.text, reader.message_id, backend.count) == ("I cannot draw that.", "answer", 1)


async def test_image_wait_answer_of_the_stream_does_not_end_the_wait() -> None:
    results = [conversation(TASK, ANSWER), conversation(TASK, ANSWER, IMAGE)]
    _, backend = await waited(*results, messages=(TASK, ANSWER))
    assert backend.count == 2


async def test_image_wait_answer_while_the_site_works_does_not_end_the_wait() -> None:
    _, backend = await waited(conversation(TASK, ANSWER, async_status=7), conversation(TASK, ANSWER, IMAGE))
    assert backend.count == 2


@pytest.mark.parametrize(
    ("between", "after"),
    [
        (
            (TASK, TASK | {"id": "task2"}, IMAGE),
            (TASK, TASK | {"id": "task2"}, IMAGE, IMAGE | {"id": "image2"}),
        ),
        ((TASK, IMAGE | {"id": "task2"}), (IMAGE | {"id": "task"}, IMAGE | {"id": "task2"})),
    ],
    ids=["new messages", "the same messages"],
)
async def test_image_wait_waits_for_each_of_several_images(
    between: tuple[dict[str, Any], ...], after: tuple[dict[str, Any], ...]
) -> None:
    tasks = (TASK, TASK | {"id": "task2"})
    results = [conversation(*between, async_status=7), conversation(*after)]
    reader, backend = await waited(*results, messages=tasks)
    assert backend.count == 2
    assert sum(map(has_image, reader.turn.messages)) == 2


async def test_image_wait_ends_if_the_site_no_longer_works_on_a_missing_image() -> None:
    tasks = (TASK, TASK | {"id": "task2"})
    _, backend = await waited(conversation(*tasks, IMAGE), messages=tasks)
    assert backend.count == 1


async def test_image_wait_refused_task_ends_the_wait() -> None:
    _, backend = await waited(conversation(TASK | {"status": "finished_with_error"}))
    assert backend.count == 1


async def lookup_after(
    *stored: dict[str, Any], backend: Backend | None = None
) -> tuple[ConversationLookup, ReplyReader]:
    """Return a lookup after a reply: the stream had TASK and ANSWER, then the conversation was read with these messages."""
    reader = ReplyReader()
    reader.conversation_id = "c1"
    for each in (TASK, ANSWER):
        reader.feed(item({"message": each, "conversation_id": "c1"}))
    reader.finish()
    reader.turn.note_stored(stored)
    lookup = ConversationLookup(backend or Backend())  # type: ignore[arg-type]
    lookup.note_answered(QuestionRef("c1", "question"), reader)
    return lookup, reader


@pytest.mark.parametrize(
    ("stored", "parent"),
    [
        ((TASK, ANSWER, IMAGE), "image"),
        ((IMAGE | {"id": "task"}, ANSWER), "answer"),
        # After a hand-off, the conversation was read before the answer existed. The stream then had the rest.
        ((IMAGE | {"id": "task"},), "answer"),
    ],
)
async def test_lookup_known_image_after_the_answer_is_the_parent(
    stored: tuple[dict[str, Any], ...], parent: str
) -> None:
    lookup, _ = await lookup_after(*stored)
    assert await lookup.find_parent("c1", "answer") == parent


@pytest.mark.parametrize(
    ("later", "parent"),
    [
        ((TASK, ANSWER, IMAGE), "image"),
        ((TASK, ANSWER), "answer"),
        # The conversation has gone on after another question.
        ((TASK, ANSWER, QUESTION | {"id": "other"}), "answer"),
    ],
)
async def test_lookup_pending_image_is_looked_for_before_the_next_message(
    later: tuple[dict[str, Any], ...], parent: str
) -> None:
    backend = Backend(conversation(*later))
    lookup, reader = await lookup_after(backend=backend)
    assert await lookup.find_parent("c1", "answer") == parent
    assert backend.count == 1
    # The page may send the next message after the image, so the turn is read before the next message by the page too.
    assert lookup.find_known_turn(Prompt("next", "c1", reader.message_id)) is None


async def test_lookup_pending_image_of_conversation_that_is_not_stored_yet_keeps_the_parent() -> None:
    lookup, _ = await lookup_after(backend=Backend(ConversationNotFoundError("not yet")))
    assert await lookup.find_parent("c1", "answer") == "answer"


async def test_image_wait_longer_rate_limit_is_raised() -> None:
    with pytest.raises(RateLimitError):
        await waited(RateLimitError("slow", retry_after=300))


async def test_image_wait_has_a_limit_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_wait, "_MAX_WAIT", 0.05)
    monkeypatch.setattr(image_wait, "_FIRST_PAUSE", 0.01)
    with pytest.raises(ChatGPTTimeoutError, match="made no image"):
        await waited(conversation(TASK))
