"""Cloudflare's challenges: one that passes by itself costs time and nothing else; one that wants a person says what to do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import APIStatusError, ChallengeError, ChatGPTAPI
from chatgpt_browser.testing import Answer, Gate, Reply
from tests.support.scripted_site import ScriptedSite, base_urls, can_send, posts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser.testing import RecordedRequest
    from tests.support.client_fixtures import Connect, Serve

PREFIX = "/cdn-cgi/challenge-platform/"
MARKED = [
    "<title>Just a moment...</title>",
    "<script>window._cf_chl_opt = {}</script>",
    '<script src="/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1"></script>',
    '<form id="challenge-form" method="post"></form>',
    "<p>Please stand by, while we are checking your browser...</p>",
]


@pytest.fixture(scope="module")
def visited() -> Iterator[tuple[ScriptedSite, ChatGPTAPI]]:
    """A server that lets everyone see its pages until it is told to strike, and a client that has been there before."""
    scripted_site = ScriptedSite()
    with scripted_site.server as server:
        options: dict[str, Any] = {"max_concurrent_messages": 4, "challenge_timeout": 500}
        with ChatGPTAPI(server.session_token, **base_urls(server), **options) as api:
            assert can_send(api)
            yield scripted_site, api


@pytest.fixture
def site(visited: tuple[ScriptedSite, ChatGPTAPI]) -> ScriptedSite:
    visited[0].begin()
    return visited[0]


@pytest.fixture
def visitor(visited: tuple[ScriptedSite, ChatGPTAPI]) -> ChatGPTAPI:
    return visited[1]


def passages(requests: list[RecordedRequest]) -> int:
    """How often somebody has passed."""
    return sum(r.method == "POST" and r.path.startswith(PREFIX) and r.status == 200 for r in requests)


def test_at_the_refresh(serve: Serve, connect: Connect) -> None:
    server = serve()
    api = connect(server, access_token_ttl=0)
    assert can_send(api)
    server.strike_challenge()

    api.refresh_access_token()
    assert passages(server.requests) == 1
    assert can_send(api)
    assert passages(server.requests) == 1


def test_at_the_message(site: ScriptedSite, visitor: ChatGPTAPI) -> None:
    conversation = visitor.get_conversation()
    conversation.send_message("one")
    site.server.strike_challenge()

    assert conversation.send_message("two") == 'You said: "two". Before that you said: "one".'
    assert passages(site.requests) == 1
    assert [post.status for post in site.posts] == [200, 403, 200]


def test_replies_under_way_are_not_disturbed(site: ScriptedSite, visitor: ChatGPTAPI) -> None:
    gate = Gate()
    reply = Reply(pieces=["one", " two", " three"], hold_after=1, gate=gate)
    with visitor.stream_message(site.answering(reply)) as stream:
        assert next(stream) == "one"
        site.server.strike_challenge()
        assert can_send(visitor)
        assert passages(site.requests) == 1
        gate.open()
        assert "".join(stream) == " two three"
    assert len([post for post in site.posts if post.status == 200]) == 2


def test_many_callers_wait_for_one_passage(site: ScriptedSite, visitor: ChatGPTAPI) -> None:
    site.server.strike_challenge()
    with ThreadPoolExecutor(4) as pool:
        replies = [pool.submit(visitor.send_message, f"caller {n}") for n in range(4)]
        assert [reply.result(20) for reply in replies] == [f'You said: "caller {n}".' for n in range(4)]

    assert passages(site.requests) == 1
    statuses = [post.status for post in site.posts]
    assert statuses.count(200) == 4
    assert statuses.count(403) <= 4


def says_what_to_do(error: ChallengeError) -> bool:
    return "chatgpt-browser login" in str(error) and "within 0.5 s" in str(error)


def test_one_that_wants_a_person_at_the_start(serve: Serve, connect: Connect) -> None:
    server = serve(challenge="person")
    api = connect(server, challenge_timeout=500)
    with pytest.raises(ChallengeError) as caught:
        api.send_message("hello", timeout_ms=20_000)

    assert says_what_to_do(caught.value)
    assert posts_of(server.requests) == []
    assert api.get_is_authenticated() is False
    server.strike_challenge(None)
    assert can_send(api)


def test_one_that_wants_a_person_in_the_middle(site: ScriptedSite, visitor: ChatGPTAPI) -> None:
    site.server.strike_challenge("person")
    with pytest.raises(ChallengeError) as caught:
        visitor.send_message("hello", timeout_ms=20_000)

    assert says_what_to_do(caught.value)
    assert len(site.posts) == 1
    assert visitor.get_is_authenticated() is True  # the access token is still fresh
    site.server.strike_challenge(None)
    assert can_send(visitor)


def test_one_that_nobody_can_pass_is_tried_once(serve: Serve, connect: Connect) -> None:
    """The site lets us see its pages, and challenges the message all the same."""
    server = serve(reply=Answer.challenge())
    with pytest.raises(ChallengeError, match="chatgpt-browser login"):
        connect(server).send_message("hello", timeout_ms=20_000)
    assert len(posts_of(server.requests)) == 2


@pytest.mark.parametrize("status", [403, 503])
@pytest.mark.parametrize("page", MARKED)
def test_a_challenge_without_its_header(
    site: ScriptedSite, visitor: ChatGPTAPI, page: str, status: int
) -> None:
    assert visitor.send_message(site.answering(Answer(status, page), "There you are.")) == "There you are."
    assert [post.status for post in site.posts] == [status, 200]


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
    site: ScriptedSite, visitor: ChatGPTAPI, answer: Answer, says: str
) -> None:
    with pytest.raises(APIStatusError, match=says):
        visitor.send_message(site.answering(answer))
    assert len(site.posts) == 1
    assert not any(request.headers["sec-fetch-mode"] == "navigate" for request in site.requests)


@pytest.mark.parametrize(
    "user_agent", [None, "Mozilla/5.0 (Of our own) Chrome/107.0.0.0"], ids=["own", "given"]
)
def test_at_the_start(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture, user_agent: str | None
) -> None:
    """The site binds a clearance to the user agent: all requests, the passage's own page's included, have the same."""
    caplog.set_level("INFO", "chatgpt_browser")
    server = serve(challenge="passes")
    api = connect(server, user_agent=user_agent)
    assert can_send(api)

    assert passages(server.requests) == 1
    assert "challenge passed" in caplog.text
    assert server.requests[0].status == 403
    assert [post.status for post in posts_of(server.requests)] == [200]

    server.strike_challenge()
    assert can_send(api)
    assert passages(server.requests) == 2
    agents = {request.headers["user-agent"] for request in server.requests}
    assert len(agents) == 1
    assert user_agent is None or agents == {user_agent}


def test_a_reply_goes_on_while_a_person_is_wanted(site: ScriptedSite, visitor: ChatGPTAPI) -> None:
    """A challenge that does not pass ends the call that met it, and no other."""
    gate = Gate()
    stream = visitor.stream_message(site.answering(Reply(pieces=["one", " two"], hold_after=1, gate=gate)))
    assert next(stream) == "one"
    site.server.strike_challenge("person")
    with ThreadPoolExecutor(1) as pool, pytest.raises(ChallengeError):
        pool.submit(visitor.send_message, "hello").result(20)

    gate.open()
    assert "".join(stream) == " two"
    site.server.strike_challenge(None)
    assert can_send(visitor)
