"""Replies whose stream breaks off, through Chromium and in both transports: the answer is read from the conversation."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

import pytest

from chatgpt_browser import ChatGPTAPI, ChatGPTError, ModerationError, StreamInterruptedError
from chatgpt_browser.testing import Aside, FakeChatGPT, Gate, Reply
from tests.support.scripted_site import base_urls, posts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.client_fixtures import Connect, Serve
    from tests.support.client_processes import Mark

TEXT = "An answer of six short words."
#: The options of the client and of the server, for each transport and each encoding.
WAYS: dict[str, tuple[Literal["fetch", "page"], dict[str, Any]]] = {
    "fetch-whole": ("fetch", {"encoding": "whole"}),
    "fetch-delta": ("fetch", {"encoding": "delta"}),
    "page-whole": ("page", {"form": "app", "encoding": "whole"}),
    "page-delta": ("page", {"form": "app", "encoding": "delta"}),
}


@pytest.fixture(scope="module", params=WAYS)
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[FakeChatGPT, ChatGPTAPI]]:
    """A server and a client, for each way of sending."""
    send_via, options = WAYS[request.param]
    with (
        FakeChatGPT(**options) as server,
        ChatGPTAPI(server.session_token, **base_urls(server), send_via=send_via) as api,
    ):
        yield server, api


def error_of(api: ChatGPTAPI) -> ChatGPTError:
    with pytest.raises(ChatGPTError) as raised:
        api.send_message("Hi")
    return raised.value


@pytest.mark.sample(2)
def test_broken_stream_that_continues_is_recovered_and_sent_once(
    pair: tuple[FakeChatGPT, ChatGPTAPI], caplog: pytest.LogCaptureFixture
) -> None:
    server, api = pair
    before = len(posts_of(server.requests))
    caplog.set_level(logging.INFO, "chatgpt_browser")
    gate = Gate()
    server.script(Reply(TEXT, hold_after=2, gate=gate, break_after=3, continues=True), "The second.")
    texts: list[str] = []
    conversation = api.get_conversation()

    def record(text: str) -> None:
        texts.append(text)
        gate.open()  # Chromium may drop data that is in transit when a connection breaks

    assert conversation.send_message("Hi", on_progress=record) == TEXT
    assert conversation.send_message("And?") == "The second."

    assert texts[-1] == TEXT and texts == sorted(set(texts), key=len)
    assert "the answer was read from the conversation" in caplog.text
    assert len(posts_of(server.requests)) == before + 2


@pytest.mark.sample(2)
def test_stream_broken_before_first_event_of_new_conversation_is_recovered(
    pair: tuple[FakeChatGPT, ChatGPTAPI],
) -> None:
    server, api = pair
    before = len(posts_of(server.requests))
    server.add_conversation([("Hi", "An answer to another question of the same text.")])
    # Chromium may or may not deliver the events before the answer, which contain the id of the conversation.
    server.script(Reply(TEXT, break_after=0, continues=True), "The second.")
    conversation = api.get_conversation()

    assert conversation.send_message("Hi") == TEXT
    assert conversation.send_message("And?") == "The second."
    assert len(posts_of(server.requests)) == before + 2


@pytest.mark.sample(2)
def test_broken_stream_without_answer_under_way_raises_original_error(
    pair: tuple[FakeChatGPT, ChatGPTAPI],
) -> None:
    server, api = pair
    before = len(posts_of(server.requests))
    gate = Gate()
    server.script(Reply(TEXT, hold_after=3, gate=gate, break_after=3), "The second.")

    def open_gate(text: str) -> None:
        if text == "An answer of":
            gate.open()  # Chromium may drop data that is in transit when a connection breaks

    with pytest.raises(StreamInterruptedError) as raised:
        api.send_message("Hi", on_progress=open_gate)

    assert raised.value.partial_text == "An answer of"
    assert api.send_message("And?") == "The second."
    assert len(posts_of(server.requests)) == before + 2


@pytest.mark.sample(2)
def test_ping_events_between_events_do_not_change_the_reply(pair: tuple[FakeChatGPT, ChatGPTAPI]) -> None:
    server, api = pair
    server.script(Reply(TEXT, ping_events=True, comments=True), Reply(TEXT, ping_events=True, newline="\r\n"))

    assert [api.send_message("Hi"), api.send_message("Hi")] == [TEXT, TEXT]


@pytest.mark.sample(2)
def test_reasons_of_the_site_are_in_the_error(pair: tuple[FakeChatGPT, ChatGPTAPI]) -> None:
    server, api = pair
    server.script(
        Reply(TEXT, withheld="It may violate our policies."),
        Reply(asides=[Aside.system_error("Out of memory.")], has_answer=False),
        Reply(asides=[Aside.image_task()], has_answer=False),
        Reply(TEXT, error={"message": "Too busy.", "code": "overloaded"}),
    )
    errors = [error_of(api) for _ in range(4)]

    kinds = [type(error).__name__ for error in errors]
    assert kinds == ["ModerationError", "StreamInterruptedError", "StreamInterruptedError", "StreamError"]
    words = [
        "It may violate our policies.",
        "Out of memory. (tool_error)",
        "image_gen",
        "Too busy. (overloaded)",
    ]
    assert [word for word, error in zip(words, errors, strict=True) if word not in str(error)] == []
    assert isinstance(errors[0], ModerationError) and errors[0].partial_text == TEXT


@pytest.mark.sample(2)
def test_answer_cut_at_its_length_is_returned_with_a_warning(
    pair: tuple[FakeChatGPT, ChatGPTAPI], caplog: pytest.LogCaptureFixture
) -> None:
    server, api = pair
    server.script(Reply(TEXT, finish="max_tokens"))

    assert api.send_message("Hi") == TEXT
    assert "the site ended it with 'max_tokens'" in caplog.text


@pytest.mark.sample(2)
def test_response_as_json_is_read_from_the_conversation(pair: tuple[FakeChatGPT, ChatGPTAPI]) -> None:
    server, api = pair
    before = len(posts_of(server.requests))
    server.script(Reply("Two words", as_json=True))

    assert api.send_message("Hi") == "Two words"
    assert len(posts_of(server.requests)) == before + 1


def test_response_as_json_without_recover_raises_with_reason(serve: Serve, connect: Connect) -> None:
    server = serve()
    server.script(Reply("Two words", as_json=True))

    error = error_of(connect(server, recover=False))

    assert isinstance(error, StreamInterruptedError)
    assert "WebSocket" in str(error) and error.conversation_id in server.conversations


@pytest.mark.parametrize("way", ["fetch-whole", "page-delta"])
def test_renderer_crash_during_reply_is_recovered(
    way: str, serve: Serve, connect: Connect, mark: Mark
) -> None:
    send_via, options = WAYS[way]
    server, gate = serve(**options), Gate()
    server.script(Reply(TEXT, hold_after=3, gate=gate, continues=True))
    api = connect(server, send_via=send_via, browser_args=[mark.argument])

    with api.stream_message("Hi") as stream:
        pieces = [next(stream)]
        gate.wait_reached(20)
        mark.kill_renderers()
        pieces += stream

    assert "".join(pieces) == TEXT
    assert len(posts_of(server.requests)) == 1
