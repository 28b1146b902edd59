"""Messages with ``send_via="page"``: the public interface on FakeChatGPT's web application."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import threading
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from chatgpt_browser import (
    AbortController,
    AbortError,
    AccessTokenRejectedError,
    APIStatusError,
    AsyncChatGPTAPI,
    ChatGPTAPI,
    ChatGPTTimeoutError,
    ClientClosedError,
    ComposerNotFoundError,
    ConversationEvent,
    ConversationNotFoundError,
    DialogInTheWayError,
    MalformedEventError,
    OriginError,
    PageError,
    RateLimitError,
    SessionExpiredError,
    StreamInterruptedError,
    UnusualActivityError,
)
from chatgpt_browser._transport.site_ui.composer import Composer
from chatgpt_browser._transport.site_ui.page_pool import SitePagePool
from chatgpt_browser.testing import (
    Answer,
    Aside,
    Break,
    FakeChatGPT,
    Gate,
    Hold,
    RawBody,
    Reply,
    Stall,
    Turn,
)
from tests.support.client_clock import LIMIT, advance_clock, advance_clock_after, advance_loop_clock
from tests.support.client_processes import Mark
from tests.support.scripted_site import ScriptedSite, base_urls
from tests.support.secret_search import assert_none_in, secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser._messaging.sender import MessageSender
    from chatgpt_browser._transport.site_ui.site_page import SitePage
    from tests.support.client_fixtures import Connect

#: Delays each click on the stop button by 500 ms.
SLOW_STOP = """() => document.getElementById("stop-button").addEventListener("click", (event) => {
  if (!event.isTrusted) return;
  event.stopImmediatePropagation();
  setTimeout(() => event.target.closest("button").click(), 500);
}, true)"""
TOKENS = "sentinel/chat-requirements"
PIECES = ["Two", " and", " two", " is", " fo\U0001f600", "ur."]
ASIDES = (Aside.thoughts(), Aside.tool_call(), Aside.tool_output(), Aside.hidden())


@pytest.fixture
def scripted_site(app_site: ScriptedSite) -> Iterator[ScriptedSite]:
    app_site.begin()
    yield app_site
    server = app_site.server
    server.layout, server.modal, server.wakes_after = "usual", None, 0.0


@pytest.fixture
def api(page_client: ChatGPTAPI, scripted_site: ScriptedSite) -> ChatGPTAPI:
    return page_client


def page_pool(sender: MessageSender) -> SitePagePool:
    """Return the pool of site pages."""
    assert isinstance(sender.site_pages, SitePagePool)
    return sender.site_pages


def busy_pages(pool: SitePagePool) -> list[SitePage]:
    """Return the pages that are alive and have a message in flight."""
    return [page for page in pool._pages if page.dead is None and not page.is_idle]


def sent_messages(scripted_site: ScriptedSite) -> list[Any]:
    """Return the requests with which the page has sent messages during this test."""
    return [r for r in scripted_site.requests if r.method == "POST" and r.path.endswith("f/conversation")]


def test_send_via_page_message_delivers_reply_and_events(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    texts: list[str] = []
    events: list[ConversationEvent] = []
    reply = Reply(pieces=PIECES, asides=ASIDES, channel="final", interval=3)
    text = api.send_message(
        scripted_site.answering(reply), on_progress=texts.append, on_conversation_response=events.append
    )

    assert text == "".join(PIECES)
    assert texts == ["".join(PIECES[: n + 1]) for n in range(len(PIECES))]
    assert [event.whole["message"]["end_turn"] for event in events if event.whole is not None][-1] is True
    (record,) = sent_messages(scripted_site)
    # Only the page's own scripts fetch this token and choose this parent.
    assert record.headers["openai-sentinel-chat-requirements-token"]
    assert record.json["parent_message_id"] == "client-created-root"


def test_send_via_page_special_characters_are_sent_unchanged(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    text = 'Several\nlines, <b>"marks"</b> & \u00e4\U0001f600\n\n    indented'
    api.send_message(text)

    assert sent_messages(scripted_site)[-1].json["messages"][0]["content"]["parts"] == [text]


def test_send_via_page_conversation_keeps_context(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    conversation = api.get_conversation()
    conversation.send_message("My name is Ada.")
    assert "My name is Ada." in conversation.send_message("And?")
    ids = conversation.conversation_id, conversation.parent_message_id
    other = api.send_message("Elsewhere")
    again = api.get_conversation(conversation_id=ids[0], parent_message_id=ids[1])

    assert 'Before that you said: "And?"' in again.send_message("Once more")
    assert "Before" not in other
    kept = scripted_site.server.conversations[ids[0] or ""]
    assert [role for role, _ in kept.history()] == ["user", "assistant"] * 3
    with pytest.raises(PageError, match="is not the newest message"):
        api.send_message("Branch", conversation_id=ids[0], parent_message_id=ids[1])
    with pytest.raises(ConversationNotFoundError):
        api.send_message("Lost", conversation_id="nowhere")


def test_send_via_page_concurrent_messages_use_one_page_each(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    gates = [Gate() for _ in range(3)]
    messages = [
        scripted_site.answering(Reply(pieces=["a", f"{n}"], hold_after=1, gate=gate))
        for n, gate in enumerate(gates)
    ]
    replies: dict[int, str] = {}

    def send(number: int) -> None:
        replies[number] = api.send_message(messages[number])

    threads = [threading.Thread(target=send, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    earlier = [
        r
        for r in scripted_site.server.requests
        if r not in scripted_site.requests and r.path.endswith("f/conversation")
    ]
    scripted_site.server.wait_for_request("f/conversation", "POST", len(earlier) + 3, timeout=60)
    for gate in reversed(gates):
        gate.open()
    for thread in threads:
        thread.join(60)

    assert replies == {0: "a0", 1: "a1", 2: "a2"}
    pool = page_pool(api._core._sender)
    assert len(pool.idle_pages) + len(busy_pages(pool)) <= 3


@pytest.mark.parametrize("how", ["abort", "timeout", "stream"])
def test_send_via_page_message_ended_early_clicks_stop(
    scripted_site: ScriptedSite, api: ChatGPTAPI, how: str
) -> None:
    message = scripted_site.answering(Reply(pieces=["One", " two"], hold_after=1, gate=Gate()))
    controller = AbortController()
    if how == "abort":
        with pytest.raises(AbortError):
            api.send_message(
                message, on_progress=lambda text: controller.abort(), abort_signal=controller.signal
            )
    elif how == "timeout":
        with pytest.raises(ChatGPTTimeoutError) as caught:
            api.send_message(message, timeout_ms=LIMIT, on_progress=lambda text: advance_clock(api))
        assert caught.value.partial_text == "One"
    else:
        with api.stream_message(message) as stream:
            assert next(stream) == "One"

    assert sent_messages(scripted_site)[-1].disconnected.wait(20)
    assert api.send_message("Still there?") == 'You said: "Still there?".'


def test_send_via_page_refusal_raises_status_error_without_retry(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    with pytest.raises(RateLimitError) as limit:
        api.send_message(scripted_site.answering(Answer.model_cap(clears_in=90)))
    api._core._sender.pace.forget_limits()
    with pytest.raises(UnusualActivityError, match="unusual activity"):
        api.send_message(scripted_site.answering(Answer.unusual_activity()))
    assert limit.value.retry_after == 90
    assert len(sent_messages(scripted_site)) == 2, "a refused message was sent again"


def test_send_via_page_broken_connection_keeps_partial_text(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    gate = Gate()

    def open_gate(text: str) -> None:
        if text == "Two and two":
            gate.open()  # Chromium may drop data that is in transit when a connection breaks

    reply = Reply(pieces=PIECES, hold_after=3, gate=gate, break_after=3)
    with pytest.raises(StreamInterruptedError) as caught:
        api.send_message(scripted_site.answering(reply), on_progress=open_gate)
    assert caught.value.partial_text == "Two and two"


def test_send_via_page_invalid_utf8_raises_malformed_event_error(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """If a body is complete before it is requested, Chromium decodes it, and only its length shows the damage."""
    said = {
        "id": "a",
        "author": {"role": "assistant"},
        "content": {"parts": ["fo\ufffdur"]},
        "status": "in_progress",
    }
    good = f"data: {json.dumps({'message': said}, ensure_ascii=False)}\n\n".encode()
    for pieces in ([good, b"data: {\xff}\n\ndata: [DONE]\n\n"], [good + b"data: {\xff}\n\ndata: [DONE]\n\n"]):
        with pytest.raises(MalformedEventError, match="UTF-8") as caught:
            api.send_message(scripted_site.answering(RawBody(pieces)))
        assert caught.value.partial_text in ("fo\ufffdur", "")
    assert api.send_message(scripted_site.answering(RawBody([good, b"data: [DONE]\n\n"]))) == "fo\ufffdur"


def test_send_via_page_modal_dialog_raises_with_its_title(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    scripted_site.server.modal = "Our terms have changed"
    with pytest.raises(DialogInTheWayError, match="Our terms have changed.*chatgpt-browser login"):
        api.send_message("Hello")
    assert sent_messages(scripted_site) == []


@pytest.mark.parametrize("layout", ["moved", "foreign", "strange"])
def test_composer_known_layout_sends_message(
    scripted_site: ScriptedSite, api: ChatGPTAPI, layout: Any
) -> None:
    scripted_site.server.layout = layout
    assert api.send_message("Hello") == 'You said: "Hello".'


def test_composer_unknown_layout_raises_composer_not_found(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    markup = '<title>x</title><form><p>Write here</p><button type="submit">Go</button></form>'
    scripted_site.server.script_path("/", Answer(200, markup))
    options = api._core._sender.options
    before = options.first_byte_timeout
    object.__setattr__(options, "first_byte_timeout", 1.0)
    try:
        with pytest.raises(ComposerNotFoundError, match="doctor --live"):
            api.send_message("Hello")
    finally:
        object.__setattr__(options, "first_byte_timeout", before)
    assert sent_messages(scripted_site) == []


def test_page_error_elements_contain_no_personal_data(
    scripted_site: ScriptedSite, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They contain kinds, names and the first words of labels, but no personal names, titles or file names."""
    monkeypatch.setattr("chatgpt_browser._transport.site_ui.composer._HYDRATION_TIMEOUT", 0.5)
    # On a slow machine, the client waits longer for a send button, and would then press Enter.
    monkeypatch.setattr("chatgpt_browser._transport.site_ui.composer._ENTER_DELAY", 1000.0)
    markup = """<title>Divorce</title><nav><button data-testid="history-Zebra">Z</button></nav>
      <form><div contenteditable role="textbox" aria-label="Ask anything, Alice">.</div>
        <button type="button" aria-label="Remove divorce.pdf" data-testid="remove-file-7f3a">x</button></form>
      <button aria-label="Absenden" id="go">^</button><button aria-label="a1b2c3">?</button>
      <div role="dialog" aria-label="Welcome, Alice"><button aria-label="Alice">a</button></div>
      <article><button aria-label="Copy">c</button></article>"""
    scripted_site.server.script_path("/", Answer(200, markup))
    with pytest.raises(ComposerNotFoundError) as caught:
        api.send_message("Hello")

    page, *told = caught.value.elements
    assert page == {"tag": "html", "path": "/", "title": "<7 characters>"}
    assert [(each["tag"], each.get("label"), each.get("testid") or each.get("id")) for each in told] == [
        ("div", "Ask <15 characters>", None),
        ("button", "Remove <11 characters>", "remove-file-N"),
        ("button", "Absenden", "go"),
        ("button", "<6 characters>", None),
        ("button", "<5 characters>", None),
    ]


