"""Replies whose rest comes outside the response to the message, by the site's page in Chromium: WebSocket and resumed streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import ChatGPTAPI, StreamInterruptedError
from chatgpt_browser._messaging import handoff, recovery
from chatgpt_browser.testing import Answer, FakeChatGPT, Gate, Reply, Rest
from tests.support.scripted_site import base_urls, posts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser.testing import RecordedRequest
    from tests.support.client_fixtures import Connect, Serve
    from tests.support.client_processes import Mark

PIECES = ["An", " answer", " of", " six", " short", " words."]
TEXT = "".join(PIECES)
#: The text after each event of the answer.
PREFIXES = ["".join(PIECES[: count + 1]) for count in range(len(PIECES))]


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[FakeChatGPT, ChatGPTAPI]]:
    """A server and a client that sends by the site's page."""
    with (
        FakeChatGPT(form="app") as server,
        ChatGPTAPI(server.session_token, **base_urls(server), send_via="page") as api,
    ):
        yield server, api


@pytest.fixture
def server(pair: tuple[FakeChatGPT, ChatGPTAPI]) -> Iterator[FakeChatGPT]:
    """The shared server. After the test, it must have had no error of its own."""
    yield pair[0]
    assert pair[0].errors == []


@pytest.fixture
def api(pair: tuple[FakeChatGPT, ChatGPTAPI]) -> ChatGPTAPI:
    """The shared client."""
    return pair[1]


@pytest.fixture
def without_polling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the pause before the first poll so long that a reply is complete only if it is read in another way."""
    monkeypatch.setattr(handoff, "_FIRST_PAUSE", 600.0)
    monkeypatch.setattr(recovery, "_FIRST_PAUSE", 600.0)
    monkeypatch.setattr(recovery, "_MAX_PAUSE", 600.0)


@pytest.fixture
def quick_polling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the pauses between polls short."""
    for module in (handoff, recovery):
        monkeypatch.setattr(module, "_FIRST_PAUSE", 0.02)
        monkeypatch.setattr(module, "_MAX_PAUSE", 0.02)


def reads_of(requests: list[RecordedRequest]) -> list[str]:
    """Return the paths of the requests that read a conversation."""
    return [r.path for r in requests if r.method == "GET" and "/backend-api/conversation/" in r.path]


def resumes_of(requests: list[RecordedRequest]) -> list[int | None]:
    """Return the statuses of the responses to the page's requests for the rest of a reply."""
    return [r.status for r in requests if r.path.endswith("/f/conversation/resume")]


HANDOFFS: dict[str, dict[str, Any]] = {
    "socket, from the start, first event": {"handoff_after": 0, "rest": Rest("socket")},
    "socket, from the start, in the middle": {"handoff_after": 3, "rest": Rest("socket")},
    "socket, only the rest, in the middle": {"handoff_after": 3, "rest": Rest("socket", repeats=False)},
    "socket, whole messages": {"handoff_after": 3, "rest": Rest("socket"), "encoding": "whole"},
    "resume, from the start, first event": {"handoff_after": 1, "rest": Rest("resume")},
    "resume, only the rest, in the middle": {"handoff_after": 3, "rest": Rest("resume", repeats=False)},
    "resume, whole messages": {"handoff_after": 3, "rest": Rest("resume"), "encoding": "whole"},
    "resume, from the start, last but one event": {"handoff_after": 5, "rest": Rest("resume")},
    "socket, only the rest, last event": {"handoff_after": 6, "rest": Rest("socket", repeats=False)},
}


@pytest.mark.usefixtures("without_polling")
def test_handed_off_reply_is_read_event_by_event_without_polling(
    server: FakeChatGPT, api: ChatGPTAPI
) -> None:
    conversation = api.get_conversation()
    conversation.send_message("First")
    for name, options in HANDOFFS.items():
        before = len(server.requests)
        server.script(Reply(pieces=PIECES, interval=5, **options))
        texts: list[str] = []

        assert conversation.send_message("Hi", on_progress=texts.append) == TEXT, name

        requests = server.requests[before:]
        assert texts == PREFIXES, name
        assert (len(posts_of(requests)), reads_of(requests)) == (1, []), name


@pytest.mark.usefixtures("without_polling")
def test_frames_of_other_conversation_on_same_socket_are_ignored(
    server: FakeChatGPT, api: ChatGPTAPI
) -> None:
    gate = Gate()
    server.script(
        Reply(pieces=PIECES, handoff_after=1, hold_after=4, gate=gate, rest=Rest("socket", repeats=False))
    )
    with api.stream_message("Hi") as stream:
        pieces = [next(stream)]
        gate.wait_reached(20)
        other = 'event: delta\ndata: {"v": " OTHER"}\n\n'
        item = {"type": "stream-item", "stream_item_id": "x", "encoded_item": other}
        message = {"type": "conversation-turn-stream", "payload": item}
        server.push_to_sockets([{"type": "message", "topic_id": "conversation-turn-x", "payload": message}])
        server.push_to_sockets({"type": "message", "data": {"type": "conversation-turn-complete"}})
        gate.open()
        pieces += stream

    assert "".join(pieces) == TEXT


