"""Messages with ``send_via="page"`` on pages that lose, ignore or refuse what is written into their composer."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import ChatGPTAPI, ComposerNotFoundError, MessageTooLongError, PageError
from chatgpt_browser._transport.base import Delivery, DeliveryState
from chatgpt_browser._transport.site_ui import submission
from chatgpt_browser._transport.site_ui.composer import Composer
from chatgpt_browser.testing import Answer, ComposerOptions, FakeChatGPT, Gate, Reply, Stall
from tests.support.client_clock import advance_loop_clock
from tests.support.scripted_site import base_urls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.async_api import Locator

    from chatgpt_browser._transport.site_ui.message_box import BoxContent
    from tests.support.client_fixtures import Connect

FORM = """<title>x</title><form><textarea aria-label="Message"></textarea><button>Send</button></form>
<script type="module">
  import * as api from "/app/api.js";
  import { Reply } from "/app/deltas.js";
  await api.signIn();
  await new Promise((resolve) => setTimeout(resolve, %d));
  const [form, box] = [document.querySelector("form"), document.querySelector("textarea")];
  box.value = "";
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = box.value;
    box.value = "";
    const position = { query: "" };
    if (text) await new Reply(() => {}).read(await api.send(text, position));
  });
</script>"""
#: A page in French whose composer has no names that are known. Its parts differ: see the test.
OTHER = """<!doctype html><html lang="fr"><title>x</title>
<style>[role=button] { display: inline-block; width: 2em; height: 2em }</style>
<main><div id="log"></div>%s</main>
<dialog><h2>Nouveaut\u00e9s</h2><button>Essayer</button><button id="x" aria-label="Fermer">x</button></dialog>
<script type="module">
  import * as api from "/app/api.js";
  import { Reply } from "/app/deltas.js";
  const find = (selector) => document.querySelector(selector);
  await api.signIn();
  await new Promise((resolve) => setTimeout(resolve, 300));
  find("form")?.removeAttribute("inert");
  find("#x").addEventListener("click", () => find("dialog").close());
  find("dialog").showModal();
  const read = (box) => ("value" in box ? box.value : box.innerText);
  async function submit() {
    const [box, send] = [find("textarea, [contenteditable]"), find("#send")];
    const text = read(box);
    if (!text.trim()) return;
    if ("value" in box) box.value = "";
    else box.replaceChildren();
    await new Reply(() => {}).read(await api.send(text, { query: "" }));
  }
  addEventListener("click", (event) => event.target.closest("#send") && submit());
  addEventListener("submit", (event) => event.preventDefault());
  addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) event.preventDefault() || submit();
  });
  addEventListener("input", ({ target }) => find("#send").setAttribute("aria-disabled", String(read(target).trim() === "")));
  // The message box is replaced by a copy again and again, with its text and without the focus.
  const anew = setInterval(() => {
    const box = find("textarea, [contenteditable]");
    const copy = box.cloneNode(true);
    if ("value" in box) copy.value = box.value;
    box.replaceWith(copy);
  }, 20);
  setTimeout(() => clearInterval(anew), 1500);
