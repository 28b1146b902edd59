"""Conversations that are continued with ``send_via="page"``: loading, addresses, two answers, altered and repeated requests."""

from __future__ import annotations

import itertools
import json
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import PageError, StreamInterruptedError
from chatgpt_browser.testing import Answer, Break, ConversationView, FakeChatGPT, Gate, Hold, RawBody, Reply
from chatgpt_browser.testing.server.static_files import read_static

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser import ChatGPTAPI
    from tests.support.client_fixtures import Connect

USUAL = ConversationView()
LOGGER = "chatgpt_browser"
#: Seconds until a page sets its address, longer than any test.
NEVER = 3600
PROJECT = "g-p-1a2b-letters"


def combinations(*values: list[Any], usual: list[tuple[Any, ...]]) -> list[Any]:
    """Return all combinations of these values as parameters of a test. Those that are not in `usual` are marked `long`."""
    every = [*itertools.product(*values)]
    assert {*usual} <= {*every}
    return [pytest.param(*each, marks=() if each in usual else pytest.mark.long) for each in every]


@pytest.fixture(scope="module")
def app_server() -> Iterator[FakeChatGPT]:
    with FakeChatGPT(form="app") as server:
        yield server
        assert server.errors == []


@pytest.fixture(scope="module")
def page_client(app_server: FakeChatGPT) -> Iterator[ChatGPTAPI]:
    from chatgpt_browser import ChatGPTAPI
    from tests.support.scripted_site import base_urls

    with ChatGPTAPI(app_server.session_token, send_via="page", **base_urls(app_server)) as client:
        yield client


@pytest.fixture
def server(app_server: FakeChatGPT) -> Iterator[FakeChatGPT]:
    yield app_server
    app_server.conversation_view = USUAL


@pytest.fixture
def api(page_client: ChatGPTAPI, server: FakeChatGPT) -> ChatGPTAPI:
    return page_client


def posts(server: FakeChatGPT) -> list[Any]:
    """Return the requests with which pages have sent messages."""
    return [r for r in server.requests if r.method == "POST" and r.path.endswith("/f/conversation")]


def reads_of_client(server: FakeChatGPT, conversation_id: str) -> int:
    """Return the number of times that the conversation was read as a whole."""
    return sum(
        r.path.endswith(f"/conversation/{conversation_id}") for r in server.requests if r.method == "GET"
    )


def pages_opened(server: FakeChatGPT) -> int:
    return sum(r.method == "GET" and (r.path == "/" or "/c/" in r.path) for r in server.requests)


# ---- Loading -----------------------------------------------------------------------------------------------------------


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("loading", "message_ids"),
    combinations(
        ["conversation", "conversations", "batch"],
        ["turn", "search", "selection", "none"],
        usual=[
            ("conversation", "turn"),
            ("conversations", "search"),
            ("batch", "selection"),
            ("conversation", "none"),
        ],
    ),
)
def test_navigation_each_way_of_loading_continues_conversation(
    server: FakeChatGPT, api: ChatGPTAPI, loading: Any, message_ids: Any
) -> None:
    server.conversation_view = ConversationView(loading=loading, message_ids=message_ids)
    kept = server.add_conversation([("user", "My name is Ada."), ("assistant", "Hello, Ada.")])
    newest = kept.current_node

    assert 'Before that you said: "My name is Ada."' in api.send_message("And?", conversation_id=kept.id)
    assert posts(server)[-1].json["parent_message_id"] == newest


@pytest.mark.parametrize("loading", ["conversations", "batch"])
def test_navigation_slow_loading_delays_message(server: FakeChatGPT, api: ChatGPTAPI, loading: Any) -> None:
    """The page has another response about the conversation first, and shows no ids."""
    server.conversation_view = ConversationView(loading=loading, message_ids="none")
    kept = server.add_conversation([("user", "My name is Ada."), ("assistant", "Hello, Ada.")])
    newest, gate = kept.current_node, Gate()
    data: Any = kept.to_messages(10) if loading == "conversations" else [kept.to_detail()]
    slow = RawBody([Hold(gate), json.dumps(data).encode()], content_type="application/json")
    path = f"/conversations/{kept.id}" if loading == "conversations" else "/conversations/batch"
    server.script_path(path, slow)
    sent = len(posts(server))

    def open_gate() -> None:
        server.wait_for_request(path, timeout=20)
        assert len(posts(server)) == sent
        gate.open()

    opener = threading.Timer(0.5, open_gate)
    opener.start()
    assert 'Before that you said: "My name is Ada."' in api.send_message("And?", conversation_id=kept.id)
    opener.join(20)
    assert posts(server)[-1].json["parent_message_id"] == newest


