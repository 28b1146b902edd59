"""Cloudflare's challenges: the client waits until they pass. If a person is required, it raises ``ChallengeError``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import APIStatusError, ChallengeError, ChatGPTAPI
from chatgpt_browser.testing import Answer, Gate, Reply
from tests.support.scripted_site import ScriptedSite, base_urls, can_send, posts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser.testing import RecordedRequest
    from tests.support.client_fixtures import Connect, Serve

CHALLENGE_PATH = "/cdn-cgi/challenge-platform/"
MARKED_PAGES = [
    "<title>Just a moment...</title>",
    "<script>window._cf_chl_opt = {}</script>",
    '<script src="/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1"></script>',
    '<form id="challenge-form" method="post"></form>',
    "<p>Please stand by, while we are checking your browser...</p>",
]


@contextmanager
def started_client(**options: Any) -> Iterator[tuple[ScriptedSite, ChatGPTAPI]]:
    """Provide a site without a challenge, and a client that has sent a message to it."""
    scripted_site = ScriptedSite()
    with scripted_site.server as server:
        with ChatGPTAPI(server.session_token, send_via="fetch", **base_urls(server), **options) as api:
            assert can_send(api)
            yield scripted_site, api


@pytest.fixture(scope="module")
def patient_pair() -> Iterator[tuple[ScriptedSite, ChatGPTAPI]]:
    """A site and a client with the default ``challenge_timeout``, for challenges that pass."""
    with started_client(max_concurrent_messages=4) as pair:
        yield pair


@pytest.fixture(scope="module")
def impatient_pair() -> Iterator[tuple[ScriptedSite, ChatGPTAPI]]:
    """A site and a client with a short ``challenge_timeout``, for challenges that require a person."""
    with started_client(max_concurrent_messages=4, challenge_timeout=500) as pair:
        yield pair


@pytest.fixture
def site(patient_pair: tuple[ScriptedSite, ChatGPTAPI]) -> ScriptedSite:
    patient_pair[0].begin()
    return patient_pair[0]


@pytest.fixture
def client(patient_pair: tuple[ScriptedSite, ChatGPTAPI]) -> ChatGPTAPI:
    return patient_pair[1]


def passed_challenges(requests: list[RecordedRequest]) -> int:
    """Return the number of challenges that were passed."""
    return sum(r.method == "POST" and r.path.startswith(CHALLENGE_PATH) and r.status == 200 for r in requests)


def test_challenge_at_token_refresh_is_passed_once(serve: Serve, connect: Connect) -> None:
    server = serve()
    api = connect(server, access_token_ttl=0)
    assert can_send(api)
    server.strike_challenge()

    api.refresh_access_token()
    assert passed_challenges(server.requests) == 1
    assert can_send(api)
    assert passed_challenges(server.requests) == 1


def test_challenge_at_message_is_passed_and_the_message_sent_again(
    site: ScriptedSite, client: ChatGPTAPI
) -> None:
    conversation = client.get_conversation()
    conversation.send_message("one")
    site.server.strike_challenge()

    assert conversation.send_message("two") == 'You said: "two". Before that you said: "one".'
    assert passed_challenges(site.requests) == 1
    assert [post.status for post in site.posts] == [200, 403, 200]


def test_challenge_during_another_reply_does_not_disturb_it(site: ScriptedSite, client: ChatGPTAPI) -> None:
    gate = Gate()
    reply = Reply(pieces=["one", " two", " three"], hold_after=1, gate=gate)
    with client.stream_message(site.answering(reply)) as stream:
        assert next(stream) == "one"
        site.server.strike_challenge()
        assert can_send(client)
        assert passed_challenges(site.requests) == 1
        gate.open()
        assert "".join(stream) == " two three"
    assert len([post for post in site.posts if post.status == 200]) == 2


def test_challenge_with_concurrent_callers_is_passed_once(site: ScriptedSite, client: ChatGPTAPI) -> None:
    site.server.strike_challenge()
    with ThreadPoolExecutor(4) as pool:
        replies = [pool.submit(client.send_message, f"caller {n}") for n in range(4)]
        assert [reply.result(60) for reply in replies] == [f'You said: "caller {n}".' for n in range(4)]

    assert passed_challenges(site.requests) == 1
    statuses = [post.status for post in site.posts]
    assert statuses.count(200) == 4
    assert statuses.count(403) <= 4


def names_login_command(error: ChallengeError) -> bool:
    return "chatgpt-browser login" in str(error) and "within 0.5 s" in str(error)


def test_challenge_for_a_person_at_start_raises_challenge_error(serve: Serve, connect: Connect) -> None:
    server = serve(challenge="person")
    api = connect(server, challenge_timeout=500)
    with pytest.raises(ChallengeError) as caught:
        api.send_message("hello", timeout_ms=60_000)

    assert names_login_command(caught.value)
    assert posts_of(server.requests) == []
    assert api.get_is_authenticated() is False
    server.strike_challenge(None)
    assert can_send(api)


def test_challenge_for_a_person_at_message_raises_challenge_error(
    impatient_pair: tuple[ScriptedSite, ChatGPTAPI],
) -> None:
    site, client = impatient_pair
    site.begin()
    site.server.strike_challenge("person")
    with pytest.raises(ChallengeError) as caught:
        client.send_message("hello", timeout_ms=60_000)

    assert names_login_command(caught.value)
    assert len(site.posts) == 1
    assert client.get_is_authenticated() is True  # the access token is still valid
    site.server.strike_challenge(None)
    assert can_send(client)


def test_challenge_of_the_message_alone_raises_after_one_attempt(serve: Serve, connect: Connect) -> None:
    """The site serves its pages without a challenge, but challenges each message."""
    server = serve(reply=Answer.challenge())
    with pytest.raises(ChallengeError, match="chatgpt-browser login"):
        connect(server).send_message("hello", timeout_ms=60_000)
    assert len(posts_of(server.requests)) == 2


@pytest.mark.sample(4)
@pytest.mark.parametrize("status", [403, 503])
@pytest.mark.parametrize("page", MARKED_PAGES)
def test_challenge_without_header_is_recognised_by_page_marks(
    site: ScriptedSite, client: ChatGPTAPI, page: str, status: int
) -> None:
    assert client.send_message(site.answering(Answer(status, page), "There you are.")) == "There you are."
    assert [post.status for post in site.posts] == [status, 200]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Answer.unusual_activity(), "unusual activity"),
        (Answer(403, {"detail": "Just a moment..."}), "Just a moment"),
        (Answer(403, "<title>Forbidden</title>"), "Forbidden"),
        (Answer(500, "<title>Just a moment...</title>"), "Just a moment"),
    ],
    ids=["unusual activity", "JSON", "another page", "another status"],
)
def test_refusal_similar_to_a_challenge_raises_status_error(
    site: ScriptedSite, client: ChatGPTAPI, answer: Answer, text: str
) -> None:
    with pytest.raises(APIStatusError, match=text):
        client.send_message(site.answering(answer))
    assert len(site.posts) == 1
    assert not any(request.headers["sec-fetch-mode"] == "navigate" for request in site.requests)


@pytest.mark.parametrize(
    "user_agent",
    [None, "Mozilla/5.0 (Custom) Chrome/107.0.0.0"],
    ids=["default user agent", "user_agent option"],
)
def test_challenge_at_start_is_passed_with_one_user_agent(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture, user_agent: str | None
) -> None:
    """The site binds a clearance to the user agent, so all requests, including the challenge page's, must have the same."""
    caplog.set_level("INFO", "chatgpt_browser")
    server = serve(challenge="passes")
    api = connect(server, user_agent=user_agent)
    assert can_send(api)

    assert passed_challenges(server.requests) == 1
    assert "challenge passed" in caplog.text
    assert server.requests[0].status == 403
    assert [post.status for post in posts_of(server.requests)] == [200]

    server.strike_challenge()
    assert can_send(api)
    assert passed_challenges(server.requests) == 2
    agents = {request.headers["user-agent"] for request in server.requests}
    assert len(agents) == 1
    assert user_agent is None or agents == {user_agent}


def test_challenge_for_a_person_does_not_end_another_reply(
    impatient_pair: tuple[ScriptedSite, ChatGPTAPI],
) -> None:
    """A challenge that does not pass ends only the call that received it."""
    site, client = impatient_pair
    gate = Gate()
    stream = client.stream_message(site.answering(Reply(pieces=["one", " two"], hold_after=1, gate=gate)))
    assert next(stream) == "one"
    site.server.strike_challenge("person")
    with ThreadPoolExecutor(1) as pool, pytest.raises(ChallengeError):
        pool.submit(client.send_message, "hello").result(60)

    gate.open()
    assert "".join(stream) == " two"
    site.server.strike_challenge(None)
    assert can_send(client)
