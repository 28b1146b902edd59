"""Messages that the site's own page sends: the same interface, from outside."""

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
from tests.support.client_processes import Mark
from tests.support.scripted_site import ScriptedSite, base_urls
from tests.support.secret_search import assert_none_in, secrets_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.client_fixtures import Connect

#: The page's stop takes its time.
SLOW_STOP = """() => document.getElementById("stop-button").addEventListener("click", (event) => {
  if (!event.isTrusted) return;
  event.stopImmediatePropagation();
  setTimeout(() => event.target.closest("button").click(), 500);
}, true)"""
PIECES = ["Two", " and", " two", " is", " fo\U0001f600", "ur."]
ASIDES = (Aside.thoughts(), Aside.tool_call(), Aside.tool_output(), Aside.hidden())


@pytest.fixture(scope="module")
def page_scene() -> Iterator[ScriptedSite]:
    scripted_site = ScriptedSite(form="app")
    with scripted_site.server:
        yield scripted_site
        assert scripted_site.server.errors == []


@pytest.fixture(scope="module")
def page_client(page_scene: ScriptedSite) -> Iterator[ChatGPTAPI]:
    server = page_scene.server
    with ChatGPTAPI(
        server.session_token, send_via="page", max_concurrent_messages=3, **base_urls(server)
    ) as client:
        yield client


@pytest.fixture
def scripted_site(page_scene: ScriptedSite) -> Iterator[ScriptedSite]:
    page_scene.begin()
    yield page_scene
    server = page_scene.server
    server.layout, server.modal, server.wakes_after = "usual", None, 0.0


@pytest.fixture
def api(page_client: ChatGPTAPI, scripted_site: ScriptedSite) -> ChatGPTAPI:
    return page_client


def sent(scripted_site: ScriptedSite) -> list[Any]:
    return [r for r in scripted_site.requests if r.method == "POST" and r.path.endswith("f/conversation")]


