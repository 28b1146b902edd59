"""The session: which cookies it travels in, for how long a token is kept, and what is done when it is refused."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import (
    AccessTokenRejectedError,
    APIStatusError,
    AsyncChatGPTAPI,
    AuthenticationError,
    ChatGPTAPI,
    SessionExpiredError,
    StreamInterruptedError,
)
from chatgpt_browser.testing import Answer, Break, Gate, Reply, Stall
from tests.support.scripted_site import ScriptedSite, base_urls, can_send, posts_of, refreshes_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.client_fixtures import Connect, Serve

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_."
PLAIN, SECURE = "next-auth.session-token", "__Secure-next-auth.session-token"


@pytest.fixture(scope="module")
def eager() -> Iterator[tuple[ScriptedSite, ChatGPTAPI]]:
    """A client that asks for the session each time anew, and its server."""
    scripted_site = ScriptedSite()
    with scripted_site.server as server:
        options = base_urls(server) | {"access_token_ttl": 0, "challenge_timeout": 50, "retries": 1}
        with ChatGPTAPI(server.session_token, **options) as api:
            api.start()
            yield scripted_site, api


@pytest.fixture
def eager_scene(eager: tuple[ScriptedSite, ChatGPTAPI]) -> ScriptedSite:
    eager[0].server.session_answer = "alive"
    eager[0].begin()
    return eager[0]


@pytest.fixture
def eager_api(eager: tuple[ScriptedSite, ChatGPTAPI]) -> ChatGPTAPI:
    return eager[1]


def long_token(length: int) -> str:
    return "".join(LETTERS[index * 7 % len(LETTERS)] for index in range(length))


def session_cookies(server: Any) -> dict[str, str]:
    """The family, as the newest in-page request for the session had it."""
    cookies: dict[str, str] = refreshes_of(server.requests)[-1].cookies
    return {name: value for name, value in cookies.items() if "session-token" in name}


# ---- cookies -----------------------------------------------------------------------------------------------------------


def test_every_form_of_a_token(serve: Serve) -> None:
    token = long_token(5000)
    server = serve(session_token=token)
    parts = [token[:3933], token[3933:]]
    cookies = {f"{SECURE}.{index}": part for index, part in enumerate(parts)}
    header = "; ".join(f"{name}={value}" for name, value in {"oai-did": "x", **cookies, "_ga": "1=2"}.items())
    forms: list[Any] = [
        token,
        f"  {token}\n",
        parts,
        tuple(parts),
        cookies,
        header,
        f"Cookie: {header}",
        f'"{token}"',
    ]
    for form in forms:
        with ChatGPTAPI(form, **base_urls(server)) as api:
            assert api.session_token == token

    with ChatGPTAPI(f"Cookie: {header}", **base_urls(server)) as api:
        assert api.get_is_authenticated()
    assert "".join(session_cookies(server).values()) == token
    assert "oai-did" not in refreshes_of(server.requests)[-1].cookies


def test_a_stale_family_in_a_kept_profile(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    """The server joins all that it is sent: whatever an earlier session has left would corrupt the token."""
    profile = tmp_path / "profile"
    server = serve(session_token=long_token(12_000))
    with ChatGPTAPI(server.session_token, **base_urls(server), user_data_dir=profile) as api:
        api.ensure_auth()
    assert len(session_cookies(server)) == 4

    for token in (long_token(4000), long_token(300)):
        server.sign_in(token)
        with ChatGPTAPI(token, **base_urls(server), user_data_dir=profile) as api:
            assert api.send_message("Hello") == 'You said: "Hello".'
        assert "".join(session_cookies(server).values()) == token
        assert len(session_cookies(server)) == 1 + (len(token) > 3933)


# ---- for how long ------------------------------------------------------------------------------------------------------


def test_one_start_and_one_refresh_for_all_threads(serve: Serve, connect: Connect) -> None:
    server = serve()
    api = connect(server, access_token_ttl=timedelta(hours=1))
    with ThreadPoolExecutor(16) as pool:
        replies = [pool.submit(api.send_message, "Hello") for _ in range(4)]
        tokens = {*pool.map(lambda _: api.ensure_auth(), range(12))}
    tokens |= {api.ensure_auth(), api.refresh_access_token(), api.get_session().access_token}

    assert {reply.result() for reply in replies} == {'You said: "Hello".'}
    assert api.get_is_authenticated()
    assert len(tokens) == 1, "it is kept for its time"
    assert len(refreshes_of(server.requests)) == 1
    assert len([r for r in server.requests if r.headers.get("sec-fetch-mode") == "navigate"]) == 1


def test_no_time_at_all(eager_scene: ScriptedSite, eager_api: ChatGPTAPI) -> None:
    for count in (1, 2, 3):
        eager_api.ensure_auth()
        assert len(eager_scene.refreshes) == count


def test_the_time_runs_out(serve: Serve, connect: Connect) -> None:
    server = serve()
    api = connect(server, access_token_ttl=200)
    now = 0.0
    api._core._sender.tokens._clock = lambda: now
    api.ensure_auth()
    now = 0.199
    api.ensure_auth()
    assert len(refreshes_of(server.requests)) == 1
    now = 0.2
    api.ensure_auth()
    assert len(refreshes_of(server.requests)) == 2


@pytest.mark.anyio
async def test_one_refresh_for_all_who_ask(serve: Serve) -> None:
    server = serve()
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        tokens = await asyncio.gather(*(api.ensure_auth() for _ in range(50)))

    assert len(set(tokens)) == 1
    assert len(refreshes_of(server.requests)) == 1
    assert len([r for r in server.requests if r.headers.get("sec-fetch-mode") == "navigate"]) == 1


@pytest.mark.anyio
async def test_a_caller_who_leaves_takes_nobodys_refresh_along(serve: Serve) -> None:
    server, gate = serve(), Gate()
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        await api.start()
        server.script_session(Stall(before_head=True, gate=gate))
        first = asyncio.ensure_future(api.ensure_auth())
        second = asyncio.ensure_future(api.ensure_auth())
        await asyncio.to_thread(gate.wait_reached)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        gate.open()  # the stalled answer is empty: no session, but an answer to `second`
        with pytest.raises(AuthenticationError):
            await second
        assert await api.ensure_auth()


def test_a_refresh_that_failed_is_not_kept(eager_scene: ScriptedSite, eager_api: ChatGPTAPI) -> None:
    eager_scene.server.session_answer = "signed_out"
    with pytest.raises(SessionExpiredError, match="Unauthorized"):
        eager_api.ensure_auth()
    eager_scene.server.session_answer = "alive"

    assert can_send(eager_api)


# ---- 401 on a message --------------------------------------------------------------------------------------------------


def test_a_token_that_is_refused_once(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    old = api.ensure_auth()
    before = len(scripted_site.refreshes)
    scripted_site.server.expire_access_tokens()

    assert api.send_message("Hello") == 'You said: "Hello".'
    first, second = scripted_site.posts
    assert (first.status, second.status) == (401, 200)
    assert (first.bearer, second.bearer) == (old, api.ensure_auth())
    assert old != api.ensure_auth()
    assert len(scripted_site.refreshes) == before + 1


def test_a_token_that_is_refused_twice(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    api.ensure_auth()
    before = len(scripted_site.refreshes)
    with pytest.raises(AccessTokenRejectedError) as caught:
        api.send_message(scripted_site.answering(Answer.token_expired()))

    assert isinstance(caught.value, AuthenticationError)
    assert isinstance(caught.value, APIStatusError)
    assert (caught.value.status_code, caught.value.code) == (401, "token_expired")
    assert len(scripted_site.posts) == 2
    assert len(scripted_site.refreshes) == before + 1


def test_a_session_that_died_meanwhile(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    assert api.get_is_authenticated()
    scripted_site.server.sign_out()
    scripted_site.server.expire_access_tokens()
    with pytest.raises(SessionExpiredError):
        api.send_message("Hello")

    assert len(scripted_site.posts) == 1
    assert api.get_is_authenticated() is False
    scripted_site.server.sign_in(api.session_token)
    assert api.get_is_authenticated() is True


@pytest.mark.anyio
async def test_one_refresh_for_many_refused_messages(serve: Serve) -> None:
    server = serve()
    async with AsyncChatGPTAPI(
        server.session_token,
        **base_urls(server),
        max_concurrent_messages=5,
        access_token_ttl=timedelta(hours=1),
    ) as api:
        await api.ensure_auth()
        server.expire_access_tokens()
        replies = await asyncio.gather(*(api.send_message("Hello") for _ in range(5)))

    assert replies == ['You said: "Hello".'] * 5
    assert len(refreshes_of(server.requests)) == 2
    assert len(posts_of(server.requests)) <= 10


@pytest.mark.parametrize(
    "answer", [Answer.server_error(), Answer.overloaded_html(503), Break()], ids=["500", "503", "break"]
)
def test_what_the_site_may_have_taken_is_sent_once(
    scripted_site: ScriptedSite, api: ChatGPTAPI, answer: Any
) -> None:
    for _ in range(3):  # the connection has been used before, or not
        with pytest.raises((APIStatusError, StreamInterruptedError)):
            api.send_message(scripted_site.answering(answer))

    ids = [post.json["messages"][0]["id"] for post in scripted_site.posts]
    assert len(ids) == len({*ids}) == 3


# ---- rotation, and what it says of itself ------------------------------------------------------------------------------


def test_who_it_is(api: ChatGPTAPI) -> None:
    session = api.get_session()

    assert (session.user.name, session.user.email) == ("Ada Example", "ada@example.com")
    assert (session.user.groups, session.user.features) == ((), ())
    assert session.expires is not None
    assert timedelta(days=29) < session.expires - datetime.now(timezone.utc) <= timedelta(days=30)
    assert session.raw["accessToken"] == session.access_token
    assert session.access_token not in repr(session)
    assert session.access_token not in repr(session.user)


@pytest.mark.parametrize("state", ["signed_out", "refresh_error", "challenge"])
def test_a_dead_session_is_a_false(eager_scene: ScriptedSite, eager_api: ChatGPTAPI, state: Any) -> None:
    eager_scene.server.session_answer = state
    assert eager_api.get_is_authenticated() is False
    eager_scene.server.session_answer = "alive"
    assert eager_api.get_is_authenticated() is True


def test_nothing_secret_is_said(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, "chatgpt_browser")
    server = serve(
        rotate_session_token=True, replies=[Answer.token_expired(), Reply("one two", break_after=1)]
    )
    first = server.session_token
    api = connect(server, access_token_ttl=0)
    said: list[str] = []
    try:
        api.send_message("my private words")
    except StreamInterruptedError as exc:
        said += [str(exc), repr(exc)]
    access_token = api.ensure_auth()
    conversation = api.get_conversation()
    stream = api.stream_message("my private words")
    said += [
        repr(each)
        for each in (api, conversation, stream, api.get_session(), api._options, api._session_token)
    ]
    server.session_answer = "refresh_error"
    with pytest.raises(SessionExpiredError) as caught:
        api.send_message("my private words")
    said += [str(caught.value), repr(caught.value)]
    assert caplog.records, "nothing was logged at all"
    said += [record.getMessage() for record in caplog.records]
    said += capfd.readouterr()

    secrets = [first, server.session_token, access_token, "my private words"]
    assert [secret for secret in secrets for words in said if secret in words] == []


def test_a_token_that_the_site_has_rotated_for_a_navigation(serve: Serve) -> None:
    """At the start, and where a challenge is shown: the page asks for the session there, too."""
    server = serve(rotate_session_token=True)
    with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
        api.start()
        assert api.session_token == server.session_token
        for _ in range(2):
            server.inject("challenge-passes")
            assert can_send(api)
            assert api.session_token == server.session_token
        newest = api.session_token
    with ChatGPTAPI(newest, **base_urls(server)) as api:
        assert api.get_is_authenticated()
