"""The site's page in its layouts, languages and states: the composer, dialogs, refusals before the message, and the model."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import (
    AccessTokenRejectedError,
    ChallengeError,
    ChatGPTAPI,
    ChatGPTError,
    ComposerNotFoundError,
    DialogInTheWayError,
    OptionNotAppliedError,
    RateLimitError,
    SessionExpiredError,
    UnusualActivityError,
)
from chatgpt_browser._transport.site_ui.composer import Composer
from chatgpt_browser._transport.site_ui.page_pool import SitePagePool
from chatgpt_browser.testing import Answer, Gate, Hold, RawBody, Reply
from tests.support.scripted_site import DONE, ScriptedSite, body, event

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The page's own limit, in seconds: the default of ``first_byte_timeout``. Errors have to arrive much earlier.
PAGE_LIMIT = 60.0


@pytest.fixture
def scripted_site(app_site: ScriptedSite) -> Iterator[ScriptedSite]:
    app_site.begin()
    yield app_site
    server = app_site.server
    server.layout, server.language, server.dialog, server.ignores_model = "usual", "en", None, False
    for injection in server._site.injections.all:
        injection.lift()


@pytest.fixture
def api(page_client: ChatGPTAPI, scripted_site: ScriptedSite) -> ChatGPTAPI:
    return page_client


def sent_messages(scripted_site: ScriptedSite) -> list[Any]:
    """Return the requests with which the page has sent messages during this test."""
    return [r for r in scripted_site.requests if r.method == "POST" and r.path.endswith("/f/conversation")]


# ---- Layouts and languages -------------------------------------------------------------------------------------------


@pytest.mark.sample(5)
@pytest.mark.parametrize("language", ["en", "de", "fr", "ja", "zh"])
@pytest.mark.parametrize("layout", ["2023", "2025", "2026"])
def test_composer_layout_and_language_sends_and_continues(
    scripted_site: ScriptedSite, api: ChatGPTAPI, layout: Any, language: Any
) -> None:
    scripted_site.server.layout, scripted_site.server.language = layout, language
    conversation = api.get_conversation()
    assert conversation.send_message("My name is\nAda.") == 'You said: "My name is\nAda.".'
    assert "Before that you said" in conversation.send_message("And?")
    assert len(sent_messages(scripted_site)) == 2


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("layout", "language"),
    [("2023", "en"), ("2025", "fr"), ("2026", "en"), ("2026", "ja"), ("strange", "en")],
)
def test_composer_layout_stops_reply(
    scripted_site: ScriptedSite,
    api: ChatGPTAPI,
    layout: Any,
    language: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The page is kept, so it was the stop button that ended the reply: without one, the page is closed."""
    # On a slow machine, a page may need longer than these limits of 1 to 6 s. It would then be closed or opened again.
    for limit in (
        "site_page._CLICK_STOP_TIMEOUT",
        "site_page._STOP_TIMEOUT",
        "composer._RENDER_TIMEOUT",
        "navigation._ADDRESS_TIMEOUT",
    ):
        monkeypatch.setattr(f"chatgpt_browser._transport.site_ui.{limit}", 20.0)
    scripted_site.server.layout, scripted_site.server.language = layout, language
    conversation = api.get_conversation()
    conversation.send_message("One")
    opened = len([r for r in scripted_site.requests if r.path.startswith("/c/")])
    message = scripted_site.answering(Reply(pieces=["Two", " and"], hold_after=1, gate=Gate()))
    with conversation.stream_message(message) as stream:
        assert next(stream) == "Two"
    assert sent_messages(scripted_site)[-1].disconnected.wait(20)
    assert conversation.send_message("Three").startswith('You said: "Three".')
    assert len([r for r in scripted_site.requests if r.path.startswith("/c/")]) == opened


