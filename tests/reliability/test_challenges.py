"""Cloudflare's challenges: one that passes by itself costs time and nothing else; one that wants a person says what to do."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser import APIStatusError, ChallengeError, ChatGPTAPI
from chatgpt_browser.testing import Answer, FakeChatGPT, Gate, Reply
from tests.core.scene import posts_of, where, works

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.core.conftest import Connect, Serve

PREFIX = "/cdn-cgi/challenge-platform/"
MARKED = [
    "<title>Just a moment...</title>",
    "<script>window._cf_chl_opt = {}</script>",
    '<script src="/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1"></script>',
    '<form id="challenge-form" method="post"></form>',
    "<p>Please stand by, while we are checking your browser...</p>",
]


@pytest.fixture(scope="module")
def unblocked() -> Iterator[tuple[FakeChatGPT, ChatGPTAPI]]:
    """A server that lets everyone see its pages, and its client."""
    with FakeChatGPT() as server, ChatGPTAPI(server.session_token, **where(server)) as api:
        yield server, api


def passages(server: FakeChatGPT) -> int:
    """How often somebody has passed."""
    return sum(r.method == "POST" and r.path.startswith(PREFIX) and r.status == 200 for r in server.requests)


def test_at_the_start(serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "chatgpt_browser")
    server = serve(challenge="passes")
    assert works(connect(server))

    assert passages(server) == 1
    assert "challenge passed" in caplog.text
    assert server.requests[0].status == 403
    assert [post.status for post in posts_of(server.requests)] == [200]


def test_at_the_refresh(serve: Serve, connect: Connect) -> None:
    server = serve()
    api = connect(server, access_token_ttl=0)
    assert works(api)
    server.strike_challenge()

    api.refresh_access_token()
    assert passages(server) == 1
    assert works(api)
    assert passages(server) == 1


def test_at_the_message(serve: Serve, connect: Connect) -> None:
    server = serve()
    api = connect(server)
    conversation = api.get_conversation()
    conversation.send_message("one")
    server.strike_challenge()

    assert conversation.send_message("two") == 'You said: "two". Before that you said: "one".'
    assert passages(server) == 1
    assert [post.status for post in posts_of(server.requests)] == [200, 403, 200]


def test_replies_under_way_are_not_disturbed(serve: Serve, connect: Connect) -> None:
    server, gate = serve(), Gate()
    api = connect(server, max_concurrent_messages=2)
    server.script(Reply(pieces=["one", " two", " three"], hold_after=1, gate=gate))
    with api.stream_message("a long one") as stream:
        assert next(stream) == "one"
        server.strike_challenge()
        assert works(api)
        assert passages(server) == 1
        gate.open()
        assert "".join(stream) == " two three"
    assert len([post for post in posts_of(server.requests) if post.status == 200]) == 2


def test_many_callers_wait_for_one_passage(serve: Serve, connect: Connect) -> None:
    server = serve()
    api = connect(server, max_concurrent_messages=4)
    assert works(api)
    server.strike_challenge()
    before = len(posts_of(server.requests))

    with ThreadPoolExecutor(4) as pool:
        replies = [pool.submit(api.send_message, f"message {n}") for n in range(4)]
        assert [reply.result(20) for reply in replies] == [f'You said: "message {n}".' for n in range(4)]

    assert passages(server) == 1
    statuses = [post.status for post in posts_of(server.requests)[before:]]
    assert statuses.count(200) == 4
    assert statuses.count(403) <= 4


@pytest.mark.parametrize("when", ["at the start", "in the middle"])
def test_one_that_wants_a_person(serve: Serve, connect: Connect, when: str) -> None:
    server = serve()
    api = connect(server, challenge_timeout=500)
    if when == "in the middle":
        assert works(api)
    server.strike_challenge("person")
    before = len(posts_of(server.requests))

    with pytest.raises(ChallengeError) as caught:
        api.send_message("hello", timeout_ms=20_000)

    assert "chatgpt-browser login" in str(caught.value)
    assert "within 0.5 s" in str(caught.value)
    assert len(posts_of(server.requests)) - before == (1 if when == "in the middle" else 0)
    assert api.get_is_authenticated() is (when == "in the middle")  # the access token is still fresh
    server.strike_challenge(None)
    assert works(api)


def test_one_that_nobody_can_pass_is_tried_once(serve: Serve, connect: Connect) -> None:
    """The site lets us see its pages, and challenges the message all the same."""
    server = serve(reply=Answer.challenge())
    with pytest.raises(ChallengeError, match="chatgpt-browser login"):
        connect(server).send_message("hello", timeout_ms=20_000)
    assert len(posts_of(server.requests)) == 2


@pytest.mark.parametrize("status", [403, 503])
@pytest.mark.parametrize("page", MARKED)
def test_a_challenge_without_its_header(
    unblocked: tuple[FakeChatGPT, ChatGPTAPI], page: str, status: int
) -> None:
    server, api = unblocked
    before = len(posts_of(server.requests))
    server.script(Answer(status, page), "There you are.")
    assert api.send_message("hello") == "There you are."
    assert [post.status for post in posts_of(server.requests)[before:]] == [status, 200]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer.unusual_activity(), "unusual activity"),
        (Answer(403, {"detail": "Just a moment..."}), "Just a moment"),
        (Answer(403, "<title>Forbidden</title>"), "Forbidden"),
        (Answer(500, "<title>Just a moment...</title>"), "Just a moment"),
    ],
    ids=["unusual activity", "JSON", "another page", "another status"],
)
def test_a_refusal_that_is_no_challenge(
    unblocked: tuple[FakeChatGPT, ChatGPTAPI], answer: Answer, says: str
) -> None:
    server, api = unblocked
    before = len(server.requests)
    server.script(answer)
    with pytest.raises(APIStatusError, match=says):
        api.send_message("hello")
    after = server.requests[before:]
    assert len(posts_of(after)) == 1
    assert not any(r.path == "/api/auth/session" and r.headers["sec-fetch-mode"] == "navigate" for r in after)


@pytest.mark.parametrize(
    "user_agent", [None, "Mozilla/5.0 (Of our own) Chrome/107.0.0.0"], ids=["own", "given"]
)
def test_the_clearance_holds_for_every_request_that_follows(
    serve: Serve, connect: Connect, user_agent: str | None
) -> None:
    """The site binds a clearance to the user agent: all requests, the passage's own page's included, have the same."""
    server = serve(challenge="passes")
    api = connect(server, user_agent=user_agent)
    assert works(api)
    server.strike_challenge()
    assert works(api)

    assert passages(server) == 2
    agents = {request.headers["user-agent"] for request in server.requests}
    assert len(agents) == 1
    assert user_agent is None or agents == {user_agent}


def test_a_reply_goes_on_while_a_person_is_wanted(serve: Serve, connect: Connect) -> None:
    """A challenge that does not pass ends the call that met it, and no other."""
    server, gate = serve(), Gate()
    api = connect(server, max_concurrent_messages=2, challenge_timeout=300)
    server.script(Reply(pieces=["one", " two"], hold_after=1, gate=gate))
    stream = api.stream_message("a long one")
    assert next(stream) == "one"
    server.strike_challenge("person")
    failed = threading.Event()

    def fail() -> None:
        with pytest.raises(ChallengeError):
            api.send_message("hello")
        failed.set()

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join(20)
    assert failed.is_set()
    gate.open()
    assert "".join(stream) == " two"