</script>"""
OTHER_COMPOSERS = {
    "inert-form-with-custom-button": """<form inert><div role="button" tabindex="0" aria-label="Joindre">+</div>
      <div contenteditable="true" data-placeholder="Votre question"></div>
      <div><div id="send" role="button" tabindex="0" aria-label="Envoyer" aria-disabled="true">></div></div></form>""",
    "form-with-unknown-button": """<form inert><textarea placeholder="Votre question"></textarea>
      <button id="send" type="button" aria-label="Envoyer">></button></form>""",
    "no-form": """<div><textarea placeholder="Votre question"></textarea><span id="send">></span></div>""",
}
LINES = "".join(f"{number}. one line of many\n{'' if number % 3 else chr(10)}" for number in range(1, 1500))
SPECIAL = "# Title\n\n\n  @someone /something\n\tfo\U0001f600ur\n" + "- item\n" * 150 + "\n\nend"


@pytest.fixture(scope="module")
def module_server() -> Iterator[FakeChatGPT]:
    with FakeChatGPT(form="app", reply=lambda turn: "Yes.") as server:
        yield server
        assert server.errors == []


@pytest.fixture(scope="module")
def api(module_server: FakeChatGPT) -> Iterator[ChatGPTAPI]:
    options: dict[str, Any] = base_urls(module_server)
    with ChatGPTAPI(module_server.session_token, send_via="page", **options) as api:
        yield api


@pytest.fixture
def server(module_server: FakeChatGPT) -> Iterator[FakeChatGPT]:
    yield module_server
    module_server.composer, module_server.wakes_after = ComposerOptions(), 0.0


def sent_texts(server: FakeChatGPT, since: int) -> list[str]:
    """Return the texts of the messages that the page has sent, without the first requests."""
    posts = [r for r in server.requests[since:] if r.method == "POST" and r.path.endswith("f/conversation")]
    return [post.json["messages"][0]["content"]["parts"][0] for post in posts]


def native_submits(server: FakeChatGPT, since: int) -> int:
    """Return the number of navigations that the form of the server has caused."""
    return sum("prompt-textarea=" in r.query for r in server.requests[since:])


def test_submission_shell_is_not_written_to(server: FakeChatGPT, api: ChatGPTAPI) -> None:
    since = len(server.requests)
    server.wakes_after = 1.5
    for accepts_clicks in (False, True):
        server.composer = ComposerOptions(shell=True, shell_accepts_clicks=accepts_clicks)
        assert api.send_message("Good morning") == "Yes."

    assert sent_texts(server, since) == ["Good morning"] * 2
    assert native_submits(server, since) == 0


def test_submission_shell_that_never_wakes_raises_without_writing(server: FakeChatGPT) -> None:
    server.composer, server.wakes_after = ComposerOptions(shell=True, shell_accepts_clicks=True), 600.0
    since = len(server.requests)
    options: dict[str, Any] = base_urls(server)
    with ChatGPTAPI(server.session_token, send_via="page", first_byte_timeout=5_000, **options) as api:
        with pytest.raises(
            ComposerNotFoundError, match=r"did not become interactive within 5 s\. Nothing was sent"
        ):
            api.send_message("Good morning")
    assert native_submits(server, since) == 0


@pytest.mark.sample(1)
@pytest.mark.parametrize("wakes_after_ms", [0, 900])
def test_submission_form_without_names_sends_message_once(connect: Connect, wakes_after_ms: int) -> None:
    """Before it is hydrated, this form submits itself natively, which sends nothing."""
    page = Answer(200, FORM % wakes_after_ms)
    with FakeChatGPT(form="app", reply=lambda turn: "Yes.") as server:
        server.script_path("/", *[page] * 12)
        assert connect(server, send_via="page").send_message("Hello") == "Yes."
        assert sent_texts(server, 0) == ["Hello"]


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "composer",
    [
        pytest.param(markup, id=name, marks=[pytest.mark.long] * (name == "no-form"))
        for name, markup in OTHER_COMPOSERS.items()
    ],
)
def test_submission_composer_of_unknown_shape_sends_message_once(
    server: FakeChatGPT, api: ChatGPTAPI, composer: str
) -> None:
    since = len(server.requests)
    server.script_path("/", Answer(200, OTHER % composer))
    assert api.send_message("Bonjour") == "Yes."
    assert sent_texts(server, since) == ["Bonjour"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("count", "earliest"),
    [
        (8, 0.0),
        pytest.param(30, 0.25, marks=pytest.mark.long),
        pytest.param(200, 0.0, marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
    ],
)
def test_submission_composer_rendered_anew_sends_each_message_once(
    server: FakeChatGPT, api: ChatGPTAPI, count: int, earliest: float
) -> None:
    """Each page first shows the form of the server, for a random time."""
    since, chance = len(server.requests), random.Random(14)
    texts = [f"Message {number}" for number in range(count)]
    for text in texts:
        delays = [chance.uniform(earliest, 0.5) for _ in range(chance.randint(1, 3))]
        server.composer = ComposerOptions(
            shell=True, shell_accepts_clicks=chance.random() < 0.5, renders_anew_after=delays
        )
        server.wakes_after = chance.uniform(0, 0.5)
        assert api.send_message(text) == "Yes."
    assert sent_texts(server, since) == texts
    assert native_submits(server, since) == 0


def test_submission_ignored_click_is_repeated(server: FakeChatGPT, api: ChatGPTAPI) -> None:
    since = len(server.requests)
    server.composer = ComposerOptions(ignored_clicks=2)
    assert api.send_message("Hello") == "Yes."
    assert sent_texts(server, since) == ["Hello"]


#: A composer without a form, and an announcement that the function ``announce`` shows.
ANNOUNCING = """<title>x</title><div><textarea aria-label="Message"></textarea><button>Send</button></div>
<div id="news" hidden style="position: fixed; inset: 0"><h2>What's new</h2><button aria-label="Close">x</button></div>
<script type="module">
  import * as api from "/app/api.js";
  import { Reply } from "/app/deltas.js";
  const [box, news] = [document.querySelector("textarea"), document.querySelector("#news")];
  globalThis.announce = () => (news.hidden = false);
  await api.signIn();
  news.querySelector("button").addEventListener("click", () => (news.hidden = true));
  document.querySelector("button").addEventListener("click", async () => {
    const text = box.value;
    box.value = "";
    if (text) await new Reply(() => {}).read(await api.send(text, { query: "" }));
  });