def test_stop_button_recorded_too_early_stops_reply(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """A slow page still shows the stop button of the previous reply when the client records the composer's buttons."""
    scripted_site.server.layout, scripted_site.server.language = "2026", "ja"
    conversation = api.get_conversation()
    pages = api._core._sender.site_pages
    assert isinstance(pages, SitePagePool)
    for _ in range(2):
        message = scripted_site.answering(Reply(pieces=["One", " and"], hold_after=1, gate=Gate()))
        with conversation.stream_message(message) as stream:
            assert next(stream) == "One"
            (page,) = [each for each in pages._pages if not each.is_idle]
            stop_button = page._composer._stop_button
            stop_button._idle_buttons.update(api._portal.call(stop_button._shapes))
        assert sent_messages(scripted_site)[-1].disconnected.wait(20)
        assert conversation.send_message("More").startswith('You said: "More".')
    assert page.dead is None


ENTER_PAGE = """<title>x</title><form><textarea></textarea></form><script>
const [box] = document.getElementsByTagName("textarea");
const json = async (path, body, headers) => (await fetch(path, { method: "POST", body: JSON.stringify(body), headers })).json();
box.addEventListener("keydown", async (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  const { accessToken } = await (await fetch("/api/auth/session")).json();
  const headers = { authorization: `Bearer ${accessToken}`, "content-type": "application/json" };
  const { token } = await json("/backend-api/sentinel/chat-requirements", {}, headers);
  const content = { content_type: "text", parts: [box.value] };
  const message = { id: crypto.randomUUID(), author: { role: "user" }, content };
  const body = { action: "next", messages: [message], parent_message_id: crypto.randomUUID(), model: "auto" };
  const proof = { ...headers, "openai-sentinel-chat-requirements-token": token };
  await (await fetch("/backend-api/f/conversation", { method: "POST", body: JSON.stringify(body), headers: proof })).text();
});
</script>"""


def test_composer_without_any_button_sends_by_enter(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    scripted_site.server.script_path("/", Answer(200, ENTER_PAGE))
    assert api.send_message("Hello") == 'You said: "Hello".'


CLOCK_PAGE = """<title>x</title><p></p><script>
setInterval(() => { fetch("/backend-api/me"); document.querySelector("p").replaceChildren(String(Date.now())); }, 300);
</script>"""


@pytest.mark.parametrize(
    "page",
    ["<title>x</title><p>Nothing to write in.</p>", pytest.param(CLOCK_PAGE, marks=pytest.mark.long)],
    ids=["idle", "clock-and-polling"],
)
def test_composer_page_without_composer_fails_early(
    scripted_site: ScriptedSite, api: ChatGPTAPI, page: str
) -> None:
    scripted_site.server.script_path("/", Answer(200, page))
    started = time.monotonic()
    with pytest.raises(ComposerNotFoundError, match="Nothing was sent"):
        api.send_message("Hello")
    assert time.monotonic() - started < PAGE_LIMIT / 2
    assert sent_messages(scripted_site) == []


# ---- Dialogs ---------------------------------------------------------------------------------------------------------


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    ("dialog", "kind", "words"),
    [
        ("rate-limit", RateLimitError, "too many requests.*Nothing was sent"),
        ("unusual-activity", UnusualActivityError, "unusual activity.*Nothing was sent"),
        ("expired-session", SessionExpiredError, "session has expired.*Nothing was sent"),
        ("signed-out", SessionExpiredError, "session has expired.*Nothing was sent"),
        ("survey", DialogInTheWayError, "How do you like the page.*Nothing was sent"),
        ("overlay", DialogInTheWayError, "How do you like the page.*Nothing was sent"),
        ("choice", DialogInTheWayError, "which of two answers you prefer.*Nothing was sent"),
    ],
)
@pytest.mark.parametrize("layout", ["2025", "2026"])
def test_composer_covered_by_dialog_raises_typed_error(
    scripted_site: ScriptedSite,
    api: ChatGPTAPI,
    layout: Any,
    dialog: Any,
    kind: type[ChatGPTError],
    words: str,
) -> None:
    scripted_site.server.layout, scripted_site.server.dialog = layout, dialog
    started = time.monotonic()
    with pytest.raises(kind, match=words) as caught:
        api.send_message("Hello")

    assert time.monotonic() - started < PAGE_LIMIT / 2
    assert type(caught.value) is kind
    if isinstance(caught.value, RateLimitError):
        assert caught.value.scope == "conversations"
    if isinstance(caught.value, DialogInTheWayError):
        assert caught.value.title
    assert sent_messages(scripted_site) == []
    assert not [r for r in scripted_site.requests if "dialog-answered" in r.path]


def test_composer_choice_in_thread_is_neither_answered_nor_in_the_way(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """The page asks which of two answers is better, below each reply."""
    scripted_site.server.layout, scripted_site.server.dialog = "2026", "choice-in-thread"
    conversation = api.get_conversation()
    for text in ("One", "Two", "Three"):
        assert conversation.send_message(text).startswith(f'You said: "{text}".')
    assert not [r for r in scripted_site.requests if "dialog-answered" in r.path]


def test_composer_announcement_is_closed_once_and_logged(
    scripted_site: ScriptedSite, api: ChatGPTAPI, caplog: pytest.LogCaptureFixture
) -> None:
    scripted_site.server.layout, scripted_site.server.dialog = "2026", "announcement"
    with caplog.at_level(logging.INFO, "chatgpt_browser"):
        assert api.send_message("Hello") == 'You said: "Hello".'

    assert [r.message for r in caplog.records if "What's new" in r.getMessage()] == [
        "closed a dialog of the site's page: \"What's new\""
    ]
    assert not [r for r in scripted_site.requests if "dialog-answered" in r.path]


# ---- Refusals before the message -------------------------------------------------------------------------------------

TOKENS = "/sentinel/chat-requirements"


@pytest.mark.parametrize(
    ("layout", "path", "fault", "kind"),
    [
        ("usual", TOKENS, "unauthorized", AccessTokenRejectedError),
        ("2026", f"{TOKENS}/prepare", "unusual-activity", UnusualActivityError),
        ("2026", f"{TOKENS}/finalize", "rate-limit-header", RateLimitError),
        ("2026", "/f/conversation/prepare", "challenge-impassable", ChallengeError),
    ],
)
def test_preparation_refused_raises_typed_error_at_once(
    scripted_site: ScriptedSite,
    api: ChatGPTAPI,
    layout: Any,
    path: str,
    fault: str,
    kind: type[ChatGPTError],
) -> None:
    scripted_site.server.layout = layout
    scripted_site.server.inject(fault, times=None, path=path)
    started = time.monotonic()
    with pytest.raises(kind, match="Nothing was sent") as caught:
        api.send_message("Hello")

    assert time.monotonic() - started < PAGE_LIMIT / 2
    assert type(caught.value) is kind
    assert sent_messages(scripted_site) == []
    if isinstance(caught.value, RateLimitError):
        assert caught.value.retry_after == 120


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(401), SessionExpiredError),
        (Answer.too_many_requests(), RateLimitError),
        (Answer(200, {}), SessionExpiredError),
    ],
)
def test_preparation_session_refused_raises_typed_error(
    scripted_site: ScriptedSite, api: ChatGPTAPI, answer: Answer, kind: type[ChatGPTError]
) -> None:
    """The page fetches its session again when its access token has expired."""
    conversation = api.get_conversation()
    conversation.send_message("One")
    scripted_site.server.inject("token-expired", path=TOKENS)
    scripted_site.server.script_session(answer)
    with pytest.raises(kind, match="Nothing was sent") as caught:
        conversation.send_message("Two")
    assert type(caught.value) is kind
    assert len(sent_messages(scripted_site)) == 1


