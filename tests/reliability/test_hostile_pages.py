"""Pages that loop, replace the document's properties, or send an answer of any size: a typed error, and no call hangs."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import (
    APIStatusError,
    AuthenticationError,
    ChallengeError,
    ChatGPTAPI,
    ChatGPTError,
    ChatGPTTimeoutError,
    PageError,
)
from chatgpt_browser._browser import cdp_target
from chatgpt_browser._core.models import Head
from chatgpt_browser._messaging import response_reader
from chatgpt_browser._protocol.history import read_history
from chatgpt_browser._transport.response_stream import ResponseStream
from chatgpt_browser._transport.site_ui import page_report, step_limit
from chatgpt_browser.testing import Answer, FakeChatGPT
from tests.support.scripted_site import base_urls, can_send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser.testing import RecordedRequest
    from tests.support.client_fixtures import Connect, Serve

LOOP = "<script>addEventListener('DOMContentLoaded', () => setTimeout(() => { for (;;); }, 0))</script>"
OVERRIDES = [
    "<script>Object.defineProperty(Element.prototype, 'outerHTML', {get() { throw new Error('no'); }})</script>",
    "<script>Object.defineProperty(Element.prototype, 'outerHTML', {get: () => ({})})</script>",
    "<script>Object.defineProperty(document, 'documentElement', {get() { throw new Error('no'); }})</script>",
    "<script>Object.defineProperty(document, 'documentElement', {value: 7})</script>",
    "<form name='documentElement'></form>",
    "<img name='documentElement'><img name='readyState'><img name='addEventListener'>",
    "<script>Object.prototype.value = 1; Array.prototype.map = null</script>",
]


class NoControl:
    """The control of a request that does not exist."""

    def grant(self, chars: int) -> None:
        """Do nothing."""

    def abort(self) -> bool:
        """Return True: there is nothing to abort."""
        return True


def navigations(server: FakeChatGPT) -> list[RecordedRequest]:
    """Return the navigations to the session."""
    return [r for r in server.requests if r.headers.get("sec-fetch-mode") == "navigate"]


@pytest.fixture
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the limits for commands to a page that does not respond."""
    monkeypatch.setitem(cdp_target.Target.send.__kwdefaults__ or {}, "timeout", 4.0)
    monkeypatch.setattr(step_limit, "_QUERIES_TIMEOUT", 6.0)
    monkeypatch.setattr(page_report, "_TIMEOUT", 1.0)


@pytest.mark.usefixtures("short_limits")
@pytest.mark.timeout(120)
def test_page_that_loops_after_loading_raises_timeout_without_timeout_ms(
    serve: Serve, connect: Connect
) -> None:
    server = serve()
    server.script_path("/api/auth/session", Answer(200, LOOP))
    api = connect(server, retries=0)

    with pytest.raises(ChatGPTTimeoutError, match="did not respond"):
        api.send_message("Hello")

    assert can_send(api)


@pytest.mark.usefixtures("short_limits")
@pytest.mark.timeout(120)
def test_refusal_page_that_loops_raises_typed_error(serve: Serve, connect: Connect) -> None:
    server = serve()
    server.script_path("/api/auth/session", Answer(403, LOOP))

    with pytest.raises(ChatGPTError):
        connect(server, retries=0, challenge_timeout=5_000).send_message("Hello")