def test_navigation_stale_copy_of_conversation_is_not_loaded(
    server: FakeChatGPT, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatgpt_browser._transport.site_ui.navigation._LOAD_TIMEOUT", 1.0)
    server.conversation_view = ConversationView(loading="batch")
    kept = server.add_conversation([("user", "One"), ("assistant", "Two")])
    stale = kept.to_detail()
    kept.add("assistant", "Four", kept.add("user", "Three", kept.current_node).id)
    server.script_path("/conversations/batch", Answer(200, [stale]))
    sent = len(posts(server))

    with pytest.raises(PageError, match="did not load the messages of the conversation"):
        api.send_message("And?", conversation_id=kept.id)
    assert len(posts(server)) == sent


# ---- Addresses ---------------------------------------------------------------------------------------------------------


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("address_after", "first_address", "project"),
    # In the ordinary suite, each two of the three have each pair of values.
    combinations(
        [None, 0, 0.3, NEVER],
        ["home", "temporary"],
        [None, PROJECT],
        usual=[
            (None, "home", None),
            (None, "temporary", PROJECT),
            (0, "home", PROJECT),
            (0, "temporary", None),
            (0.3, "home", None),
            (0.3, "temporary", PROJECT),
            (NEVER, "home", PROJECT),
            (NEVER, "temporary", None),
        ],
    ),
)
def test_site_page_late_address_next_message_uses_same_page(
    server: FakeChatGPT, api: ChatGPTAPI, project: Any, first_address: Any, address_after: Any
) -> None:
    server.conversation_view = ConversationView(
        first_address=first_address, address_after=address_after, project=project
    )
    conversation = api.get_conversation()
    conversation.send_message("My name is Ada.")
    opened = pages_opened(server)
    assert "My name is Ada." in conversation.send_message("And?")
    assert 'Before that you said: "And?"' in conversation.send_message("Once more")

    # If the address is very late, the page may not know the conversation, so that it is opened again.
    assert pages_opened(server) == opened + (address_after == NEVER)
    kept = server.conversations[conversation.conversation_id or ""]
    assert [text for role, text in kept.history() if role == "user"] == [
        "My name is Ada.",
        "And?",
        "Once more",
    ]


def test_site_page_other_conversation_opened_by_page_is_not_used(
    server: FakeChatGPT, api: ChatGPTAPI
) -> None:
    conversation = api.get_conversation()
    conversation.send_message("One")
    opened = pages_opened(server)

    async def leave() -> None:
        (page,) = api._core._sender.site_pages.idle_pages  # type: ignore[attr-defined]
        await page._page.evaluate("history.pushState(null, '', '/c/another')")
        await page._page.evaluate("0")  # The event of the new address has arrived before this result.

    api._portal.call(leave)
    assert 'Before that you said: "One"' in conversation.send_message("Two")
    assert pages_opened(server) == opened + 1


# ---- Two answers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "is_reopened"),
    combinations(["whole", "delta"], [False, True], usual=[("whole", False), ("delta", True)]),
)
def test_send_via_page_two_answers_can_be_continued(
    server: FakeChatGPT, api: ChatGPTAPI, is_reopened: bool, encoding: Any
) -> None:
    conversation = api.get_conversation()
    server.script(Reply("Answer A", alternative="Answer B", encoding=encoding))
    assert conversation.send_message("Which?") == "Answer A"
    kept = server.conversations[conversation.conversation_id or ""]
    assert kept.current_node != conversation.parent_message_id
    if is_reopened:
        api.send_message("Elsewhere")
    assert 'Before that you said: "Which?"' in conversation.send_message("Next")


# ---- Altered requests --------------------------------------------------------------------------------------------------

SENT = "body: JSON.stringify(body),"
ALTER = 'JSON.stringify(body).replace("Hello", "Goodbye")'
#: The page's body for a message, and True if the message is altered.
BODIES = {
    "blob": (f"new Blob([{ALTER}])", True),
    "form": (f"(() => {{ const form = new FormData(); form.append('m', {ALTER}); return form; }})()", True),
    "form with a file": (
        f"(() => {{ const form = new FormData(); form.append('m', new Blob([{ALTER}])); return form; }})()",
        True,
    ),
    "long": (f"{ALTER}.replace('next', 'next'.padEnd(3e6))", True),
    "gzip": (
        f"await new Response(new Blob([{ALTER}]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer()",
        True,
    ),
    "extra part": ('JSON.stringify(body).replace(\'"parts":[\', \'"parts":["Goodbye",\')', True),
    "second key": ("JSON.stringify(body).replace('{', '{\"messages\":[],')", True),
    "same blob": ("new Blob([JSON.stringify(body)])", False),
}