def test_preparation_session_loads_after_click_sends_message(
    scripted_site: ScriptedSite, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The composer works before the page has loaded its session. The page then waits for the session, and sends the message."""
    gate, press_send = Gate(), Composer.press_send

    async def press_and_load(composer: Composer, text: str) -> bool:
        is_clicked = await press_send(composer, text)
        gate.open()
        return is_clicked

    monkeypatch.setattr(Composer, "press_send", press_and_load)
    session = {"user": {"email": "ada@example.com"}, "accessToken": api.refresh_access_token()}
    loading = RawBody([Hold(gate), json.dumps(session).encode()], content_type="application/json")
    scripted_site.server.script_session(loading)
    assert api.send_message("Hello") == 'You said: "Hello".'
    assert len(sent_messages(scripted_site)) == 1


def test_preparation_refused_once_and_repeated_by_page_sends_message(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """A refusal does not count if the page repeats the request, as it does with an expired access token."""
    scripted_site.server.layout = "2026"
    scripted_site.server.inject("token-expired", times=1, path=f"{TOKENS}/prepare")
    assert api.send_message("Hello") == 'You said: "Hello".'
    assert len(sent_messages(scripted_site)) == 1


# ---- The model -------------------------------------------------------------------------------------------------------


@pytest.fixture
def named_model(api: ChatGPTAPI) -> Iterator[ChatGPTAPI]:
    """Return the client with an explicitly named model."""
    sender = api._core._sender
    before = sender.options.model
    object.__setattr__(sender.options, "model", "gpt-5-nonesuch")
    yield api
    object.__setattr__(sender.options, "model", before)


def test_named_model_ignored_by_page_raises_and_stops_reply(
    scripted_site: ScriptedSite, named_model: ChatGPTAPI
) -> None:
    scripted_site.server.ignores_model = True
    message = scripted_site.answering(Reply(pieces=["One", " two"], hold_after=1, gate=Gate()))
    with pytest.raises(OptionNotAppliedError, match="its answer was stopped") as caught:
        named_model.send_message(message)

    error = caught.value
    assert (error.option, error.requested, error.sent) == ("model", "gpt-5-nonesuch", "auto")
    (request,) = sent_messages(scripted_site)
    assert request.disconnected.wait(20)


def test_named_model_used_by_page_is_kept_in_conversation(
    scripted_site: ScriptedSite, named_model: ChatGPTAPI
) -> None:
    conversation = named_model.get_conversation()
    conversation.send_message("One")
    named_model.send_message("Elsewhere")
    conversation.send_message("Two")
    assert {r.json["model"] for r in sent_messages(scripted_site)} == {"gpt-5-nonesuch"}


def test_named_model_in_existing_conversation_of_another_raises(
    scripted_site: ScriptedSite, named_model: ChatGPTAPI
) -> None:
    scripted_site.server.ignores_model = True
    existing = scripted_site.server.add_conversation([("user", "Hello"), ("assistant", "Yes")])
    with pytest.raises(OptionNotAppliedError, match="start a new conversation for another model"):
        named_model.get_conversation(conversation_id=existing.id).send_message("More")


@pytest.mark.parametrize("model", ["auto", "text-davinci-002-render"])
def test_model_of_site_choice_is_not_compared(
    scripted_site: ScriptedSite, api: ChatGPTAPI, model: str
) -> None:
    scripted_site.server.ignores_model = True
    options = api._core._sender.options
    before = options.model
    object.__setattr__(options, "model", model)
    try:
        assert api.send_message("Hello") == 'You said: "Hello".'
    finally:
        object.__setattr__(options, "model", before)


def test_named_model_answered_by_another_is_a_logged_warning(
    scripted_site: ScriptedSite, named_model: ChatGPTAPI, caplog: pytest.LogCaptureFixture
) -> None:
    answer = event("Hello", id="9b2f", metadata={"model_slug": "gpt-5-mini"})
    with caplog.at_level(logging.WARNING, "chatgpt_browser"):
        assert named_model.send_message(scripted_site.answering(body(answer, DONE))) == "Hello"
    assert [r.getMessage() for r in caplog.records] == [
        "the site has answered with the model 'gpt-5-mini' instead of 'gpt-5-nonesuch'"
    ]