def test_a_message_and_its_reply(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    texts: list[str] = []
    events: list[ConversationEvent] = []
    reply = Reply(pieces=PIECES, asides=ASIDES, channel="final", interval=3)
    text = api.send_message(
        scripted_site.answering(reply), on_progress=texts.append, on_conversation_response=events.append
    )

    assert text == "".join(PIECES)
    assert texts == ["".join(PIECES[: n + 1]) for n in range(len(PIECES))]
    assert [event.whole["message"]["end_turn"] for event in events if event.whole is not None][-1] is True
    (record,) = sent(scripted_site)
    # The page's own request: with what it fetched for itself, and from no other place.
    assert record.headers["openai-sentinel-chat-requirements-token"]
    assert record.json["parent_message_id"] == "client-created-root"


def test_a_message_is_sent_as_it_was_written(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    text = 'Several\nlines, <b>"marks"</b> & \u00e4\U0001f600\n\n    indented'
    api.send_message(text)

    assert sent(scripted_site)[-1].json["messages"][0]["content"]["parts"] == [text]


def test_a_conversation(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
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
    with pytest.raises(PageError, match="has gone on"):
        api.send_message("Branch", conversation_id=ids[0], parent_message_id=ids[1])
    with pytest.raises(ConversationNotFoundError):
        api.send_message("Lost", conversation_id="nowhere")


def test_several_at_once(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
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
    scripted_site.server.wait_for_request("f/conversation", "POST", len(earlier) + 3, timeout=20)
    for gate in reversed(gates):
        gate.open()
    for thread in threads:
        thread.join(20)

    assert replies == {0: "a0", 1: "a1", 2: "a2"}
    pages = api._core._sender.site_pages
    assert len(pages.idle_pages) + len(pages.busy_pages) <= 3


@pytest.mark.parametrize("how", ["abort", "timeout", "stream"])
def test_stopping_presses_the_pages_stop(scripted_site: ScriptedSite, api: ChatGPTAPI, how: str) -> None:
    message = scripted_site.answering(Reply(pieces=["One", " two"], hold_after=1, gate=Gate()))
    controller = AbortController()
    if how == "abort":
        with pytest.raises(AbortError):
            api.send_message(
                message, on_progress=lambda text: controller.abort(), abort_signal=controller.signal
            )
    elif how == "timeout":
        with pytest.raises(ChatGPTTimeoutError) as caught:
            api.send_message(message, timeout_ms=2500)
        assert caught.value.partial_text == "One"
    else:
        with api.stream_message(message) as stream:
            assert next(stream) == "One"

    assert sent(scripted_site)[-1].disconnected.wait(5)
    assert api.send_message("Still there?") == 'You said: "Still there?".'


def test_refusals_are_those_of_the_site(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with pytest.raises(RateLimitError) as limit:
        api.send_message(scripted_site.answering(Answer.model_cap(clears_in=90)))
    with pytest.raises(UnusualActivityError, match="unusual activity"):
        api.send_message(scripted_site.answering(Answer.unusual_activity()))
    assert limit.value.retry_after == 90
    assert len(sent(scripted_site)) == 2, "a refused message was sent again"


def test_a_reply_that_breaks_off(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with pytest.raises(StreamInterruptedError) as caught:
        api.send_message(scripted_site.answering(Reply(pieces=PIECES, interval=60, break_after=3)))
    # What comes together with the break, Chromium may keep to itself: on a busy machine, the last piece.
    assert caught.value.partial_text in ("Two and", "Two and two")


def test_a_reply_that_is_no_utf8(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """A body that is there before it is asked for comes decoded, with U+FFFD where it was damaged: then its length tells."""
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


def test_a_dialog_in_the_way(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    scripted_site.server.modal = "Our terms have changed"
    with pytest.raises(DialogInTheWayError, match="Our terms have changed.*chatgpt-browser login"):
        api.send_message("Hello")
    assert sent(scripted_site) == []


@pytest.mark.parametrize("layout", ["moved", "foreign"])
def test_layouts_that_are_known(scripted_site: ScriptedSite, api: ChatGPTAPI, layout: Any) -> None:
    scripted_site.server.layout = layout
    assert api.send_message("Hello") == 'You said: "Hello".'


def test_a_layout_that_nobody_knows(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    scripted_site.server.layout = "strange"
    options = api._core._sender.options
    before = options.first_byte_timeout
    object.__setattr__(options, "first_byte_timeout", 1.0)
    try:
        with pytest.raises(ComposerNotFoundError, match="doctor --live"):
            api.send_message("Hello")
    finally:
        object.__setattr__(options, "first_byte_timeout", before)
    assert sent(scripted_site) == []


def test_what_a_report_tells_of_a_page(
    scripted_site: ScriptedSite, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beginnings of labels, kinds and names; nothing that is a person's, a title or a file's name."""
    monkeypatch.setattr("chatgpt_browser._transport.site_ui.composer._HYDRATION_TIMEOUT", 0.5)
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


# ---- a page that is not as one would wish ----------------------------------------------------------------------------


def pages_opened(scripted_site: ScriptedSite) -> int:
    return len(
        [
            r
            for r in scripted_site.requests
            if r.method == "GET" and (r.path == "/" or r.path.startswith("/c/"))
        ]
    )


def test_a_page_that_comes_alive_late(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    scripted_site.server.wakes_after = 1.2
    assert api.send_message("Good morning") == 'You said: "Good morning".'
    assert len(sent(scripted_site)) == 1


def test_a_page_with_more_than_the_composer(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    scripted_site.server.layout = "crowded"
    conversation = api.get_conversation()
    link = "To begin, [Log in](https://example.com/login) there."
    assert conversation.send_message(scripted_site.answering(Reply(link))) == link
    # Opened anew, with the link in it.
    again = api.get_conversation(conversation_id=conversation.conversation_id)
    api.send_message("Elsewhere")
    assert again.send_message("And then?").startswith('You said: "And then?".')
    message = scripted_site.answering(Reply(pieces=["One", " two"], hold_after=1, gate=Gate()))
    with again.stream_message(message) as stream:
        assert next(stream) == "One"
    assert sent(scripted_site)[-1].disconnected.wait(5), "another button than the composer's was pressed"


def test_a_page_is_used_again_only_while_it_knows_its_conversation(
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
    with pytest.raises(PageError, match="has gone on"):
        conversation.send_message("Three")
    conversation.parent_message_id = None
    assert 'Before that you said: "From my phone"' in conversation.send_message("Three")
    assert pages_opened(scripted_site) == opened + 1
    assert sent(scripted_site)[-1].json["parent_message_id"] == newest


def test_what_nobody_sees_behind_the_answer_is_no_reason(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    conversation = api.get_conversation()
    conversation.send_message("One")
    kept = scripted_site.server.conversations[conversation.conversation_id or ""]
    kept.add("system", "", kept.current_node)

    assert 'said: "One"' in conversation.send_message("Two")


def test_a_message_waits_until_the_page_has_its_conversation(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """The composer is there before what was said: a message that is sent by then would go on from nothing."""
    kept = scripted_site.server.add_conversation([("user", "My name is Ada."), ("assistant", "Hello, Ada.")])
    tree, gate = api.get_history(kept.id).raw, Gate()
    page_reads = RawBody([Hold(gate), json.dumps(tree).encode()], content_type="application/json")
    scripted_site.server.script_path(f"/conversation/{kept.id}", Answer(200, tree), page_reads)
    newest = kept.current_node
    threading.Timer(0.8, gate.open).start()

    assert 'Before that you said: "My name is Ada."' in api.send_message("And?", conversation_id=kept.id)
    assert sent(scripted_site)[-1].json["parent_message_id"] == newest


def test_a_page_that_never_has_its_conversation(
    scripted_site: ScriptedSite, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatgpt_browser._transport.site_ui.navigation._LOAD_TIMEOUT", 0.5)
    kept = scripted_site.server.add_conversation([("user", "One"), ("assistant", "Two")])
    tree = api.get_history(kept.id).raw
    scripted_site.server.script_path(f"/conversation/{kept.id}", Answer(200, tree), Stall())
    with pytest.raises(PageError, match="did not load the messages of the conversation"):
        api.send_message("And?", conversation_id=kept.id)
    assert sent(scripted_site) == []


@pytest.mark.parametrize("how", ["breaks", "abort", "timeout"])
def test_a_conversation_goes_on_after_a_message_that_came_to_nothing(
    scripted_site: ScriptedSite, api: ChatGPTAPI, how: str
) -> None:
    """Behind that message: the page can't go back before it."""
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
            conversation.send_message(scripted_site.answering(reply), timeout_ms=1500)
    before = conversation.parent_message_id

    assert conversation.send_message("Three").startswith('You said: "Three".')
    assert conversation.parent_message_id != before
    kept = scripted_site.server.conversations[conversation.conversation_id or ""]
    assert [text for role, text in kept.history() if role == "user"][::2] == ["One", "Three"]


def test_a_conversation_goes_on_after_a_message_of_which_nothing_was_seen(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """The page was told to send it, and the call ended before it was seen to: the site may have it nevertheless."""
    conversation = api.get_conversation()
    conversation.send_message("One")
    scripted_site.server.script_path("sentinel/chat-requirements", Stall())
    with pytest.raises(ChatGPTTimeoutError):
        conversation.send_message("Two", timeout_ms=1200)
    kept = scripted_site.server.conversations[conversation.conversation_id or ""]
    kept.add("user", "Two", kept.current_node)

    assert 'Before that you said: "Two"' in conversation.send_message("Three")


def test_the_turn_lasts_until_the_answer_has_stopped(connect: Connect) -> None:
    with FakeChatGPT(form="app") as server:
        api = connect(server, send_via="page")
        server.script(Reply(pieces=["One", " two"], hold_after=1, gate=Gate()))
        seen: list[bool] = []

        def second(turn: Turn) -> str:
            first = next(r for r in server.requests if r.path.endswith("f/conversation"))
            seen.append(first.disconnected.is_set())
            return "Free again"

        async def slow_the_stop() -> None:
            (tab,) = api._core._sender.site_pages.busy_pages
            await tab._page.evaluate(SLOW_STOP)

        with api.stream_message("Count") as stream:
            assert next(stream) == "One"
            api._portal.call(slow_the_stop)
        server.script(second)
        assert api.send_message("Next") == "Free again"
        assert seen == [True]


def test_a_site_that_has_another_message_under_way(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """It refuses this one, and may not have noticed yet that the one before has been stopped: as by fetch, that is waited out."""
    message = scripted_site.answering(Answer.one_message_at_a_time(), "Here you are")
    assert api.send_message(message) == "Here you are"
    assert len(sent(scripted_site)) == 2


def test_a_page_that_goes_elsewhere_by_itself(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """After a reply, say: while the next message is under way to it."""
    for delay in (0, 30, 100):
        api.send_message("Before")
        (tab,) = api._core._sender.site_pages.idle_pages[-1:]
        go = f"setTimeout(() => location.assign('/?elsewhere'), {delay})"
        api._portal.call(tab._page.evaluate, go)
        assert api.send_message("After") == 'You said: "After".'


def test_a_stop_is_about_its_own_message(connect: Connect) -> None:
    """One that finds nothing to press waits a moment; if the answer ends meanwhile, it is not pressed on the next one."""
    with FakeChatGPT(form="app") as server:
        api, gate = connect(server, send_via="page"), Gate()
        server.script(Reply(pieces=["One", " two"], hold_after=1, gate=gate))
        server.script(Reply(pieces=PIECES, interval=250))

        async def hide_the_stop() -> None:
            (tab,) = api._core._sender.site_pages.busy_pages
            await tab._page.evaluate("document.getElementById('stop-button').style.visibility = 'hidden'")

        with api.stream_message("Count") as stream:
            assert next(stream) == "One"
            api._portal.call(hide_the_stop)
        gate.open()
        assert api.send_message("Next") == "".join(PIECES)


def test_a_stream_that_is_let_go_of(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    conversation = api.get_conversation()
    conversation.send_message("One")
    message = scripted_site.answering(Reply(pieces=["Two", " and"], hold_after=1, gate=Gate()))
    for _ in conversation.stream_message(message):
        break
    gc.collect()

    assert conversation.send_message("Three").startswith('You said: "Three".')


def test_a_turn_is_about_its_own_message(connect: Connect) -> None:
    """Whatever its page has been given since: here the next message, while the rest of the first is read elsewhere."""
    with FakeChatGPT(form="app") as server:
        api = connect(server, send_via="page", max_concurrent_messages=2)
        gate, came = Gate(), threading.Event()
        server.script(Reply(pieces=["One", " two", " three"], handoff_after=1))
        server.script(Reply(pieces=["Slow", "ly"], hold_after=1, gate=gate))
        permits = api._core._sender.permits

        with api.stream_message("Count") as first:
            assert next(first) == "One"

            def ask() -> None:
                with api.stream_message("Slowly") as second:
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


def test_a_page_that_is_another_sites(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with FakeChatGPT(form="app") as other:
        scripted_site.server.script_path("/", Answer(302, b"", [("location", f"{other.origin}/login")]))
        other.script_path("/login", Answer(200, "<p>Come in</p>"))
        with pytest.raises(OriginError) as caught:
            api.send_message("Hello", timeout_ms=10_000)
        assert caught.value.origin == other.origin


def test_a_page_whose_request_broke_does_not_go_on_by_itself(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    pages = api._core._sender.site_pages
    for refused in (Break(), Answer.model_cap()):
        api.send_message("Before")
        tab = pages.idle_pages[0]
        with pytest.raises((StreamInterruptedError, UnusualActivityError, RateLimitError)):
            api.send_message(scripted_site.answering(refused))
        assert tab.dead is not None
        assert tab not in [*pages.idle_pages, *pages.busy_pages]
    assert api.send_message("Still there?") == 'You said: "Still there?".'


def test_a_page_that_is_loaded_anew(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """By the site itself, in the middle of a reply: what was read so far is what there is."""
    core = api._core

    async def reload() -> None:
        (tab,) = core._sender.site_pages.busy_pages
        await tab._page.reload()

    message = scripted_site.answering(Reply(pieces=["One", " two"], hold_after=1, gate=Gate()))
    with api.stream_message(message) as stream:
        assert next(stream) == "One"
        api._portal.call(reload)
        with pytest.raises(StreamInterruptedError, match="reloaded during the reply") as caught:
            next(stream)
    assert caught.value.partial_text == "One"
    assert api.send_message("Still there?") == 'You said: "Still there?".'


def test_pages_do_not_pile_up_where_a_connection_stays_open(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    pages = api._core._sender.site_pages
    for _ in range(3):
        assert api.send_message(scripted_site.answering(Reply("Four.", hang_after_done=True))) == "Four."
        assert pages.busy_pages == []
    assert len(pages.idle_pages) <= 3


@pytest.mark.parametrize(
    ("status", "kind"),
    [(500, APIStatusError), (404, APIStatusError), (429, RateLimitError), (401, AccessTokenRejectedError)],
)
def test_a_page_that_cannot_be_had(
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
    assert sent(scripted_site) == []


def test_a_message_without_a_text(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with pytest.raises(PageError, match="without text. Nothing was sent"):
        api.send_message(" ")
    assert sent(scripted_site) == []


BOX = '<textarea aria-label="Message ChatGPT"></textarea>'
SEND = '<button type="button" aria-label="Send prompt">^</button>'
#: Such a page would take no message: what is wrong with it, and what is said of that.
PAGES = {
    "no button": (
        BOX,
        ComposerNotFoundError,
        "no send button that this version recognizes. Nothing was sent",
    ),
    "a button that stays grey": (
        f"{BOX}{SEND.replace('type', 'disabled type')}",
        PageError,
        "did not react to the text. Nothing was sent",
    ),
    "another text": (
        f"{BOX.replace('<textarea', '<textarea oninput=this.value=this.value.toUpperCase()')}{SEND}",
        PageError,
        "changed the text that was written. Nothing was sent",
    ),
    "a cover without a name": (
        f"{BOX}{SEND}<div style='position:fixed;inset:0;background:#fff'>Take our survey</div>",
        PageError,
        "cannot be clicked. Nothing was sent",
    ),
    "a dialog that covers": (
        f"{BOX}{SEND}<div role=dialog style='position:fixed;inset:0;background:#fff'>Hello!</div>",
        DialogInTheWayError,
        "Hello!",
    ),
    "an alert": (
        f"{BOX}{SEND}<div role=alertdialog aria-label='Stop!'>x</div>",
        DialogInTheWayError,
        "Stop!",
    ),
    "a door beside the composer": (f"{BOX}{SEND}<button>Log in</button>", SessionExpiredError, "sign in"),
    "a door in a link of its own": (
        f"{BOX}{SEND}<a href='/login'>Sign in</a>",
        SessionExpiredError,
        "sign in",
    ),
    "a button that does nothing": (
        f"{BOX}{SEND}",
        PageError,
        "sent no message within 1.5 s after the send button was clicked. It may still have been sent",
    ),
    "a page that is loaded anew": (
        f"{BOX}{SEND.replace('type=', 'onclick=location.reload() type=')}",
        PageError,
        "reloaded after the send button was clicked",
    ),
}


@pytest.mark.parametrize("which", PAGES)
def test_pages_that_take_no_message(
    scripted_site: ScriptedSite, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch, which: str
) -> None:
    monkeypatch.setattr("chatgpt_browser._transport.site_ui.composer._HYDRATION_TIMEOUT", 0.6)
    monkeypatch.setattr("chatgpt_browser._transport.site_ui.composer._CLICK_TIMEOUT", 1.0)
    markup, kind, words = PAGES[which]
    scripted_site.server.script_path("/", Answer(200, f"<title>x</title><form>{markup}</form>"))
    options = api._core._sender.options
    before = options.first_byte_timeout
    object.__setattr__(options, "first_byte_timeout", 1.5)
    try:
        with pytest.raises(kind, match=words) as caught:
            api.send_message("Hello")
    finally:
        object.__setattr__(options, "first_byte_timeout", before)
    assert type(caught.value) is kind
    assert sent(scripted_site) == []


# ---- with a browser of their own -------------------------------------------------------------------------------------


def test_auto_goes_over_once(connect: Connect) -> None:
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


def test_fetch_says_what_would_help(connect: Connect) -> None:
    with FakeChatGPT(form="app") as server:
        with pytest.raises(UnusualActivityError, match='send_via="page"'):
            connect(server).send_message("One")


def test_a_challenge_and_a_handoff(connect: Connect) -> None:
    with FakeChatGPT(form="app") as server:
        api = connect(server, send_via="page", first_byte_timeout=0)  # no limit, there as here
        api.start()
        server.strike_challenge()
        server.script(Reply(pieces=["One", " two", " three"], handoff_after=1))

        assert api.send_message("Count") == "One two three"


def test_challenges_between_messages(connect: Connect) -> None:
    with FakeChatGPT(form="app") as server:
        api = connect(server, send_via="page")
        for number in range(3):
            assert api.send_message(f"{number}") == f'You said: "{number}".'
            server.strike_challenge("passes")


def test_an_access_token_that_has_run_out_in_the_page(connect: Connect) -> None:
    with FakeChatGPT(form="app") as server:
        conversation = connect(server, send_via="page").get_conversation()
        conversation.send_message("One")
        server.expire_access_tokens()
        assert 'said: "One"' in conversation.send_message("Two")


def test_a_browser_that_has_died(connect: Connect) -> None:
    mark = Mark()
    with FakeChatGPT(form="app") as server:
        api = connect(server, send_via="page", browser_args=[mark.argument])
        for text in ("One", "Two"):
            assert api.send_message(text) == f'You said: "{text}".'
            mark.kill_browser()


@pytest.mark.anyio
async def test_closing_while_a_page_is_brought_to_send(connect: Connect) -> None:
    with FakeChatGPT(form="app") as server:
        for delay in (0.02, 0.1, 0.2):
            api = AsyncChatGPTAPI(server.session_token, send_via="page", **base_urls(server))
            await api.ensure_auth()
            calling = asyncio.ensure_future(api.send_message("Hello"))
            await asyncio.wait([calling], timeout=delay)
            await api.close()
            with pytest.raises(ClientClosedError):
                await calling


def test_the_session_token_that_the_page_was_given(connect: Connect) -> None:
    with FakeChatGPT(form="app", rotate_session_token=True) as server:
        api = connect(server, send_via="page")
        for text in ("One", "Two"):
            api.send_message(text)
            assert api.session_token == server.session_token


@pytest.mark.anyio
async def test_no_page_is_left_of_calls_that_end_early(scripted_site: ScriptedSite) -> None:
    server, chance = scripted_site.server, random.Random(2)
    options: dict[str, Any] = base_urls(server)
    async with AsyncChatGPTAPI(server.session_token, send_via="page", **options) as api:
        await api.ensure_auth()
        for number in range(24):
            calling = asyncio.ensure_future(api.send_message("not wanted"))
            # While the page is opened, that is, and later.
            await asyncio.wait([calling], timeout=chance.uniform(0.001, 0.25 if number % 2 else 0.05))
            calling.cancel()
            await asyncio.wait([calling])
        tabs, browser = api._sender.site_pages, api._browser_manager._browser
        assert browser is not None
        with anyio.fail_after(10):
            while tabs._closing._tasks:
                await asyncio.wait([*tabs._closing._tasks])
        # As Chromium has it: Playwright hears of some a moment later.
        targets = (await browser.devtools.send("Target.getTargets"))["targetInfos"]
        left = [target["url"] for target in targets if target["type"] == "page"]
        assert len(left) == 1 + len(tabs.idle_pages), left  # one is the client's own
        assert await api.send_message("Still there?") == 'You said: "Still there?".'


@pytest.mark.anyio
async def test_a_call_that_is_cancelled_as_it_begins_ends(scripted_site: ScriptedSite) -> None:
    """Its page may take its time to close, or never say that it has: nobody waits for that."""
    server, chance = scripted_site.server, random.Random(1)
    options: dict[str, Any] = base_urls(server)
    async with AsyncChatGPTAPI(server.session_token, send_via="page", **options) as api:
        for _ in range(20):
            assert await api.send_message("warm up", timeout_ms=20_000)
            calling = asyncio.ensure_future(api.send_message("not wanted"))
            await asyncio.wait([calling], timeout=chance.uniform(0.001, 0.03))
            calling.cancel()
            done, _ = await asyncio.wait([calling], timeout=5)
            assert done, "it goes on"
