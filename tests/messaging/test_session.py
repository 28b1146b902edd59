"""The session: its cookies, the cache of the access token, and refused tokens."""

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
def shared_eager() -> Iterator[tuple[ScriptedSite, ChatGPTAPI]]:
    """A client that does not cache the access token, and its server."""
    scripted_site = ScriptedSite()
    with scripted_site.server as server:
        options = base_urls(server) | {"access_token_ttl": 0, "challenge_timeout": 50, "retries": 1}
        with ChatGPTAPI(server.session_token, **options) as api:
            api.start()
            yield scripted_site, api


@pytest.fixture
def eager_site(shared_eager: tuple[ScriptedSite, ChatGPTAPI]) -> ScriptedSite:
    shared_eager[0].server.session_answer = "alive"
    shared_eager[0].begin()
    return shared_eager[0]


@pytest.fixture
def eager_api(shared_eager: tuple[ScriptedSite, ChatGPTAPI]) -> ChatGPTAPI:
    return shared_eager[1]


def long_token(length: int) -> str:
    return "".join(LETTERS[index * 7 % len(LETTERS)] for index in range(length))


def session_cookies(server: Any) -> dict[str, str]:
    """Return the session cookies of the newest session request."""
    cookies: dict[str, str] = refreshes_of(server.requests)[-1].cookies
    return {name: value for name, value in cookies.items() if "session-token" in name}


# ---- cookies -----------------------------------------------------------------------------------------------------------


def test_session_token_in_each_form_is_accepted(serve: Serve) -> None:
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


