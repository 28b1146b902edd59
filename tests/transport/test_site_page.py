"""States of a site page, in a browser: idle, busy, stopping, closed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import AsyncChatGPTAPI, BrowserCrashedError, BrowserError, PageError
from chatgpt_browser._client.base_client import default_options
from chatgpt_browser._core.models import Prompt, Session, User
from chatgpt_browser._transport.base import DeliveryState, OutgoingMessage
from chatgpt_browser._transport.site_ui.site_page import PageState, SitePage
from chatgpt_browser.testing import Answer, FakeChatGPT, Gate, Reply
from tests.support.scripted_site import base_urls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chatgpt_browser._transport.response_stream import ResponseStream

pytestmark = pytest.mark.anyio

IDLE, BUSY, STOPPING, CLOSED = PageState
HIDE_STOP = "document.getElementById('stop-button').style.visibility = 'hidden'"


class OpenPage:
    """A page on a fake site, with the states that it was in at each step."""

    def __init__(self, api: AsyncChatGPTAPI, page: SitePage) -> None:
        self.page = page
        self._api = api
        self._states = [page.state]

    @property
    def states(self) -> list[PageState]:
        """The states so far. Reading this property adds the current state."""
        if self.page.state is not self._states[-1]:
            self._states.append(self.page.state)
        return self._states

    def reserve(self) -> None:
        """Reserve the page for a message."""
        self.page.reserve()
        assert self.states[-1] is BUSY

    async def send(self, message: OutgoingMessage) -> ResponseStream:
        """Send a message; each step may last 20 s."""
        return await self.page.send(message, self._api._browser_manager.site, model=None, timeout=20)


def outgoing(text: str) -> OutgoingMessage:
    """Return a message for a new conversation."""
    return OutgoingMessage(prompt=Prompt(text), model="", message_id="", session=Session(User(), None, ""))


@pytest.fixture(scope="module")
async def client(anyio_backend: str) -> AsyncIterator[tuple[FakeChatGPT, AsyncChatGPTAPI]]:
    """Provide a server, and a client that is signed in, for all tests of this module."""
    with FakeChatGPT(form="app") as server:
        options: dict[str, Any] = base_urls(server)
        async with AsyncChatGPTAPI(server.session_token, send_via="page", **options) as api:
            await api.ensure_auth()
            yield server, api


@pytest.fixture
def server(client: tuple[FakeChatGPT, AsyncChatGPTAPI]) -> FakeChatGPT:
    """Return the server of `opened`."""
    return client[0]


@pytest.fixture
async def opened(client: tuple[FakeChatGPT, AsyncChatGPTAPI]) -> AsyncIterator[OpenPage]:
    """Open a page in the client's browser for one test."""
    api = client[1]
    browser = api._browser_manager._browser
    assert browser is not None
    page = await SitePage.open(browser.context, None, default_options())
    yield OpenPage(api, page)
    await page.close(BrowserError("the test is over"))


async def wait_until_over(stream: ResponseStream) -> None:
    """Wait until the stream is over, and until its other callbacks have run."""
    over = asyncio.Event()
    stream.when_over(over.set)
    await asyncio.wait_for(over.wait(), 20)


async def wait_until_streaming(stream: ResponseStream) -> None:
    """Wait for the first events."""
    while (await asyncio.wait_for(stream.receive(), 20))[0] != "events":
        pass


async def test_site_page_whole_reply_returns_to_idle(opened: OpenPage) -> None:
    idle_since = opened.page.idle_since
    opened.reserve()
    message = outgoing("Hello")
    await wait_until_over(await opened.send(message))

    assert opened.states == [IDLE, BUSY, IDLE]
    assert (message.delivery.state, opened.page.is_idle) == (DeliveryState.SENT, True)
    assert opened.page.idle_since > idle_since


async def test_site_page_aborted_reply_is_stopped_before_page_is_idle(
    server: FakeChatGPT, opened: OpenPage
) -> None:
    server.script(Reply(pieces=["One", " two"], hold_after=1, gate=Gate()))
    opened.reserve()
    stream = await opened.send(outgoing("Count"))
    await wait_until_streaming(stream)
    stream.abort()
    assert opened.states == [IDLE, BUSY, STOPPING]
    await wait_until_over(stream)
    while opened.page.state is STOPPING:  # The page has ended the request before its stop returns.
        await asyncio.wait([*opened.page._tasks._tasks])

    assert opened.states == [IDLE, BUSY, STOPPING, IDLE]


async def test_site_page_without_stop_button_is_closed_after_abort(
    server: FakeChatGPT, opened: OpenPage
) -> None:
    server.script(Reply(pieces=["One", " two"], hold_after=1, gate=Gate()))
    opened.reserve()
    stream = await opened.send(outgoing("Count"))
    await wait_until_streaming(stream)
    await opened.page._page.evaluate(HIDE_STOP)
    stream.abort()
    assert opened.states == [IDLE, BUSY, STOPPING]
    await wait_until_over(stream)

    assert opened.states == [IDLE, BUSY, STOPPING, CLOSED]
    assert isinstance(opened.page.dead, BrowserCrashedError)


async def test_site_page_refused_request_closes_page(server: FakeChatGPT, opened: OpenPage) -> None:
    server.script(Answer.model_cap())
    opened.reserve()
    await wait_until_over(await opened.send(outgoing("Hello")))

    assert opened.states == [IDLE, BUSY, CLOSED]


async def test_site_page_dead_while_busy_stays_closed_and_keeps_first_error(
    server: FakeChatGPT, opened: OpenPage
) -> None:
    server.script(Reply(pieces=["One", " two"], hold_after=1, gate=Gate()))
    opened.reserve()
    stream = await opened.send(outgoing("Count"))
    await wait_until_streaming(stream)
    opened.page.die(BrowserError("first"))
    await opened.page.close(BrowserError("second"))
    opened.page.reserve()

    assert opened.states == [IDLE, BUSY, CLOSED]
    assert str(opened.page.dead) == "first"
    assert stream.is_over


async def test_site_page_blank_message_is_not_started(opened: OpenPage) -> None:
    opened.reserve()
    message = outgoing(" ")
    with pytest.raises(PageError, match=r"without text\. Nothing was sent"):
        await opened.send(message)

    assert message.delivery.state is DeliveryState.NOT_STARTED
    assert opened.states == [IDLE, BUSY]