@pytest.mark.sample(3)
@pytest.mark.parametrize("how", BODIES)
def test_send_via_page_altered_request_raises_and_stops(
    server: FakeChatGPT, api: ChatGPTAPI, how: str
) -> None:
    body, is_altered = BODIES[how]
    arrow = "(path, body, headers, signal) =>"
    script = read_static("app/api.js").replace(f"{arrow}\n  request(", f"async {arrow}\n  request(")
    if how == "form" or how == "form with a file":
        script = script.replace('headers: { "content-type": "application/json", ...headers }', "headers")
    assert SENT in script
    script = script.replace(SENT, f"body: path.startsWith('f/') ? {body} : JSON.stringify(body),")
    javascript = Answer(200, script, content_type="text/javascript; charset=utf-8")
    server.script_path("/app/api.js", javascript)
    sent = len(posts(server))
    if is_altered:
        with pytest.raises(PageError, match="check the conversation"):
            api.send_message("Hello")
    else:
        assert api.send_message("Hello") == 'You said: "Hello".'
    assert len(posts(server)) == sent + 1


def test_send_via_page_altered_text_stops_the_reply(server: FakeChatGPT, api: ChatGPTAPI) -> None:
    script = read_static("app/api.js").replace("parts: [text]", 'parts: [text, "More"]')
    server.script_path("/app/api.js", Answer(200, script, content_type="text/javascript; charset=utf-8"))
    server.script(Reply(pieces=["One", " two"], hold_after=1, gate=Gate()))
    with pytest.raises(PageError, match="more or less than one part"):
        api.send_message("Hello")
    assert posts(server)[-1].disconnected.wait(20)


# ---- Repeated requests -------------------------------------------------------------------------------------------------


def test_send_via_page_http1_connection_without_response_sends_once(
    server: FakeChatGPT, api: ChatGPTAPI
) -> None:
    sent, conversation = len(posts(server)), api.get_conversation()
    conversation.send_message("One")
    server.script(Break())
    with pytest.raises(StreamInterruptedError):
        conversation.send_message("Two")
    texts = [post.json["messages"][0]["content"]["parts"] for post in posts(server)[sent:]]
    assert texts == [["One"], ["Two"]]


def test_send_via_page_http2_message_sent_twice_is_logged(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """Chromium sends the message again over a new connection, which cannot be prevented: see ``connection_log``."""
    with FakeChatGPT(form="app", tls=True) as server:
        conversation = connect(server, send_via="page", ignore_https_errors=True).get_conversation()
        with caplog.at_level(logging.WARNING, LOGGER):
            for text in ("One", "Two"):
                conversation.send_message(text)
            assert "sent it twice" not in caplog.text
            server.script(Break())
            with pytest.raises(Exception):  # noqa: B017 - the site refuses the second request, whose token is used
                conversation.send_message("Three")
        sent = [post.json["messages"][0]["content"]["parts"][0] for post in posts(server)]
        assert (posts(server)[-1].http_version, sent) == ("2", ["One", "Two", "Three", "Three"])
        assert "sent it twice" in caplog.text


# ---- Reads of the conversation -----------------------------------------------------------------------------------------


def test_send_via_page_follow_up_reads_no_conversation(server: FakeChatGPT, api: ChatGPTAPI) -> None:
    for message_ids in ("message", "turn", "search", "selection"):
        server.conversation_view = ConversationView(message_ids=message_ids)
        conversation = api.get_conversation()
        for text in ("One", "Two", "Three"):
            conversation.send_message(text)
        assert reads_of_client(server, conversation.conversation_id or "") == 0


def test_send_via_page_follow_up_reads_conversation_if_page_may_disagree(
    server: FakeChatGPT, api: ChatGPTAPI
) -> None:
    server.conversation_view = ConversationView(message_ids="none")
    conversation = api.get_conversation()
    conversation.send_message("One")
    conversation_id = conversation.conversation_id or ""
    conversation.send_message("Two")
    assert reads_of_client(server, conversation_id) == 1, "the page shows no ids"
    api.send_message("Three", conversation_id=conversation_id)
    assert reads_of_client(server, conversation_id) == 2, "the newest message may be another one"
