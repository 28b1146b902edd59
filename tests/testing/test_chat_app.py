"""The web application (`form="app"`) in a browser, driven by pytest-playwright without `chatgpt_browser`'s client."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from chatgpt_browser._browser.executables import find_on_path
from chatgpt_browser._browser.sandbox import sandbox_refusal
from chatgpt_browser.testing import Answer, Aside, ComposerOptions, FakeChatGPT, Gate, Reply
from chatgpt_browser.testing.server.model_list import APP_MODELS
from tests.support.scripted_site import OTHER_MODELS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.site_client import Connect


# The fixtures of pytest-playwright last until the end of the run, and so does their event loop, which breaks async tests.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    found = find_on_path()
    path = None if Path(playwright.chromium.executable_path).exists() else found
    browser = playwright.chromium.launch(executable_path=path, chromium_sandbox=not sandbox_refusal())
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def browser_context_args() -> dict[str, Any]:
    return {}


@pytest.fixture(scope="module")
def module_server() -> Iterator[FakeChatGPT]:
    with FakeChatGPT(form="app", models=[*APP_MODELS, *OTHER_MODELS]) as server:
        yield server
        assert server.errors == []


@pytest.fixture
def server(module_server: FakeChatGPT) -> Iterator[FakeChatGPT]:
    yield module_server
    module_server.layout, module_server.modal, module_server.wakes_after = "usual", None, 0.0
    module_server.language, module_server.dialog, module_server.ignores_model = "en", None, False
    module_server.composer = ComposerOptions()


@pytest.fixture
def signed_in(context: BrowserContext, server: FakeChatGPT) -> None:
    cookie: Any = {"name": "next-auth.session-token", "value": server.session_token, "url": server.origin}
    context.add_cookies([cookie])


def type_and_send(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Message").click()
    page.keyboard.insert_text(text)
    page.get_by_role("button", name="Send").click()


def answers(page: Page) -> Any:
    return page.locator("[data-message-author-role=assistant]")


@pytest.mark.usefixtures("signed_in")
def test_chat_app_conversation_is_sent_shown_and_reloaded(page: Page, server: FakeChatGPT) -> None:
    page.goto(server.origin)
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    type_and_send(page, "My name is\nAda.")
    expect(answers(page)).to_have_text('You said: "My name is\nAda.".')
    *_, name = server.conversations
    expect(page).to_have_url(f"{server.origin}/c/{name}")
    expect(page.get_by_role("link", name="New chat").last).to_have_attribute("aria-current", "page")

    page.get_by_role("textbox").press_sequentially("And?")
    page.get_by_role("textbox").press("Enter")
    expect(answers(page).last).to_contain_text("Before that you said")
    page.reload()
    expect(answers(page)).to_have_count(2)
    type_and_send(page, "Once more")
    expect(answers(page)).to_have_count(3)
    assert [role for role, _ in server.conversations[name].history()] == ["user", "assistant"] * 3


@pytest.mark.usefixtures("signed_in")
def test_chat_app_side_messages_are_marked(page: Page, server: FakeChatGPT) -> None:
    asides = (Aside.thoughts("Hm."), Aside.tool_call("6 * 7"), Aside.tool_output("42"), Aside.hidden("never"))
    server.script(Reply("It is\n```\n42\n```\nindeed.", asides=asides, channel="final"))
    page.goto(server.origin)
    type_and_send(page, "What is it?")

    expect(answers(page)).to_have_text(["Hm.", "6 * 7", "42", "It is\n42\nindeed."])
    expect(page.locator("pre")).to_have_text("42\n")
    expect(page.locator(".aside")).to_have_count(3)


@pytest.mark.usefixtures("signed_in")
def test_chat_app_stop_button_disconnects(page: Page, server: FakeChatGPT) -> None:
    server.script(Reply(pieces=["One", " two"], hold_after=1, gate=Gate()))
    page.goto(server.origin)
    type_and_send(page, "Count.")
    expect(answers(page)).to_have_text("One")
    page.get_by_role("button", name="Stop").click()

    expect(page.get_by_role("button", name="Send")).to_be_visible()
    sent = [record for record in server.requests if record.path == "/backend-api/f/conversation"]
    assert sent[-1].disconnected.wait(20)


def test_chat_app_message_without_page_token_returns_403(connect: Connect, server: FakeChatGPT) -> None:
    client = connect(server)
    result = client.send("Hello")

    assert result.response.status_code == 403
    assert "Unusual activity" in result.response.json()["detail"]
    token = client.backend("POST", "/sentinel/chat-requirements", {}).json()["token"]
    client.http.headers["openai-sentinel-chat-requirements-token"] = token
    assert client.send("Hello").response.status_code == 200
    assert client.send("Hello").response.status_code == 403, "a token is valid once"


@pytest.mark.usefixtures("signed_in")
def test_chat_app_error_response_shows_alert(page: Page, server: FakeChatGPT) -> None:
    server.script(Answer.model_cap())
    page.goto(server.origin)
    type_and_send(page, "Hello")

    expect(page.get_by_role("alert")).to_contain_text("too many messages")


@pytest.mark.usefixtures("signed_in")
def test_chat_app_modal_can_be_closed(page: Page, server: FakeChatGPT) -> None:
    server.modal = 'Our <"terms"> have changed'
    page.goto(server.origin)
    dialog = page.get_by_role("dialog", name=server.modal)
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Close").click()

    type_and_send(page, "Hello")
    expect(answers(page)).to_have_text('You said: "Hello".')


def test_chat_app_without_session_shows_login_page(page: Page, server: FakeChatGPT) -> None:
    page.goto(server.origin)

    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    expect(page.get_by_role("textbox")).to_have_count(0)


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("layout", "label", "names"),
    [
        ("usual", "Message", 1),
        ("moved", "Message", 0),
        ("foreign", "Nachricht", 1),
        ("strange", "Nachricht", 0),
    ],
)
def test_chat_app_layout_changes_labels_and_ids(
    page: Page, server: FakeChatGPT, layout: Any, label: str, names: int
) -> None:
    server.layout = layout
    page.goto(server.origin)

    expect(page.get_by_role("textbox", name=label, exact=True)).to_be_visible()
    expect(page.get_by_test_id("prompt-textarea")).to_have_count(names)
    expect(page.locator("#prompt-textarea")).to_have_count(names)


def test_chat_app_invalid_option_raises(server: FakeChatGPT) -> None:
    with pytest.raises(ValueError, match="layout"):
        server.layout = "other"  # type: ignore[assignment]
    with pytest.raises(ValueError, match="language"):
        server.language = "xx"  # type: ignore[assignment]
    with pytest.raises(ValueError, match="dialog"):
        server.dialog = "other"  # type: ignore[assignment]
    with pytest.raises(ValueError, match="form"):
        FakeChatGPT(form="web")  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="form='app'"):
        FakeChatGPT().modal = "Hello"


@pytest.mark.usefixtures("signed_in")
def test_chat_app_crowded_layout_shows_other_controls(page: Page, server: FakeChatGPT) -> None:
    server.layout = "crowded"
    server.script(Reply("See [Log in](https://example.com/login) there."))
    page.goto(server.origin)
    for name in ("Send feedback", "Stop reminders"):
        expect(page.get_by_role("button", name=name)).to_be_visible()
    expect(page.get_by_role("textbox", name="Ask a colleague")).to_be_visible()
    page.get_by_role("textbox", name="Message").press_sequentially("Hello")
    page.get_by_role("button", name="Send message").click()

    expect(page.get_by_role("link", name="Log in")).to_have_attribute("href", "https://example.com/login")
    expect(answers(page)).to_have_text("See Log in there.")
    assert [r.query for r in server.requests if r.path.endswith("f/conversation")][-1] == "from=composer"


@pytest.mark.usefixtures("signed_in")
def test_chat_app_late_hydration_discards_early_input(page: Page, server: FakeChatGPT) -> None:
    server.wakes_after = 1.0
    page.goto(server.origin)
    box = page.get_by_role("textbox", name="Message")
    box.press_sequentially("Too early")

    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    expect(box).to_be_empty()
    type_and_send(page, "Hello")
    expect(answers(page)).to_have_text('You said: "Hello".')


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("layout", "language", "editor", "labels", "turn"),
    [
        ("2023", "de", "form > .box > textarea", 0, "article[data-message-id]"),
        ("2025", "de", "form[data-type] #prompt-textarea", 1, "article[data-turn-id]"),
        (
            "2026",
            "de",
            "form[data-chatgpt-composer]:not([hidden]) [role=textbox]",
            1,
            "article[data-turn-key]",
        ),
    ],
)
def test_chat_app_layout_of_year_sends_in_language(
    page: Page, server: FakeChatGPT, layout: Any, language: Any, editor: str, labels: int, turn: str
) -> None:
    server.layout, server.language = layout, language
    page.goto(server.origin)
    expect(page.locator("html")).to_have_attribute("lang", language)
    page.locator(editor).click()
    page.keyboard.insert_text("Hallo")
    expect(page.get_by_role("button", name="Senden")).to_have_count(labels)
    page.locator("form:visible button.send").click()

    expect(page.locator(turn)).to_have_count(2)
    expect(page.locator("article").last).to_contain_text('You said: "Hallo".')


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("dialog", "name"),
    [
        ("rate-limit", "modal-conversation-history-rate-limit"),
        ("expired-session", "modal-expired-session"),
        ("signed-out", "modal-no-auth-login"),
        ("announcement", "modal-beacon"),
    ],
)
def test_chat_app_dialog_covers_page_and_has_no_height(
    page: Page, server: FakeChatGPT, dialog: Any, name: str
) -> None:
    server.dialog = dialog
    page.goto(server.origin)
    found = page.get_by_test_id(name)
    expect(found.get_by_role("heading")).to_be_visible()
    box = found.bounding_box()
    assert box is not None
    assert box["height"] == 0
    expect(page.locator("main")).to_have_attribute("inert", "")


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(("ignores", "sent"), [(True, "auto"), (False, "gpt-x")])
def test_chat_app_ignored_model_is_not_sent(
    page: Page, server: FakeChatGPT, ignores: bool, sent: str
) -> None:
    server.ignores_model = ignores
    page.goto(f"{server.origin}/?model=gpt-x")
    type_and_send(page, "Hello")
    expect(answers(page)).to_have_text('You said: "Hello".')
    assert [r.json["model"] for r in server.requests if r.path.endswith("/f/conversation")][-1] == sent


@pytest.mark.usefixtures("signed_in")
def test_chat_app_shell_submits_natively_and_sends_nothing(page: Page, server: FakeChatGPT) -> None:
    server.wakes_after, server.composer = 600.0, ComposerOptions(shell=True, shell_accepts_clicks=True)
    page.goto(server.origin)
    page.locator("textarea").fill("Too early")
    page.get_by_role("button", name="Send").click()
    expect(page).to_have_url(f"{server.origin}/?prompt-textarea=Too+early")

    server.wakes_after = 0.0
    page.goto(server.origin)
    type_and_send(page, "Hello")
    expect(answers(page)).to_have_text('You said: "Hello".')
    expect(page.locator("textarea")).to_be_hidden()


@pytest.mark.usefixtures("signed_in")
def test_chat_app_composer_options_lose_and_ignore_input(page: Page, server: FakeChatGPT) -> None:
    server.composer = ComposerOptions(renders_anew_after=[0.0], ignored_clicks=1, text_limit=10)
    page.goto(server.origin)
    box, send = page.get_by_role("textbox", name="Message"), page.get_by_role("button", name="Send")
    box.press_sequentially("a")
    expect(box).to_be_empty()
    box.fill("far too long a text")
    expect(page.get_by_role("alert")).to_contain_text("too long")
    expect(send).to_be_disabled()
    box.fill("Hello")
    send.click()
    expect(box).to_have_text("Hello")
    send.click()
    expect(answers(page)).to_have_text('You said: "Hello".')