@pytest.mark.usefixtures("short_limits")
@pytest.mark.timeout(120)
def test_site_page_that_loops_raises_page_error(
    connect: Connect, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(step_limit, "_QUERIES_TIMEOUT", 2.0)
    server = serve(form="app")
    server.script_path("/", Answer(200, "<textarea></textarea><button>Send</button>" + LOOP))

    with pytest.raises((PageError, ChatGPTTimeoutError)):
        connect(server, send_via="page", first_byte_timeout=500).send_message("Hello")


#: The page's script never ends, from half a second after the first reply is complete.
LOOP_AFTER_REPLY = """<script>new MutationObserver(() => {
  if (document.querySelectorAll("[data-message-id]").length > 1 && document.getElementById("stop-button").hidden)
    setTimeout(() => { for (;;); }, 500);
}).observe(document, { childList: true, subtree: true, attributes: true });</script>"""


@pytest.mark.long
@pytest.mark.usefixtures("short_limits")
@pytest.mark.timeout(120)
def test_site_page_that_loops_after_reply_raises_typed_error(connect: Connect, serve: Serve) -> None:
    server = serve(form="app")
    page = server._site.chat_app
    assert page is not None
    html = page.page(is_signed_in=True).body
    assert isinstance(html, str)
    server.script_path("/", Answer(200, html.replace("</body>", f"{LOOP_AFTER_REPLY}</body>")))
    conversation = connect(server, send_via="page", first_byte_timeout=3_000, retries=0).get_conversation()
    conversation.send_message("Hello")

    with pytest.raises(ChatGPTError):
        while True:  # until the page loops
            conversation.send_message("Again")


@pytest.fixture(scope="module")
def impatient_api() -> Iterator[tuple[FakeChatGPT, ChatGPTAPI]]:
    """Provide a server and a client that reads the session for each message and waits 0.3 s for a challenge to pass."""
    with FakeChatGPT() as server:
        options: dict[str, Any] = base_urls(server) | {"access_token_ttl": 0, "challenge_timeout": 300}
        with ChatGPTAPI(server.session_token, retries=0, **options) as api:
            yield server, api


@pytest.mark.parametrize("override", OVERRIDES)
def test_challenge_page_that_overrides_document_raises_challenge_error(
    impatient_api: tuple[FakeChatGPT, ChatGPTAPI], override: str
) -> None:
    server, api = impatient_api
    assert can_send(api)
    page = Answer(403, f"<!doctype html>{override}<title>Just a moment...</title>")
    server.script_path("/api/auth/session", page, page)  # the second is for the navigation

    with pytest.raises(ChallengeError):
        api.get_session()

    assert navigations(server)[-1] is server.requests[-1]


@pytest.mark.parametrize("override", OVERRIDES)
def test_session_page_that_overrides_document_does_not_prevent_message(
    impatient_api: tuple[FakeChatGPT, ChatGPTAPI], override: str
) -> None:
    server, api = impatient_api
    assert can_send(api)
    before = navigations(server)
    # The challenge makes the client navigate again.
    challenge = Answer(403, "<!doctype html><title>Just a moment...</title>")
    server.script_path("/api/auth/session", challenge, Answer(200, f"<!doctype html>{override}"))

    assert can_send(api)
    assert len(navigations(server)) == len(before) + 1


def test_session_that_is_large_when_decompressed_raises_authentication_error(
    serve: Serve, connect: Connect
) -> None:
    server = serve()
    body = gzip.compress(json.dumps({"accessToken": "a" * (2 << 20)}).encode())
    answer = Answer(200, body, [("content-encoding", "gzip")], "application/json")
    server.script_session(answer, answer)  # the first is for the navigation
    api = connect(server, retries=0)

    with pytest.raises(AuthenticationError, match="longer than"):
        api.get_session()

    assert can_send(api)


def test_read_response_limit_is_in_bytes() -> None:
    async def read(text: str) -> str:
        stream = ResponseStream(NoControl())
        for frame in (["head", Head(200)], ["text", text, len(text)], ["end"]):
            stream.deliver(frame)
        return (await response_reader.read_response(stream, limit=10)).text

    assert asyncio.run(read("a" * 10)) == "a" * 10
    assert asyncio.run(read("é" * 5)) == "é" * 5
    for text in ("a" * 11, "é" * 6, "\ud800" * 4):
        with pytest.raises(APIStatusError, match="longer than 10 bytes"):
            asyncio.run(read(text))


def test_response_that_is_large_when_decompressed_raises_status_error(serve: Serve, connect: Connect) -> None:
    server = serve()
    api = connect(server, retries=2)
    body = gzip.compress(json.dumps({"items": ["a" * (33 << 20)]}).encode())
    assert len(body) < 100_000
    server.script_path(
        "/backend-api/conversations", Answer(200, body, [("content-encoding", "gzip")], "application/json")
    )

    with pytest.raises(APIStatusError, match="longer than") as caught:
        api.list_conversations()

    assert caught.value.status_code == 200
    assert can_send(api)


def test_conversation_of_6000_messages_is_smaller_than_the_limit() -> None:
    metadata = {
        "model_slug": "gpt-5",
        "finish_details": {"type": "stop", "stop_tokens": [200002]},
        "x": "y" * 700,
    }
    ids = [f"00000000-0000-4000-8000-{number:012}" for number in range(6000)]
    mapping = {
        name: {
            "id": name,
            "parent": ids[index - 1] if index else None,
            "children": ids[index + 1 : index + 2],
            "message": {
                "id": name,
                "author": {"role": "assistant", "name": None, "metadata": {}},
                "create_time": 1766000000.123456,
                "content": {"content_type": "text", "parts": ["word " * 200]},
                "metadata": metadata,
            },
        }
        for index, name in enumerate(ids)
    }
    data = {"title": "Long", "mapping": mapping, "current_node": ids[-1]}

    assert len(json.dumps(data)) < response_reader._MAX_BODY_SIZE / 2
    assert len(read_history("id", data).messages) == 6000
