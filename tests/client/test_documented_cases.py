"""The five cases of the npm package's tests, with its documented error messages, in both clients."""

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
    """An abort reason that the caller defines."""


@pytest.mark.parametrize("client_class", [ChatGPTAPI, AsyncChatGPTAPI])
@pytest.mark.parametrize("missing", [None, "", [], {}, "   "])
def test_client_without_session_token_raises_invalid_session_token(client_class: Any, missing: Any) -> None:
    with pytest.raises(InvalidSessionTokenError) as caught:
        client_class(missing)

    assert str(caught.value) == "ChatGPT invalid session token"
    assert isinstance(caught.value, ValueError)


def test_send_message_with_unknown_session_token_raises_unauthorized(serve: Serve, connect: Connect) -> None:
    server = serve()
    api = connect(server, "not-the-token")
    with pytest.raises(AuthenticationError) as caught:
        api.send_message("Hello")

    assert str(caught.value).startswith("ChatGPT failed to refresh auth token. Error: Unauthorized")
    assert [request for request in server.requests if request.method == "POST"] == []
    assert not api.get_is_authenticated()


@pytest.mark.anyio
async def test_async_ensure_auth_with_unknown_session_token_raises_unauthorized(serve: Serve) -> None:
    server = serve()
    async with AsyncChatGPTAPI("not-the-token", **base_urls(server)) as api:
        with pytest.raises(AuthenticationError) as caught:
            await api.ensure_auth()

    assert str(caught.value).startswith("ChatGPT failed to refresh auth token. Error: Unauthorized")


def test_send_message_with_expired_session_raises_session_expired(serve: Serve, connect: Connect) -> None:
    server = serve()
    server.session_answer = "refresh_error"  # the response still contains an expired access token
    api = connect(server)
    with pytest.raises(SessionExpiredError) as caught:
        api.send_message("Hello")

    assert str(caught.value) == EXPIRED
    assert [request for request in server.requests if request.method == "POST"] == []


@pytest.mark.anyio
async def test_async_send_message_with_expired_session_raises_session_expired(serve: Serve) -> None:
    server = serve()
    server.session_answer = "refresh_error"
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        with pytest.raises(SessionExpiredError) as caught:
            await api.send_message("Hello")

    assert str(caught.value) == EXPIRED


def test_send_message_with_timeout_of_1_ms_raises_timeout(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    with pytest.raises(ChatGPTTimeoutError) as caught:
        api.send_message(scripted_site.answering(Stall()), timeout_ms=1)

    assert str(caught.value) == "ChatGPT timed out waiting for response"
    assert isinstance(caught.value, TimeoutError)


@pytest.mark.anyio
async def test_async_send_message_with_timeout_of_1_ms_raises_timeout(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    with pytest.raises(ChatGPTTimeoutError) as caught:
        await async_api.send_message(async_scripted_site.answering(Stall()), timeout_ms=1)

    assert str(caught.value) == "ChatGPT timed out waiting for response"


def test_send_message_aborted_after_10_ms_raises_the_reason(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    controller, reason = AbortController(), Cancelled("test abort")
    timer = threading.Timer(0.01, controller.abort, [reason])
    timer.start()
    with pytest.raises(Cancelled) as caught:
        api.send_message(scripted_site.answering(Stall()), abort_signal=controller.signal)

    assert caught.value is reason
    timer.join()


@pytest.mark.anyio
async def test_async_send_message_aborted_after_10_ms_raises_the_reason(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    controller, reason = AbortController(), Cancelled("test abort")
    timer = threading.Timer(0.01, controller.abort, [reason])
    timer.start()
    with pytest.raises(Cancelled) as caught:
        await async_api.send_message(async_scripted_site.answering(Stall()), abort_signal=controller.signal)

    assert caught.value is reason
    timer.join()


def test_unstarted_client_timeout_and_abort_raise_as_documented(serve: Serve, connect: Connect) -> None:
    """The npm package tests a client that has sent no message, so its browser has not been started."""
    api = connect(serve())
    with pytest.raises(ChatGPTTimeoutError, match="^ChatGPT timed out waiting for response$"):
        api.send_message("Hello", timeout_ms=1)

    controller, reason = AbortController(), Cancelled("before the call")
    controller.abort(reason)
    with pytest.raises(Cancelled) as caught:
        api.send_message("Hello", abort_signal=controller.signal)

    assert caught.value is reason
    assert api.send_message("Hello") == 'You said: "Hello".'
