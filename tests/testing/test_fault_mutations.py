"""A mutation check: an example test of a plain HTTP client passes, and each fault of the catalogue makes it fail.

`test_fault_catalogue.py` checks the effects of the same faults on the clients of this package, which recover from some of them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpcore  # noqa: F401  # see below
import httpx
import pytest

from chatgpt_browser.testing import FAULTS, FakeChatGPT
from tests.support.site_client import message_body

if TYPE_CHECKING:
    from collections.abc import Iterator

# httpx imports httpcore at the first request. Tests of the plugin run pytest in this process, and then remove from `sys.modules`
# what was imported meanwhile. After a second import of httpcore, httpx would not recognise its errors. So it is imported above.

#: Maps each fault to the type and the text of the failure of `example`.
FAILURES: dict[str, tuple[type[Exception], str]] = {
    "token-expired": (AssertionError, "401 .*token_expired"),
    "token-invalid": (AssertionError, "401 .*invalid_jwt"),
    "unauthorized": (AssertionError, "401 "),
    "unusual-activity": (AssertionError, "403 .*unusual activity from your system"),
    "unusual-device": (AssertionError, "403 .*unusual activity from your device"),
    "forbidden": (AssertionError, "403 text/html"),
    "conversation-gone": (AssertionError, "404 .*conversation_not_found"),
    "parent-gone": (AssertionError, "404 .*message_not_found"),
    "message-too-long": (AssertionError, "413 .*message_length_exceeds_limit"),
    "unprocessable": (AssertionError, "422 .*field required"),
    "one-message-at-a-time": (AssertionError, "429 .*Only one message at a time"),
    "rate-limit-header": (AssertionError, "429 .*retry-after=120"),
    "rate-limit-clears-in": (AssertionError, "429 .*clears_in"),
    "rate-limit-text": (AssertionError, "429 .*[Tt]ry again"),
    "server-error": (AssertionError, "500 application/json"),
    "overloaded": (AssertionError, "503 text/html"),
    "edge-timeout": (AssertionError, "524 text/html"),
    "html-page": (AssertionError, "200 text/html"),
    "no-answer": (httpx.RemoteProtocolError, ""),
    "stall-before-head": (httpx.ReadTimeout, ""),
    "stall-before-first-byte": (httpx.ReadTimeout, ""),
    "stall-in-the-middle": (httpx.ReadTimeout, ""),
    "broken-body": (httpx.RemoteProtocolError, ""),
    "broken-body-continued": (httpx.RemoteProtocolError, ""),
    "websocket-answer": (AssertionError, "200 application/json"),
    "withheld-answer": (AssertionError, "event without a message: .*moderation"),
    "tool-failed": (AssertionError, "the reply is the message of the tool"),
    "image-pending": (AssertionError, "the reply is the message of the tool"),
    "length-limit": (AssertionError, "the reply ended with max_tokens"),
    "error-event": (AssertionError, "event with an error"),
    "bad-json": (json.JSONDecodeError, ""),
    "cut-short": (AssertionError, "no \\[DONE\\]"),
    "empty-body": (AssertionError, "no \\[DONE\\]"),
    "done-missing": (AssertionError, "no \\[DONE\\]"),
    "goes-on-after-done": (httpx.ReadTimeout, ""),
    "split-characters": (UnicodeDecodeError, ""),
    "pings": (AssertionError, "line without data: b': ping"),
    "session-signed-out": (AssertionError, "no access token"),
    "session-refresh-error": (AssertionError, "RefreshAccessTokenError"),
    "session-html": (AssertionError, "session: 200 text/html"),
    "session-not-modified": (AssertionError, "session: 304 "),
    "session-server-error": (AssertionError, "session: 500 "),
    "session-no-answer": (httpx.RemoteProtocolError, ""),
    "challenge-passes": (AssertionError, "403 text/html.*challenge"),
    "challenge-person": (AssertionError, "403 text/html.*challenge"),
    "challenge-impassable": (AssertionError, "403 text/html.*challenge"),
    "challenge-in-mid-conversation": (AssertionError, "403 text/html.*challenge"),
    "redirect-other-name": (AssertionError, "308 .*location=https?://chatgpt.com"),
    "redirect-stranger": (AssertionError, "308 .*location=http://localhost"),
}
#: The time in seconds that the client waits for a reply: a guard time, or growing times if no reply comes.
GUARD, SHORT = 30.0, (0.5, 3.0, 30.0)
REPLY = "So to say — six pieces."


@pytest.fixture(scope="module")
def site() -> Iterator[FakeChatGPT]:
    """One server for all tests. Its name is one of the site's names, as a fault requires."""
    with FakeChatGPT(reply=REPLY, public_origin="http://chat.openai.com") as server:
        yield server