</script>"""


def test_submission_announcement_before_click_on_message_box_is_closed_soon(
    server: FakeChatGPT, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client searches for a dialog after the first short attempt to click, and not after the whole limit of 5 s."""
    insert, tries_click, limits, announced = (
        Composer._insert,
        Composer._tries_click,
        list[float](),
        list[str](),
    )

    async def announce_and_insert(composer: Composer, text: str, timeout: float) -> bool:
        if not announced:
            announced.append(text)
            await composer._page.evaluate("announce()")
        return await insert(composer, text, timeout)

    async def record_and_click(composer: Composer, element: Locator, timeout: float) -> bool:
        limits.append(timeout)
        return await tries_click(composer, element, timeout)

    api.ensure_auth()  # opens the page of the client, which is not the page of the message
    monkeypatch.setattr(Composer, "_insert", announce_and_insert)
    monkeypatch.setattr(Composer, "_tries_click", record_and_click)
    since = len(server.requests)
    server.script_path("/", Answer(200, ANNOUNCING))
    assert api.send_message("Good morning") == "Yes."
    assert sent_texts(server, since) == ["Good morning"]
    assert announced == ["Good morning"]
    assert limits[0] <= 1.0


def test_submission_slow_preparation_is_not_clicked_again(server: FakeChatGPT, api: ChatGPTAPI) -> None:
    since = len(server.requests)
    server.inject("stall-before-head", path="sentinel/chat-requirements")
    with pytest.raises(Exception, match="may still have been sent|timed out"):
        api.send_message("Hello", timeout_ms=8_000)
    assert sum(r.path.endswith("chat-requirements") for r in server.requests[since:]) == 1


@pytest.mark.parametrize("limit", [None, pytest.param(10_000, marks=pytest.mark.long)])
def test_submission_long_text_arrives_unchanged(
    server: FakeChatGPT, api: ChatGPTAPI, limit: int | None
) -> None:
    since = len(server.requests)
    server.composer = ComposerOptions(paste_limit=limit)
    for text in (LINES, SPECIAL):
        assert api.send_message(text) == "Yes."
    assert [text.rstrip() for text in sent_texts(server, since)] == [LINES.rstrip(), SPECIAL]


def test_submission_text_turned_into_attachment_is_typed(server: FakeChatGPT, api: ChatGPTAPI) -> None:
    since = len(server.requests)
    server.composer = ComposerOptions(paste_limit=500)
    assert api.send_message(SPECIAL) == "Yes."
    assert sent_texts(server, since) == [SPECIAL]


def test_submission_text_limit_of_page_raises_message_too_long(server: FakeChatGPT, api: ChatGPTAPI) -> None:
    since = len(server.requests)
    server.composer = ComposerOptions(text_limit=5_000)
    with pytest.raises(MessageTooLongError, match="too long, please submit.*Nothing was sent"):
        api.send_message("word " * 2_000)
    assert sent_texts(server, since) == []
    assert api.send_message("word") == "Yes."


def test_delivery_retracted_message_may_be_sent_again() -> None:
    delivery = Delivery()
    delivery.start()
    delivery.withdraw()
    assert delivery.state is DeliveryState.NOT_STARTED


#: A page that shows the message but does not send it. It sends data to the addresses in the list ``%s``.
SHOWING = """<title>x</title><div id="log"></div><form><textarea aria-label="Message"></textarea><button>Send</button></form>
<script>
  const [form, box] = [document.querySelector("form"), document.querySelector("textarea")];
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    document.getElementById("log").textContent = box.value;
    box.value = "";
    for (const path of %s) fetch(path, { method: "POST", body: "{}" });
  });
</script>"""


def test_submission_message_accepted_but_not_sent_is_sent_by_another_page(
    server: FakeChatGPT, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "_QUIET_WITH_COPY", 2.0)
    since = len(server.requests)
    server.script_path("/", Answer(200, SHOWING % ["/ces/t"]))
    assert api.send_message("Good morning") == "Yes."
    assert sent_texts(server, since) == ["Good morning"]