def test_session_token_replaces_old_cookies_of_a_profile(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    """The server joins all session cookies: a cookie of an earlier session would corrupt the token."""
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


# ---- caching -----------------------------------------------------------------------------------------------------------


def test_concurrent_threads_share_one_start_and_one_refresh(serve: Serve, connect: Connect) -> None:
    server = serve()
    api = connect(server, access_token_ttl=timedelta(hours=1))
    with ThreadPoolExecutor(16) as pool:
        replies = [pool.submit(api.send_message, "Hello") for _ in range(4)]
        tokens = {*pool.map(lambda _: api.ensure_auth(), range(12))}
    tokens |= {api.ensure_auth(), api.refresh_access_token(), api.get_session().access_token}

    assert {reply.result() for reply in replies} == {'You said: "Hello".'}
    assert api.get_is_authenticated()
    assert len(tokens) == 1, "the token was not cached"
    assert len(refreshes_of(server.requests)) == 1
    assert len([r for r in server.requests if r.headers.get("sec-fetch-mode") == "navigate"]) == 1


def test_access_token_ttl_zero_refreshes_for_each_call(
    eager_site: ScriptedSite, eager_api: ChatGPTAPI
) -> None:
    for count in (1, 2, 3):
        eager_api.ensure_auth()
        assert len(eager_site.refreshes) == count


def test_access_token_is_refreshed_after_its_ttl(serve: Serve, connect: Connect) -> None:
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
async def test_concurrent_tasks_share_one_refresh(serve: Serve) -> None:
    server = serve()
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        tokens = await asyncio.gather(*(api.ensure_auth() for _ in range(50)))

    assert len(set(tokens)) == 1
    assert len(refreshes_of(server.requests)) == 1
    assert len([r for r in server.requests if r.headers.get("sec-fetch-mode") == "navigate"]) == 1


@pytest.mark.anyio
async def test_refresh_is_not_cancelled_with_one_of_its_callers(serve: Serve) -> None:
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
        gate.open()  # the stalled response is empty: `second` gets a response without a session
        with pytest.raises(AuthenticationError):
            await second
        assert await api.ensure_auth()


def test_refresh_that_failed_is_not_cached(eager_site: ScriptedSite, eager_api: ChatGPTAPI) -> None:
    eager_site.server.session_answer = "signed_out"
    with pytest.raises(SessionExpiredError, match="Unauthorized"):
        eager_api.ensure_auth()
    eager_site.server.session_answer = "alive"

    assert can_send(eager_api)


# ---- 401 on a message --------------------------------------------------------------------------------------------------


def test_access_token_refused_once_is_renewed(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    old = api.ensure_auth()
    before = len(scripted_site.refreshes)
    scripted_site.server.expire_access_tokens()

    assert api.send_message("Hello") == 'You said: "Hello".'
    first, second = scripted_site.posts
    assert (first.status, second.status) == (401, 200)
    assert (first.bearer, second.bearer) == (old, api.ensure_auth())
    assert old != api.ensure_auth()
    assert len(scripted_site.refreshes) == before + 1


def test_access_token_refused_twice_raises(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    api.ensure_auth()
    before = len(scripted_site.refreshes)
    with pytest.raises(AccessTokenRejectedError) as caught:
        api.send_message(scripted_site.answering(Answer.token_expired()))

    assert isinstance(caught.value, AuthenticationError)
    assert isinstance(caught.value, APIStatusError)
    assert (caught.value.status_code, caught.value.code) == (401, "token_expired")
    assert len(scripted_site.posts) == 2
    assert len(scripted_site.refreshes) == before + 1


def test_session_expired_after_a_refusal_raises(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
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
async def test_concurrent_refused_messages_share_one_refresh(serve: Serve) -> None:
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
def test_message_that_may_have_been_accepted_is_sent_once(
    scripted_site: ScriptedSite, api: ChatGPTAPI, answer: Any
) -> None:
    for _ in range(3):  # on a new connection, and on a connection that was used before
        with pytest.raises((APIStatusError, StreamInterruptedError)):
            api.send_message(scripted_site.answering(answer))

    ids = [post.json["messages"][0]["id"] for post in scripted_site.posts]
    assert len(ids) == len({*ids}) == 3


# ---- session data and rotation ----------------------------------------------------------------------------------------


def test_get_session_returns_user_and_expiry(api: ChatGPTAPI) -> None:
    session = api.get_session()

    assert (session.user.name, session.user.email) == ("Ada Example", "ada@example.com")
    assert (session.user.groups, session.user.features) == ((), ())
    assert session.expires is not None
    assert timedelta(days=29) < session.expires - datetime.now(timezone.utc) <= timedelta(days=30)
    assert session.raw["accessToken"] == session.access_token
    assert session.access_token not in repr(session)
    assert session.access_token not in repr(session.user)


@pytest.mark.parametrize("state", ["signed_out", "refresh_error", "challenge"])
def test_get_is_authenticated_without_a_session_returns_false(
    eager_site: ScriptedSite, eager_api: ChatGPTAPI, state: Any
) -> None:
    eager_site.server.session_answer = state
    assert eager_api.get_is_authenticated() is False
    eager_site.server.session_answer = "alive"
    assert eager_api.get_is_authenticated() is True


def test_messages_reprs_and_logs_contain_no_secrets(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, "chatgpt_browser")
    server = serve(
        rotate_session_token=True, replies=[Answer.token_expired(), Reply("one two", break_after=1)]
    )
    first = server.session_token
    api = connect(server, access_token_ttl=0)
    texts: list[str] = []
    try:
        api.send_message("my private words")
    except StreamInterruptedError as exc:
        texts += [str(exc), repr(exc)]
    access_token = api.ensure_auth()
    conversation = api.get_conversation()
    stream = api.stream_message("my private words")
    texts += [
        repr(each)
        for each in (api, conversation, stream, api.get_session(), api._options, api._session_token)
    ]
    server.session_answer = "refresh_error"
    with pytest.raises(SessionExpiredError) as caught:
        api.send_message("my private words")
    texts += [str(caught.value), repr(caught.value)]
    assert caplog.records, "nothing was logged"
    texts += [record.getMessage() for record in caplog.records]
    texts += capfd.readouterr()

    secrets = [first, server.session_token, access_token, "my private words"]
    assert [secret for secret in secrets for words in texts if secret in words] == []


def test_session_token_rotated_by_a_navigation_is_read(serve: Serve) -> None:
    """The page requests the session at the start, and after a challenge."""
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