@pytest.fixture(scope="module")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(headers={"host": "chat.openai.com"}) as client:
        yield client


def example(server: FakeChatGPT, http: httpx.Client, timeout: float) -> None:
    """Sign in, send two messages of one conversation, and expect exactly the usual responses."""
    http.base_url, http.timeout = f"http://127.0.0.1:{server.port}", httpx.Timeout(GUARD)
    http.cookies.clear()
    http.cookies.set("next-auth.session-token", server.session_token)
    session = http.get("/api/auth/session")
    assert session.headers.get("content-type") == "application/json", f"session: {summary(session)}"
    assert session.status_code == 200, f"session: {summary(session)}"
    assert "error" not in session.json(), session.text
    assert "accessToken" in session.json(), "no access token"
    http.headers["authorization"] = f"Bearer {session.json()['accessToken']}"
    http.timeout = httpx.Timeout(GUARD, read=timeout)
    position = None
    for text in ("Hello", "And now?"):
        position = check_reply(http, message_body(text, position))


def check_reply(http: httpx.Client, body: dict[str, Any]) -> tuple[str, str]:
    with http.stream("POST", "/backend-api/conversation", json=body) as response:
        if (
            response.status_code != 200
            or response.headers["content-type"] != "text/event-stream; charset=utf-8"
        ):
            response.read()
            raise AssertionError(summary(response))
        # Each event arrives in one piece.
        lines = [
            line for chunk in response.iter_raw() for line in chunk.decode().encode().split(b"\n") if line
        ]

    for line in lines:
        assert line.startswith(b"data: "), f"line without data: {line!r}"
    events = [json.loads(line[6:]) for line in lines if line != b"data: [DONE]"]
    assert lines and lines[-1] == b"data: [DONE]", "no [DONE]"
    for event in events:
        assert "message" in event or event.get("error"), f"event without a message: {event}"
        assert not event.get("error"), "event with an error"
    message = events[-1]["message"]
    assert message["author"]["role"] == "assistant", "the reply is the message of the tool"
    reason = message["metadata"]["finish_details"]["type"]
    assert reason == "stop", f"the reply ended with {reason}"
    assert message["content"]["parts"] == [REPLY]
    return events[-1]["conversation_id"], message["id"]


def summary(response: httpx.Response) -> str:
    headers = [
        f"{name}={response.headers[name]}" for name in ("retry-after", "location") if name in response.headers
    ]
    return " ".join(
        [str(response.status_code), response.headers.get("content-type", ""), *headers, response.text]
    )


def test_example_without_fault_passes(site: FakeChatGPT, http: httpx.Client) -> None:
    example(site, http, GUARD)


@pytest.mark.parametrize("name", FAULTS)
def test_example_with_fault_fails_in_the_expected_way(
    site: FakeChatGPT, http: httpx.Client, name: str
) -> None:
    kind, pattern = FAILURES[name]
    # On a busy machine, the client may give up before the server has read the message. Then it waits longer.
    timeouts = SHORT if kind is httpx.ReadTimeout else (GUARD,)
    try:
        with site.inject(name, times=None) as injection:
            for timeout in timeouts:
                with pytest.raises(kind, match=f"(?s){pattern}"):
                    example(site, http, timeout)
                if injection.struck:
                    break
    finally:
        site.strike_challenge(None)
    assert injection.struck, "the fault was not applied"
