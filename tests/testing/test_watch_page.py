"""The watch page, in a separate browser."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright

from chatgpt_browser._browser.executables import launch_candidates
from chatgpt_browser._browser.sandbox import sandbox_refusal
from chatgpt_browser._client.base_client import default_options
from chatgpt_browser.testing import FakeChatGPT, Gate, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

    from tests.support.site_client import Connect, SiteClient, StartServer


# Not the fixture of pytest-playwright: its event loop runs until the end of the session, which breaks async tests.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=30_000)  # A guard for busy machines.
    with sync_playwright() as playwright:
        chromium: Any = playwright.chromium
        which = next(launch_candidates(chromium, default_options()))
        browser = playwright.chromium.launch(chromium_sandbox=not sandbox_refusal(), **which)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, server: FakeChatGPT) -> Iterator[Page]:
    """The watch page of `server`; the test fails on console messages and page errors."""
    page_messages: list[str] = []
    with browser.new_context() as context:
        page = context.new_page()
        page.on("console", lambda message: page_messages.append(message.text))
        page.on("pageerror", lambda error: page_messages.append(str(error)))
        page.goto(server.watch_url)
        expect(page.get_by_role("status")).to_have_text("live")
        yield page
    assert page_messages == []


def test_watch_page_shows_reply_while_streamed(client: SiteClient, page: Page) -> None:
    gate = Gate()
    expect(page.get_by_text("None yet. They appear here")).to_be_visible()

    client.server.script(Reply(pieces=["Half a", " reply <b>&", " more"], hold_after=2, gate=gate))
    with client.stream("What is new?") as response:
        gate.wait_reached()
        conversation = page.get_by_role("button", name="What is new?")
        expect(conversation).to_have_attribute("aria-current", "true")
        expect(conversation).to_contain_text("2 messages · answering")
        expect(page.locator(".message.assistant.live .text")).to_have_text("Half a reply <b>&")
        gate.open()
        response.read()

    expect(page.locator(".message.assistant:not(.live) .text")).to_have_text("Half a reply <b>& more")
    expect(page.locator(".message.user .text")).to_have_text("What is new?")
    row = page.get_by_role("row", name="POST /backend-api/conversation")
    expect(row).to_contain_text("3 events")
    expect(row.locator(".status.ok")).to_have_text("200")


def test_watch_page_shows_fault_and_request(client: SiteClient, page: Page) -> None:
    client.server.inject("rate-limit-header", times=2)
    fault = page.get_by_role("listitem").filter(has_text="rate-limit-header")
    expect(fault).to_contain_text("struck 0 · 2 left")
    client.send("x")

    expect(fault).to_contain_text("struck 1 · 1 left")
    row = page.get_by_role("row", name="POST /backend-api/conversation")
    expect(row.locator(".fault")).to_have_text("rate-limit-header")
    expect(row.locator(".status.bad")).to_have_text("429")
    expect(page.locator("#figure-struck")).to_have_text("1")


def test_watch_page_follows_until_conversation_is_chosen(client: SiteClient, page: Page) -> None:
    client.send("The first")
    client.send("The second")
    title = page.get_by_role("heading", level=2, name="The second")
    expect(title).to_be_visible()
    page.get_by_role("button", name="The first").click()
    client.send("The third")

    expect(page.get_by_role("button", name="The third")).to_be_visible()
    expect(page.get_by_role("heading", level=2, name="The first")).to_be_visible()
    expect(page.get_by_label("follow")).not_to_be_checked()
    page.get_by_label("follow").check()
    client.send("The fourth")
    expect(page.get_by_role("heading", level=2, name="The fourth")).to_be_visible()


def test_watch_page_shows_clock_and_rule_of_requests(client: SiteClient, page: Page) -> None:
    client.server.when("weather", "Sunny.")
    client.send("How is the weather?")
    client.send("Hello")
    rows = page.get_by_role("row", name="POST /backend-api/conversation")
    expect(rows).to_have_count(2)
    newest, older = rows.all()
    expect(older.locator(".rule")).to_contain_text(
        "when('weather', 'Sunny.') at tests/testing/test_watch_page.py:"
    )
    expect(newest.locator(".rule")).to_have_count(0)
    time = newest.locator("time")
    expect(time).to_have_text(re.compile(r"^\d\d:\d\d:\d\d$"))
    clock = datetime.fromisoformat((time.get_attribute("datetime") or "").replace("Z", "+00:00"))
    assert abs(datetime.now(timezone.utc) - clock) < timedelta(minutes=5)


def test_watch_page_copies_conversation_as_test(client: SiteClient, page: Page) -> None:
    client.server.script('It\'s \n"sunny".')
    client.send("How is the weather?")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy as a test").click()
    dialog = page.get_by_role("dialog", name="This conversation as a test")
    expect(dialog.get_by_role("status")).to_have_text("It was copied to the clipboard.")
    source = page.evaluate("navigator.clipboard.readText()")
    assert source == page.locator("#source").text_content()
    assert "chatgpt_server.when('How is the weather?', 'It\\'s \\n\"sunny\".')" in source
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_watch_page_keyboard_chooses_conversations(client: SiteClient, page: Page) -> None:
    for text in ("The first", "The second", "The third"):
        client.send(text)
    newest = page.get_by_role("button", name="The third")
    expect(newest).to_have_attribute("aria-current", "true")
    newest.focus()
    for key, name in (("ArrowDown", "second"), ("End", "first"), ("ArrowUp", "second"), ("Home", "third")):
        page.keyboard.press(key)
        chosen = page.get_by_role("button", name=f"The {name}")
        expect(chosen).to_be_focused()
        expect(chosen).to_have_attribute("aria-current", "true")
        expect(page.get_by_role("heading", level=2, name=f"The {name}")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Copy as a test")).to_be_focused()


def test_watch_page_on_a_phone_is_not_wider_than_the_screen(client: SiteClient, page: Page) -> None:
    client.server.when("x" * 300, "y" * 300)
    client.server.inject("redirect-stranger", after=50)
    client.send("x" * 300)
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator(".rule")).to_have_count(1)
    expect(page.locator(".message.assistant .text")).to_have_text("y" * 300)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="Copy as a test").click()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_watch_page_reports_stopped_server(server: FakeChatGPT, browser: Browser, client: SiteClient) -> None:
    with browser.new_context(color_scheme="dark") as context:
        page = context.new_page()
        page.goto(server.watch_url)
        client.send("Hello")
        expect(page.get_by_role("button", name="Hello")).to_be_visible()
        server.close()
        expect(page.get_by_role("status")).to_have_text("the server has stopped")
        expect(page.locator(".message.assistant .text")).to_have_text('You said: "Hello".')


# ---- without a browser -------------------------------------------------------------------------------


def test_watch_page_requests_are_not_recorded(client: SiteClient) -> None:
    server = client.server
    before = len(server.requests)
    server.inject("redirect-stranger", times=None)
    server.strike_challenge("person")
    for name in ("", "/watch.css", "/watch.js"):
        response = httpx.get(server.watch_url + name)
        assert response.status_code == 200 and "cf-mitigated" not in response.headers
        assert response.headers["content-security-policy"].startswith("default-src 'none'")

    assert len(server.requests) == before
    assert server.session_token not in httpx.get(server.watch_url).text


def test_watch_page_stream_contains_no_secret(client: SiteClient) -> None:
    token = client.sign_in()
    with httpx.stream("GET", f"{client.server.watch_url}/events") as response:
        line = next(response.iter_lines())
    kinds = [item["kind"] for item in json.loads(line.removeprefix("data: "))]

    assert kinds[:2] == ["server", "request"]
    assert token not in line and client.server.session_token not in line


@pytest.mark.parametrize(
    ("method", "name", "host"),
    [
        ("GET", "/x", None),
        ("POST", "", None),
        ("GET", "", "evil.example"),
        ("GET", "/events", "evil.example"),
    ],
)
def test_watch_page_other_path_or_host_returns_404(
    server: FakeChatGPT, method: str, name: str, host: str | None
) -> None:
    headers = {} if host is None else {"host": host}
    assert httpx.request(method, server.watch_url + name, headers=headers).status_code == 404
    assert server.requests == []


class Talk:
    """A conversation for the copied test, without a browser."""

    def __init__(self, client: SiteClient) -> None:
        self._client = client
        self._position: tuple[str, str] | None = None

    def get_conversation(self) -> Talk:
        return self

    def send_message(self, text: str) -> str:
        result = self._client.send(text, self._position)
        self._position = result.position
        return result.text


@pytest.mark.parametrize(
    "messages",
    [["Hello again", "Hello", "Hello again and again"], ["Hello", "Hello"], ["Hello\n'\"\\", ""]],
    ids=["one text contains another", "equal texts", "odd characters"],
)
def test_copied_test_passes_with_the_same_conversation(
    messages: list[str], connect: Connect, start_server: StartServer
) -> None:
    client = connect()
    talk = Talk(client)
    client.server.script(*(f"Reply {number} to {text}" for number, text in enumerate(messages)))
    for text in messages:
        talk.send_message(text)
    [conversation_id] = client.server.conversations
    source = httpx.get(f"{client.server.watch_url}/test/{conversation_id}").text

    copied: dict[str, Any] = {}
    exec(source, copied)
    other = start_server(strict=True)
    copied["test_conversation"](other, Talk(connect(other)))
    other.assert_all_used()
    assert httpx.get(f"{client.server.watch_url}/test/unknown").status_code == 404


def test_copied_test_has_texts_without_marks_of_citations(client: SiteClient) -> None:
    client.server.script(Reply("It rains.", citations=["https://weather.example"]))
    conversation_id, _ = client.send("weather").position
    source = httpx.get(f"{client.server.watch_url}/test/{conversation_id}").text

    assert "chatgpt_server.when('weather', 'It rains.')\n" in source
    assert "assert conversation.send_message('weather') == 'It rains.'\n" in source


def test_watch_page_stream_batches_events(client: SiteClient) -> None:
    """One update covers many events, so the stream does not grow with their number."""
    client.server.script(Reply(pieces=["word "] * 2000))
    with httpx.stream("GET", f"{client.server.watch_url}/events") as response:
        lines = response.iter_lines()
        next(lines)
        client.send("x")
        seen = 0
        for line in lines:
            seen += bool(line)
            if '"events": 2000' in line and '"state": "ended"' in line:
                break

    assert seen < 100