@pytest.mark.usefixtures("quick_polling")
@pytest.mark.parametrize("via", ["socket", "resume"])
def test_feed_that_ends_midway_loses_and_doubles_nothing(
    server: FakeChatGPT, api: ChatGPTAPI, via: Any
) -> None:
    before = len(server.requests)
    server.script(Reply(pieces=PIECES, interval=5, handoff_after=1, rest=Rest(via, ends_after=3)))
    texts: list[str] = []

    assert api.send_message("Hi", on_progress=texts.append) == TEXT

    assert texts == sorted(set(texts), key=len) and set(texts) <= set(PREFIXES)
    # The page requests a resumed stream again. It does not subscribe again.
    assert via == "resume" or reads_of(server.requests[before:])


@pytest.mark.usefixtures("quick_polling")
def test_refused_resume_is_replaced_by_reading_the_conversation(serve: Serve, connect: Connect) -> None:
    # A late request of another test's page could take the scripted response, so this test has its own server.
    server = serve(form="app")
    api = connect(server, send_via="page")
    server.script_path("/f/conversation/resume", Answer.error(404, {"code": "tokenless_resume_unavailable"}))
    server.script(Reply(pieces=PIECES, handoff_after=2, rest=Rest("resume"), interval=5))

    assert api.send_message("Hi") == TEXT

    assert resumes_of(server.requests) == [404]
    assert reads_of(server.requests)


@pytest.mark.usefixtures("without_polling")
def test_broken_stream_is_continued_by_the_resume_request_of_the_page(
    server: FakeChatGPT, api: ChatGPTAPI
) -> None:
    before, gate = len(server.requests), Gate()
    conversation = api.get_conversation()
    server.script_path("/f/conversation/resume", Answer.error(502, "Bad gateway"))
    server.script(Reply(pieces=PIECES, break_after=2, hold_after=2, gate=gate, rest=Rest("resume")))
    with conversation.stream_message("Hi") as stream:
        pieces = [next(stream), next(stream)]
        gate.open()  # the response breaks when the third event is due
        pieces += stream
    assert conversation.send_message("And?").startswith('You said: "And?"')

    requests = server.requests[before:]
    assert pieces == PIECES
    assert resumes_of(requests) == [502, 200]
    assert (len(posts_of(requests)), reads_of(requests)) == (2, [])


def test_broken_stream_without_recover_raises_although_page_resumes(serve: Serve, connect: Connect) -> None:
    server = serve(form="app")
    server.script(Reply(pieces=PIECES, interval=20, break_after=2, rest=Rest("resume")))
    api = connect(server, send_via="page", recover=False)

    with pytest.raises(StreamInterruptedError) as raised:
        api.send_message("Hi")

    assert raised.value.partial_text in ("", *PREFIXES[:2])
    assert (len(posts_of(server.requests)), reads_of(server.requests)) == (1, [])


@pytest.mark.usefixtures("without_polling")
def test_response_of_json_is_continued_by_the_socket_of_the_page(
    server: FakeChatGPT, api: ChatGPTAPI
) -> None:
    conversation, before = api.get_conversation(), len(server.requests)
    # After the first reply, the page has an open socket. The reply in JSON needs another one.
    server.script(Reply(pieces=PIECES, handoff_after=2, interval=5, rest=Rest("socket")))
    assert conversation.send_message("Hi") == TEXT
    server.script(Reply(pieces=PIECES, interval=5, as_json=True, rest=Rest("socket")))
    texts: list[str] = []

    assert conversation.send_message("Hi", on_progress=texts.append) == TEXT

    assert texts == PREFIXES
    assert reads_of(server.requests[before:]) == []


@pytest.mark.usefixtures("without_polling")
@pytest.mark.parametrize("via", ["socket", "resume"])
def test_handed_off_reply_that_is_left_early_releases_the_page(
    server: FakeChatGPT, api: ChatGPTAPI, via: Any
) -> None:
    gate = Gate()
    server.script(Reply(pieces=PIECES, handoff_after=1, hold_after=3, gate=gate, rest=Rest(via)))
    with api.stream_message("Hi") as stream:
        assert next(stream) == "An"
        assert next(stream) == " answer"
    gate.open()

    assert api.send_message("Hello?").startswith('You said: "Hello?"')
    assert api._core._sender.permits.in_use == 0


@pytest.mark.usefixtures("quick_polling")
def test_renderer_crash_after_handoff_is_recovered(serve: Serve, connect: Connect, mark: Mark) -> None:
    server, gate = serve(form="app"), Gate()
    server.script(Reply(pieces=PIECES, handoff_after=1, hold_after=3, gate=gate, rest=Rest("socket")))
    api = connect(server, send_via="page", browser_args=[mark.argument])

    with api.stream_message("Hi") as stream:
        pieces = [next(stream), next(stream)]
        gate.wait_reached(20)
        mark.kill_renderers()
        gate.open()
        pieces += stream

    assert "".join(pieces) == TEXT
    assert len(posts_of(server.requests)) == 1
