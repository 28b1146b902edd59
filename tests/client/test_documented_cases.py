"""The five cases of the npm package's own tests, with the messages that it documents, on both faces."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import (
    AbortController,
    AsyncChatGPTAPI,
    AuthenticationError,
    ChatGPTAPI,
    ChatGPTTimeoutError,
    InvalidSessionTokenError,
    SessionExpiredError,
)
from chatgpt_browser.testing import Stall
from tests.support.scripted_site import base_urls

if TYPE_CHECKING:
    from tests.support.client_fixtures import Connect, Serve
    from tests.support.scripted_site import ScriptedSite

EXPIRED = "ChatGPT failed to refresh auth token. Error: session token may have expired"


class Cancelled(Exception):
    """A reason for an abort that only the caller knows."""


@pytest.mark.parametrize("face", [ChatGPTAPI, AsyncChatGPTAPI])
@pytest.mark.parametrize("missing", [None, "", [], {}, "   "])
def test_no_token(face: Any, missing: Any) -> None:
    with pytest.raises(InvalidSessionTokenError) as caught:
        face(missing)

    assert str(caught.value) == "ChatGPT invalid session token"
    assert isinstance(caught.value, ValueError)


def test_invalid_token(serve: Serve, connect: Connect) -> None:
    server = serve()
    api = connect(server, "not-the-token")
    with pytest.raises(AuthenticationError) as caught:
        api.send_message("Hello")

    assert str(caught.value).startswith("ChatGPT failed to refresh auth token. Error: Unauthorized")
    assert [request for request in server.requests if request.method == "POST"] == []
    assert not api.get_is_authenticated()


@pytest.mark.anyio
async def test_invalid_token_async(serve: Serve) -> None:
    server = serve()
    async with AsyncChatGPTAPI("not-the-token", **base_urls(server)) as api:
        with pytest.raises(AuthenticationError) as caught:
            await api.ensure_auth()

    assert str(caught.value).startswith("ChatGPT failed to refresh auth token. Error: Unauthorized")


def test_expired_token(serve: Serve, connect: Connect) -> None:
    server = serve()
    server.session_answer = "refresh_error"  # the answer still carries an access token, an old one
    api = connect(server)
    with pytest.raises(SessionExpiredError) as caught:
        api.send_message("Hello")

    assert str(caught.value) == EXPIRED
    assert [request for request in server.requests if request.method == "POST"] == []


@pytest.mark.anyio
async def test_expired_token_async(serve: Serve) -> None:
    server = serve()
    server.session_answer = "refresh_error"
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        with pytest.raises(SessionExpiredError) as caught:
            await api.send_message("Hello")

    assert str(caught.value) == EXPIRED


def test_timeout_of_one_millisecond(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with pytest.raises(ChatGPTTimeoutError) as caught:
        api.send_message(scripted_site.answering(Stall()), timeout_ms=1)

    assert str(caught.value) == "ChatGPT timed out waiting for response"
    assert isinstance(caught.value, TimeoutError)


@pytest.mark.anyio
async def test_timeout_of_one_millisecond_async(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    with pytest.raises(ChatGPTTimeoutError) as caught:
        await async_api.send_message(async_scripted_site.answering(Stall()), timeout_ms=1)

    assert str(caught.value) == "ChatGPT timed out waiting for response"


def test_abort_after_ten_milliseconds(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    controller, reason = AbortController(), Cancelled("test abort")
    clock = threading.Timer(0.01, controller.abort, [reason])
    clock.start()
    with pytest.raises(Cancelled) as caught:
        api.send_message(scripted_site.answering(Stall()), abort_signal=controller.signal)

    assert caught.value is reason
    clock.join()


@pytest.mark.anyio
async def test_abort_after_ten_milliseconds_async(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    controller, reason = AbortController(), Cancelled("test abort")
    clock = threading.Timer(0.01, controller.abort, [reason])
    clock.start()
    with pytest.raises(Cancelled) as caught:
        await async_api.send_message(async_scripted_site.answering(Stall()), abort_signal=controller.signal)

    assert caught.value is reason
    clock.join()


def test_the_cases_stand_at_a_fresh_client_too(serve: Serve, connect: Connect) -> None:
    """The npm package runs them on a client that has sent nothing yet: its browser isn't even up."""
    api = connect(serve())
    with pytest.raises(ChatGPTTimeoutError, match="^ChatGPT timed out waiting for response$"):
        api.send_message("Hello", timeout_ms=1)

    controller, reason = AbortController(), Cancelled("before it began")
    controller.abort(reason)
    with pytest.raises(Cancelled) as caught:
        api.send_message("Hello", abort_signal=controller.signal)

    assert caught.value is reason
    assert api.send_message("Hello") == 'You said: "Hello".'