#: A page that sends the message only after the response to a request has ended. If the numbers are 1, the page shows the message
#: meanwhile, and the request begins before the click. If the numbers are 0, the page keeps the text in its message box, and the
#: request begins after the click.
WAITING = """<title>x</title><div id="log"></div><form><textarea aria-label="Message"></textarea><button>Send</button></form>
<script type="module">
  import * as api from "/app/api.js";
  import { Reply } from "/app/deltas.js";
  const ready = %d && fetch("/slow").then((response) => response.text());
  const [form, box] = [document.querySelector("form"), document.querySelector("textarea")];
  await api.signIn();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = box.value;
    if (%d) {
      document.getElementById("log").textContent = text;
      box.value = "";
    }
    await (%d ? ready : fetch("/slow").then((response) => response.text()));
    box.value = "";
    await new Reply(() => {}).read(await api.send(text, { query: "" }));
  });
</script>"""


@pytest.mark.parametrize("is_earlier", [pytest.param(True, marks=pytest.mark.long), False])
def test_submission_page_that_waits_for_a_request_sends_message_itself_and_once(
    server: FakeChatGPT, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch, is_earlier: bool
) -> None:
    """The page waits for longer than the time after which an idle page has lost the message, or has ignored the click."""
    monkeypatch.setattr(submission, "_QUIET_WITH_COPY", 3.0)
    monkeypatch.setattr(submission, "_QUIET_WHILE_LOADING", 60.0)
    gate, reads, read = Gate(), itertools.count(1), Composer.read

    async def read_and_open_gate(composer: Composer, text: str) -> BoxContent:
        if next(reads) == (12 if is_earlier else 5):  # the page is examined every 0.5 s
            gate.open()
        return await read(composer, text)

    monkeypatch.setattr(Composer, "read", read_and_open_gate)
    since = len(server.requests)
    server.script_path("/slow", Stall(gate=gate))
    server.script_path("/", Answer(200, WAITING % ((is_earlier,) * 3)))
    assert api.send_message("Good morning") == "Yes."
    assert sent_texts(server, since) == ["Good morning"]
    gate.open()
    paths = [request.path for request in server.requests[since:]]
    assert (paths.count("/"), paths.count("/slow")) == (1, 1)


def test_submission_message_accepted_and_data_sent_stays_in_doubt(
    server: FakeChatGPT, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page may have sent the message in a way that this version does not know, so no other page sends it."""
    monkeypatch.setattr(submission, "_QUIET_WITH_COPY", 0.0)
    press_send = Composer.press_send

    async def press_and_wait_for_five_seconds(composer: Composer, text: str) -> bool:
        is_clicked = await press_send(composer, text)
        advance_loop_clock(55_000)
        return is_clicked

    monkeypatch.setattr(Composer, "press_send", press_and_wait_for_five_seconds)
    since = len(server.requests)
    server.script_path("/", Answer(200, SHOWING % ["/backend-api/new/conversation"]))
    with pytest.raises(
        PageError, match="may still have been sent.*1 copies.*POST /backend-api/new/conversation 404"
    ):
        api.send_message("Good morning")
    assert sent_texts(server, since) == []


#: A page that empties its message box at a click, and sends the message only after a second click: once for each click.
LATE = """<title>x</title><form><textarea aria-label="Message"></textarea><button>Send</button></form>
<script type="module">
  import * as api from "/app/api.js";
  import { Reply } from "/app/deltas.js";
  const [form, box, texts] = [document.querySelector("form"), document.querySelector("textarea"), []];
  await api.signIn();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    texts.push(box.value);
    box.value = "";
    if (texts.length < 2) return;
    const reading = new Reply(() => {}).read(await api.send(texts[0], { query: "" }));
    await fetch("/go");
    // The browser needs some milliseconds until it refuses requests to this address.
    const isAllowed = () => fetch("/backend-api/f/conversation").then(() => true, () => false);
    while (await isAllowed());
    await api.send(texts[1], { query: "" }).catch(() => {});
    await fetch("/tried");
    await reading;
  });
</script>"""


def test_submission_page_that_reacts_to_both_clicks_sends_message_once(
    server: FakeChatGPT, api: ChatGPTAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submission, "_QUIET_WITHOUT_TEXT", 0.5)
    since, first, held = len(server.requests), Gate(), Gate()
    server.script_path("/", Answer(200, LATE))
    server.script_path("/go", Stall(gate=first))
    server.script(Reply("One two three.", hold_after=1, gate=held))

    with api.stream_message("Good morning") as stream:
        pieces = [next(stream)]
        first.open()
        server.wait_for_request("/tried")
        held.open()
        pieces += stream

    assert "".join(pieces) == "One two three."
    assert sent_texts(server, since) == ["Good morning"]
    assert api.send_message("Good night") == "Yes."
    assert sent_texts(server, since) == ["Good morning", "Good night"]
