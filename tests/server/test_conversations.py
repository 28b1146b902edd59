"""The choice of the conversation, with a client in memory: positions that cannot be continued, and a store that fails."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import (
    APIConnectionError,
    ComposerNotFoundError,
    ConversationNotFoundError,
    OptionNotAppliedError,
    PageError,
    StreamInterruptedError,
)
from chatgpt_browser._store.transcript_store import StoredPosition, TranscriptStore
from chatgpt_browser._transport.base import Delivery
from chatgpt_browser.server.call import Call
from chatgpt_browser.server.conversations import Conversations
from chatgpt_browser.server.errors import APIError
from chatgpt_browser.server.messages import InputMessage

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

HISTORY = [InputMessage("user", "One?"), InputMessage("assistant", "One."), InputMessage("user", "Two?")]


class Stream:
    """A reply stream that fails to open with an error, before or after its message was sent."""

    conversation_id, message_id = "c-1", "m-1"

    def __init__(self, error: Exception | None, *, was_sent: bool) -> None:
        self._error = error
        delivery = Delivery()
        if was_sent:
            delivery.confirm("q-1")
        self._lease = SimpleNamespace(delivery=delivery)

    async def __aenter__(self) -> Stream:
        if self._error is not None:
            raise self._error
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


class Client:
    """A client whose messages fail in order with these errors. It records the options of each message."""

    _options = SimpleNamespace(site=SimpleNamespace(origin="https://site.example"))

    def __init__(self, *errors: Exception | None, was_sent: bool = False) -> None:
        self._errors = [*errors]
        self._was_sent = was_sent
        self.sent: list[tuple[str, str | None]] = []

    def stream_message(self, text: str, *, conversation_id: str | None = None, **_: Any) -> Stream:
        if isinstance(self._errors[0], ValueError):
            raise self._errors.pop(0) or AssertionError
        self.sent.append((text, conversation_id))
        return Stream(self._errors.pop(0), was_sent=self._was_sent)


async def conversations_with(client: Any, path: Path) -> Conversations:
    """Return the object under test. The history up to its answer is stored."""
    conversations = Conversations(client, TranscriptStore(path))
    stored: Any = Stream(None, was_sent=True)
    await conversations.store(Call("auto", HISTORY[:1]), stored, "One.")
    return conversations


@pytest.mark.parametrize("error", [ConversationNotFoundError("gone"), PageError("not the newest message")])
async def test_history_whose_position_cannot_be_continued_is_sent_whole(
    tmp_path: Path, error: Exception
) -> None:
    client = Client(error, None)
    conversations = await conversations_with(client, tmp_path / "jobs.sqlite3")
    async with conversations.open_reply(Call("auto", HISTORY)):
        pass

    assert client.sent[0] == ("Two?", "c-1")
    assert client.sent[1][0].endswith("[user]\nTwo?")
    assert client.sent[1][1] is None


@pytest.mark.parametrize(
    ("error", "was_sent"),
    [
        (PageError("in doubt"), True),
        (StreamInterruptedError("broken"), True),
        (ComposerNotFoundError("no composer"), False),
        (APIConnectionError("no network"), False),
    ],
)
async def test_history_after_other_error_is_not_sent_again(
    tmp_path: Path, error: Exception, was_sent: bool
) -> None:
    client = Client(error, None, was_sent=was_sent)
    conversations = await conversations_with(client, tmp_path / "jobs.sqlite3")
    with pytest.raises(type(error)):
        async with conversations.open_reply(Call("auto", HISTORY)):
            pass
    assert len(client.sent) == 1

    # The next request continues the conversation only if the message was certainly not sent.
    async with conversations.open_reply(Call("auto", HISTORY)):
        pass
    assert client.sent[1][1] == (None if was_sent else "c-1")


async def test_history_with_invalid_option_can_be_continued_without_it(tmp_path: Path) -> None:
    client = Client(ValueError("effort cannot be used"), None)
    conversations = await conversations_with(client, tmp_path / "jobs.sqlite3")
    with pytest.raises(OptionNotAppliedError, match="effort"):
        async with conversations.open_reply(Call("auto", HISTORY)):
            pass
    async with conversations.open_reply(Call("auto", HISTORY)):
        pass

    assert client.sent == [("Two?", "c-1")]


@pytest.mark.parametrize("is_first", [True, False])
async def test_previous_response_that_is_not_sent_keeps_mark_of_earlier_request(
    tmp_path: Path, is_first: bool
) -> None:
    client: Any = Client(*([] if is_first else [None]), APIConnectionError("no network"), None)
    conversations = Conversations(client, TranscriptStore(tmp_path / "jobs.sqlite3"))
    stored: Any = Stream(None, was_sent=True)
    for call in (Call("auto", HISTORY[:1], response_id="resp_1"), Call("auto", HISTORY[:1])):
        await conversations.store(call, stored, "One.")
    call = Call("auto", HISTORY[2:], previous_response_id="resp_1")
    if not is_first:
        async with conversations.open_reply(call):
            pass
    with pytest.raises(APIConnectionError):
        async with conversations.open_reply(call):
            pass
    async with conversations.open_reply(Call("auto", HISTORY)):
        pass

    # The history continues the conversation only if no request with the previous response was sent.
    assert client.sent[-1][1] == ("c-1" if is_first else None)


@pytest.mark.parametrize("is_first", [True, False])
async def test_previous_response_that_was_continued_before_is_named_in_the_error(
    tmp_path: Path, is_first: bool
) -> None:
    client: Any = Client(*([] if is_first else [None]), PageError("not the newest message"))
    conversations = Conversations(client, TranscriptStore(tmp_path / "jobs.sqlite3"))
    stored: Any = Stream(None, was_sent=True)
    await conversations.store(Call("auto", HISTORY[:1], response_id="resp_1"), stored, "One.")
    call = Call("auto", HISTORY[2:], previous_response_id="resp_1")
    if not is_first:
        async with conversations.open_reply(call):
            pass
    with pytest.raises(PageError if is_first else APIError) as refused:
        async with conversations.open_reply(call):
            pass
    if isinstance(refused.value, APIError):
        assert (refused.value.status, refused.value.param) == (400, "previous_response_id")
        assert "'resp_1'" in str(refused.value)
    assert {chat for _, chat in client.sent} == {"c-1"}


async def test_store_that_fails_does_not_prevent_an_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client: Any = Client(None)
    path = tmp_path / "jobs.sqlite3"
    path.write_text("not a database, but a text that is long enough to be read as one" * 20)
    conversations = await conversations_with(client, path)
    async with conversations.open_reply(Call("auto", HISTORY)):
        pass

    assert client.sent[0][1] is None
    assert "cannot continue this conversation" in caplog.text
    assert "sent as one message" in caplog.text


# ---- the store -------------------------------------------------------------------------------------------------------


async def test_transcript_store_forgets_old_and_surplus_positions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("chatgpt_browser._store.transcript_store._MAX_ENTRIES", 3)
    store = TranscriptStore(tmp_path / "jobs.sqlite3", clock=lambda: now)
    store.add(["old"], StoredPosition("c-0", "m-0"))
    now = 91 * 24 * 3600.0
    for number in range(4):
        store.add([f"key-{number}"], StoredPosition("c-1", f"m-{number}"))

    known = [name for name in ("old", "key-0", "key-1", "key-2", "key-3") if store.find(name)]
    assert known == ["key-1", "key-2", "key-3"]
    store.forget(StoredPosition("c-1", "m-1"))
    assert store.find("key-3") is None
    store.close()