# ---- Pages that load late or show another state ----------------------------------------------------------------------------


def pages_opened(scripted_site: ScriptedSite) -> int:
    return len(
        [
            r
            for r in scripted_site.requests
            if r.method == "GET" and (r.path == "/" or r.path.startswith("/c/"))
        ]
    )


def test_composer_late_hydration_writes_text_again(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    scripted_site.server.wakes_after = 1.2
    assert api.send_message("Good morning") == 'You said: "Good morning".'
    assert len(sent_messages(scripted_site)) == 1


def test_composer_page_with_similar_controls_uses_its_own(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    scripted_site.server.layout = "crowded"
    conversation = api.get_conversation()
    link = "To begin, [Log in](https://example.com/login) there."
    assert conversation.send_message(scripted_site.answering(Reply(link))) == link
    # The page is opened again, and shows the link as a message.
    again = api.get_conversation(conversation_id=conversation.conversation_id)
    api.send_message("Elsewhere")
    assert again.send_message("And then?").startswith('You said: "And then?".')
    message = scripted_site.answering(Reply(pieces=["One", " two"], hold_after=1, gate=Gate()))
    with again.stream_message(message) as stream:
        assert next(stream) == "One"
    assert sent_messages(scripted_site)[-1].disconnected.wait(20), (
        "another button than the composer's was pressed"
    )


def test_page_pool_conversation_continued_elsewhere_reopens_page(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    conversation = api.get_conversation()
    conversation.send_message("One")
    opened = pages_opened(scripted_site)
    conversation.send_message("Two")
    assert pages_opened(scripted_site) == opened

    kept = scripted_site.server.conversations[conversation.conversation_id or ""]
    kept.add("user", "From my phone", kept.current_node)
    newest = kept.add("assistant", "To your phone", kept.current_node).id
    conversation.parent_message_id = None
    assert 'Before that you said: "From my phone"' in conversation.send_message("Three")
    assert pages_opened(scripted_site) == opened + 1
    assert sent_messages(scripted_site)[-1].json["parent_message_id"] == newest
    with pytest.raises(PageError, match="is not the newest message"):
        api.send_message("Branch", conversation_id=kept.id, parent_message_id=newest)


def test_page_pool_conversation_continued_elsewhere_answers_named_parent(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """The page shows the reply that the message is sent after, so the conversation is not read, and gets a second branch."""
    conversation = api.get_conversation()
    conversation.send_message("One")
    parent = conversation.parent_message_id
    kept = scripted_site.server.conversations[conversation.conversation_id or ""]
    kept.add("user", "From my phone", kept.current_node)

    assert 'Before that you said: "One"' in conversation.send_message("Two")
    assert sent_messages(scripted_site)[-1].json["parent_message_id"] == parent


def test_send_via_page_hidden_message_after_reply_is_ignored(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    conversation = api.get_conversation()
    conversation.send_message("One")
    kept = scripted_site.server.conversations[conversation.conversation_id or ""]
    kept.add("system", "", kept.current_node)

    assert 'said: "One"' in conversation.send_message("Two")


def test_navigation_slow_conversation_delays_message(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """The composer is ready before the messages are loaded: a message sent then would start a new branch."""
    kept = scripted_site.server.add_conversation([("user", "My name is Ada."), ("assistant", "Hello, Ada.")])
    tree, gate = api.get_history(kept.id).raw, Gate()
    page_reads = RawBody([Hold(gate), json.dumps(tree).encode()], content_type="application/json")
    scripted_site.server.script_path(f"/conversation/{kept.id}", Answer(200, tree), page_reads)
    newest = kept.current_node
    threading.Timer(0.8, gate.open).start()

    assert 'Before that you said: "My name is Ada."' in api.send_message("And?", conversation_id=kept.id)
    assert sent_messages(scripted_site)[-1].json["parent_message_id"] == newest


def test_navigation_conversation_not_loaded_raises_page_error(
    scripted_site: ScriptedSite, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatgpt_browser._transport.site_ui.navigation._LOAD_TIMEOUT", 0.5)
    kept = scripted_site.server.add_conversation([("user", "One"), ("assistant", "Two")])
    tree = api.get_history(kept.id).raw
    scripted_site.server.script_path(f"/conversation/{kept.id}", Answer(200, tree), Stall())
    with pytest.raises(PageError, match="did not load the messages of the conversation"):
        api.send_message("And?", conversation_id=kept.id)
    assert sent_messages(scripted_site) == []


@pytest.mark.parametrize("how", ["breaks", "abort", "timeout"])
def test_conversation_unanswered_message_is_parent_of_next(
    scripted_site: ScriptedSite, api: ChatGPTAPI, how: str
) -> None:
    """The page can only reply to the newest message, which is the unanswered one."""
    conversation = api.get_conversation()
    conversation.send_message("One")
    reply = Reply(pieces=["Two", " and"], hold_after=1, gate=Gate())
    if how == "breaks":
        with pytest.raises(StreamInterruptedError):
            conversation.send_message(
                scripted_site.answering(Reply(pieces=PIECES, interval=20, break_after=3))
            )
    elif how == "abort":
        controller = AbortController()
        with pytest.raises(AbortError):
            conversation.send_message(
                scripted_site.answering(reply),
                on_progress=lambda text: controller.abort(),
                abort_signal=controller.signal,
            )
    else:
        with pytest.raises(ChatGPTTimeoutError):
            conversation.send_message(
                scripted_site.answering(reply),
                timeout_ms=LIMIT,
                on_progress=lambda text: advance_clock(api),
            )
    before = conversation.parent_message_id

    assert conversation.send_message("Three").startswith('You said: "Three".')
    assert conversation.parent_message_id != before
    kept = scripted_site.server.conversations[conversation.conversation_id or ""]
    assert [text for role, text in kept.history() if role == "user"][::2] == ["One", "Three"]


def test_conversation_message_in_doubt_is_parent_of_next(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """The call ends after the click and before the request is observed, so the site may have the message."""
    conversation = api.get_conversation()
    conversation.send_message("One")
    scripted_site.server.script_path("sentinel/chat-requirements", Stall())
    prepared = len([r for r in scripted_site.server.requests if r.path.endswith(TOKENS)])

    def wait_for_preparation() -> None:
        scripted_site.server.wait_for_request(TOKENS, count=prepared + 1, timeout=60)

    with advance_clock_after(api, wait_for_preparation), pytest.raises(ChatGPTTimeoutError):
        conversation.send_message("Two", timeout_ms=LIMIT)
    kept = scripted_site.server.conversations[conversation.conversation_id or ""]
    kept.add("user", "Two", kept.current_node)

    assert 'Before that you said: "Two"' in conversation.send_message("Three")


def test_permit_aborted_reply_is_held_until_stopped(connect: Connect) -> None:
    with FakeChatGPT(form="app") as server:
        api = connect(server, send_via="page")
        server.script(Reply(pieces=["One", " two"], hold_after=1, gate=Gate()))
        seen: list[bool] = []

        def second(turn: Turn) -> str:
            first = next(r for r in server.requests if r.path.endswith("f/conversation"))
            seen.append(first.disconnected.is_set())
            return "Free again"

        async def slow_the_stop() -> None:
            (page,) = busy_pages(page_pool(api._core._sender))
            await page._page.evaluate(SLOW_STOP)

        with api.stream_message("Count") as stream:
            assert next(stream) == "One"
            api._portal.call(slow_the_stop)
        server.script(second)
        assert api.send_message("Next") == "Free again"
        assert seen == [True]


def test_send_via_page_one_message_at_a_time_refusal_is_retried(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """The site may not have processed the stop of the previous message. The refusal is retried, as with fetch."""
    message = scripted_site.answering(Answer.one_message_at_a_time(), "Here you are")
    assert api.send_message(message) == "Here you are"
    assert len(sent_messages(scripted_site)) == 2


def test_navigation_competing_navigation_is_repeated(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """The page navigates by itself after a reply, while the next message is being prepared."""
    for delay in (0, 30, 100):
        api.send_message("Before")
        (page,) = page_pool(api._core._sender).idle_pages[-1:]
        go = f"setTimeout(() => location.assign('/?elsewhere'), {delay})"
        api._portal.call(page._page.evaluate, go)
        assert api.send_message("After") == 'You said: "After".'


def test_site_page_late_stop_spares_next_message(connect: Connect) -> None:
    """A stop waits for its button. If the reply ends meanwhile, it must not click the next reply's button."""
    with FakeChatGPT(form="app") as server:
        api, gate = connect(server, send_via="page"), Gate()
        server.script(Reply(pieces=["One", " two"], hold_after=1, gate=gate))
        server.script(Reply(pieces=PIECES, interval=250))

        async def hide_the_stop() -> None:
            (page,) = busy_pages(page_pool(api._core._sender))
            await page._page.evaluate("document.getElementById('stop-button').style.visibility = 'hidden'")

        with api.stream_message("Count") as stream:
            assert next(stream) == "One"
            api._portal.call(hide_the_stop)
        gate.open()
        assert api.send_message("Next") == "".join(PIECES)


def test_stream_garbage_collected_releases_page(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    conversation = api.get_conversation()
    conversation.send_message("One")
    message = scripted_site.answering(Reply(pieces=["Two", " and"], hold_after=1, gate=Gate()))
    for _ in conversation.stream_message(message):
        break

    # The client's thread may still hold the stream for a moment, so the first collection may come too early.
    (*_, request) = sent_messages(scripted_site)
    for _ in range(400):
        gc.collect()
        if request.disconnected.wait(0.05):
            break
    else:
        pytest.fail("the stream was not released")
    assert conversation.send_message("Three").startswith('You said: "Three".')


def test_permit_handed_off_reply_is_held_until_its_own_end(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """The rest of the first reply is polled from the conversation while the second message is in flight."""
    gate, came = Gate(), threading.Event()
    count = scripted_site.answering(Reply(pieces=["One", " two", " three"], handoff_after=1))
    slowly = scripted_site.answering(Reply(pieces=["Slow", "ly"], hold_after=1, gate=gate))
    permits = api._core._sender.permits

    with api.stream_message(count) as first:
        assert next(first) == "One"

        def ask() -> None:
            with api.stream_message(slowly) as second:
                next(second)
                came.set()
                list(second)

        other = threading.Thread(target=ask)
        other.start()
        assert came.wait(20)
        assert permits.in_use == 2
        assert "".join(first) == " two three"
    assert permits.in_use == 1
    gate.open()
    other.join(20)
    assert permits.in_use == 0
    assert api.send_message("Still there?") == 'You said: "Still there?".'


def test_navigation_redirect_to_other_origin_raises_origin_error(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    with FakeChatGPT(form="app") as other:
        scripted_site.server.script_path("/", Answer(302, b"", [("location", f"{other.origin}/login")]))
        other.script_path("/login", Answer(200, "<p>Come in</p>"))
        with pytest.raises(OriginError) as caught:
            api.send_message("Hello", timeout_ms=10_000)
        assert caught.value.origin == other.origin


def test_site_page_failed_request_closes_page(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    pool = page_pool(api._core._sender)
    for refused in (Break(), Answer.model_cap()):
        api.send_message("Before")
        page = pool.idle_pages[0]
        with pytest.raises((StreamInterruptedError, UnusualActivityError, RateLimitError)):
            api.send_message(scripted_site.answering(refused))
        assert page.dead is not None
        assert page not in [*pool.idle_pages, *busy_pages(pool)]
    api._core._sender.pace.forget_limits()
    assert api.send_message("Still there?") == 'You said: "Still there?".'


def test_site_page_reload_during_reply_interrupts_stream(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """The partial text is kept if the site reloads the page during a reply."""
    core = api._core

    async def reload() -> None:
        (page,) = busy_pages(page_pool(core._sender))
        await page._page.reload()

    message = scripted_site.answering(Reply(pieces=["One", " two"], hold_after=1, gate=Gate()))
    with api.stream_message(message) as stream:
        assert next(stream) == "One"
        api._portal.call(reload)
        with pytest.raises(StreamInterruptedError, match="reloaded during the reply") as caught:
            next(stream)
    assert caught.value.partial_text == "One"
    assert api.send_message("Still there?") == 'You said: "Still there?".'


def test_page_pool_open_connection_after_done_reuses_page(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    pool = page_pool(api._core._sender)
    for _ in range(3):
        assert api.send_message(scripted_site.answering(Reply("Four.", hang_after_done=True))) == "Four."
        assert busy_pages(pool) == []
    assert len(pool.idle_pages) <= 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [(500, APIStatusError), (404, APIStatusError), (429, RateLimitError), (401, AccessTokenRejectedError)],
)
def test_navigation_error_status_raises_status_error(
    scripted_site: ScriptedSite, api: ChatGPTAPI, status: int, kind: type[APIStatusError]
) -> None:
    body = f"<title>Sorry</title> {api.session_token} {api.ensure_auth()}"
    scripted_site.server.script_path("/", Answer(status, body, [("retry-after", "7")]))
    with pytest.raises(APIStatusError, match=f"error {status}: Sorry") as caught:
        api.send_message("Hello")
    assert (type(caught.value), caught.value.status_code) == (kind, status)
    if isinstance(caught.value, RateLimitError):
        assert caught.value.retry_after == 7
    assert_none_in(f"{caught.value} {caught.value.body}", secrets=secrets_of(scripted_site.server))
    assert sent_messages(scripted_site) == []


def test_composer_blank_message_raises_page_error(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with pytest.raises(PageError, match="without text. Nothing was sent"):
        api.send_message(" ")
    assert sent_messages(scripted_site) == []


BOX = '<textarea aria-label="Message ChatGPT"></textarea>'
SEND = '<button type="button" aria-label="Send prompt">^</button>'
#: Pages that cannot send a message: markup, type of the error, words of its message.
UNUSABLE_PAGES = {
    "no send button": (
        f"{BOX}<button type=button>Attach</button>",
        ComposerNotFoundError,
        "no send button that this version recognizes. Nothing was sent",
    ),
    "send button stays disabled": (
        f"{BOX}{SEND.replace('type', 'disabled type')}",
        PageError,
        "did not react to the text. Nothing was sent",
    ),
    "text is changed": (
        f"{BOX.replace('<textarea', '<textarea oninput=this.value=this.value.toUpperCase()')}{SEND}",
        PageError,
        "changed the text that was written. Nothing was sent",
    ),
    "overlay without role": (
        f"{BOX}{SEND}<div style='position:fixed;inset:0;background:#fff'>Take our survey</div>",
        DialogInTheWayError,
        "Take our survey.*Nothing was sent",
    ),
    "non-modal dialog as overlay": (
        f"{BOX}{SEND}<div role=dialog style='position:fixed;inset:0;background:#fff'>Hello!</div>",
        DialogInTheWayError,
        "Hello!",
    ),
    "alert dialog": (
        f"{BOX}{SEND}<div role=alertdialog aria-label='Stop!'>x</div>",
        DialogInTheWayError,
        "Stop!",
    ),
    "log-in button beside the composer": (
        f"{BOX}{SEND}<button>Log in</button>",
        SessionExpiredError,
        "sign in",
    ),
    "log-in link beside the composer": (
        f"{BOX}{SEND}<a href='/login'>Sign in</a>",
        SessionExpiredError,
        "sign in",
    ),
    "send button without effect": (
        f"{BOX}{SEND}",
        PageError,
        "sent no message within 60 s after the send button was clicked. It may still have been sent.*message box filled with "
        "the message, send button enabled, stop button missing, 0 copies of the message, 0 alerts.*first click: none",
    ),
    "reload on send": (
        f"{BOX}{SEND.replace('type=', 'onclick=location.reload() type=')}",
        PageError,
        "reloaded after the send button was clicked",
    ),
}


def let_second_click_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """End the time limit of the page after the second click on the send button."""
    press_send, clicks = Composer.press_send, []

    async def press_and_count(composer: Composer, text: str) -> bool:
        is_clicked = await press_send(composer, text)
        clicks.append(text)
        if len(clicks) == 2:
            advance_loop_clock(60_000)
        return is_clicked

    monkeypatch.setattr(Composer, "press_send", press_and_count)


@pytest.mark.sample(5)
@pytest.mark.parametrize("which", UNUSABLE_PAGES)
def test_composer_unusable_page_raises_specific_error(
    scripted_site: ScriptedSite, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    monkeypatch.setattr("chatgpt_browser._transport.site_ui.composer._HYDRATION_TIMEOUT", 0.6)
    # On a slow machine, the client waits longer for a send button, and would then press Enter.
    monkeypatch.setattr("chatgpt_browser._transport.site_ui.composer._ENTER_DELAY", 1000.0)
    monkeypatch.setattr("chatgpt_browser._transport.site_ui.composer._CLICK_TIMEOUT", 1.0)
    markup, kind, words = UNUSABLE_PAGES[which]
    scripted_site.server.script_path("/", Answer(200, f"<title>x</title><form>{markup}</form>"))
    if which == "send button without effect":
        let_second_click_time_out(monkeypatch)
    with pytest.raises(kind, match=words) as caught:
        api.send_message("Hello")
    assert type(caught.value) is kind
    assert sent_messages(scripted_site) == []


# ---- Tests with a browser for each test -------------------------------------------------------------------------------------


def test_send_via_auto_refused_fetch_switches_to_page(connect: Connect) -> None:
    with FakeChatGPT(form="app") as server:
        api = connect(server, send_via="auto", access_token_ttl=0)
        conversation = api.get_conversation()
        assert conversation.send_message("One") == 'You said: "One".'
        assert 'said: "One"' in conversation.send_message("Two")

        paths = [r.path.removeprefix("/backend-api/") for r in server.requests if r.method == "POST"]
        assert paths.count("conversation") == 1
        assert paths.count("f/conversation") == 2
        server.inject("unusual-activity", times=None, path="/f/conversation")
        with pytest.raises(UnusualActivityError):
            api.send_message("Three")
        server.sign_out()
        with pytest.raises(SessionExpiredError):
            api.send_message("Four")


def test_send_via_fetch_refusal_suggests_page(connect: Connect) -> None:
    with FakeChatGPT(form="app") as server:
        with pytest.raises(UnusualActivityError, match='send_via="page"'):
            connect(server, send_via="fetch").send_message("One")


def test_send_via_page_challenge_and_handoff_complete_reply(connect: Connect) -> None:
    with FakeChatGPT(form="app") as server:
        api = connect(server, send_via="page", first_byte_timeout=0)  # no limit
        api.start()
        server.strike_challenge()
        server.script(Reply(pieces=["One", " two", " three"], handoff_after=1))

        assert api.send_message("Count") == "One two three"


def test_send_via_page_challenge_between_messages_is_passed(connect: Connect) -> None:
    with FakeChatGPT(form="app") as server:
        api = connect(server, send_via="page")
        for number in range(3):
            assert api.send_message(f"{number}") == f'You said: "{number}".'
            server.strike_challenge("passes")


def test_send_via_page_expired_access_token_is_renewed_by_page(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    conversation = api.get_conversation()
    conversation.send_message("One")
    scripted_site.server.expire_access_tokens()
    assert 'said: "One"' in conversation.send_message("Two")


def test_send_via_page_killed_browser_is_replaced(connect: Connect) -> None:
    mark = Mark()
    with FakeChatGPT(form="app") as server:
        api = connect(server, send_via="page", browser_args=[mark.argument])
        for text in ("One", "Two"):
            assert api.send_message(text) == f'You said: "{text}".'
            mark.kill_browser()


@pytest.mark.anyio
async def test_close_during_send_raises_client_closed(connect: Connect) -> None:
    with FakeChatGPT(form="app") as server:
        for delay in (0.02, 0.1, 0.2):
            api = AsyncChatGPTAPI(server.session_token, send_via="page", **base_urls(server))
            await api.ensure_auth()
            calling = asyncio.ensure_future(api.send_message("Hello"))
            await asyncio.wait([calling], timeout=delay)
            await api.close()
            with pytest.raises(ClientClosedError):
                await calling


def test_send_via_page_rotated_session_token_is_kept(connect: Connect) -> None:
    with FakeChatGPT(form="app", rotate_session_token=True) as server:
        api = connect(server, send_via="page")
        for text in ("One", "Two"):
            api.send_message(text)
            assert api.session_token == server.session_token


@pytest.mark.anyio
@pytest.mark.parametrize("calls", [12, pytest.param(24, marks=pytest.mark.long)])
async def test_page_pool_cancelled_calls_leave_no_page(scripted_site: ScriptedSite, calls: int) -> None:
    server, chance = scripted_site.server, random.Random(2)
    options: dict[str, Any] = base_urls(server)
    async with AsyncChatGPTAPI(server.session_token, send_via="page", **options) as api:
        await api.ensure_auth()
        for number in range(calls):
            calling = asyncio.ensure_future(api.send_message("not wanted"))
            # Some calls end while the page is being opened, others later.
            await asyncio.wait([calling], timeout=chance.uniform(0.001, 0.25 if number % 2 else 0.05))
            calling.cancel()
            await asyncio.wait([calling])
        pool, browser = page_pool(api._sender), api._browser_manager._browser
        assert browser is not None
        with anyio.fail_after(10):
            while pool._closing._tasks:
                await asyncio.wait([*pool._closing._tasks])
        # Chromium is asked, because Playwright receives some events a moment later.
        targets = (await browser.devtools.send("Target.getTargets"))["targetInfos"]
        left = [target["url"] for target in targets if target["type"] == "page"]
        assert len(left) == 1 + len(pool.idle_pages), left  # one is the fetch page
        assert await api.send_message("Still there?") == 'You said: "Still there?".'


@pytest.mark.anyio
@pytest.mark.parametrize("rounds", [3, pytest.param(20, marks=pytest.mark.long)])
async def test_send_via_page_early_cancellation_ends_promptly(
    scripted_site: ScriptedSite, rounds: int
) -> None:
    """The call must not wait for its page, which may close late or without an event."""
    server, chance = scripted_site.server, random.Random(1)
    options: dict[str, Any] = base_urls(server)
    async with AsyncChatGPTAPI(server.session_token, send_via="page", **options) as api:
        for _ in range(rounds):
            assert await api.send_message("warm up", timeout_ms=20_000)
            calling = asyncio.ensure_future(api.send_message("not wanted"))
            await asyncio.wait([calling], timeout=chance.uniform(0.001, 0.03))
            calling.cancel()
            done, _ = await asyncio.wait([calling], timeout=20)
            assert done, "the call did not end"
