"""Observation of the page's preparation of a message, with a CDP session in memory."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chatgpt_browser import (
    AccessTokenRejectedError,
    AuthenticationError,
    ChallengeError,
    ChatGPTError,
    RateLimitError,
    SessionExpiredError,
    UnusualActivityError,
)
from chatgpt_browser._core.urls import Site
from chatgpt_browser._transport.site_ui import preparation_observer
from chatgpt_browser._transport.site_ui.preparation_observer import PreparationObserver
from tests.support.cdp_event_source import CDPEventSource

pytestmark = pytest.mark.anyio

SITE = Site("https://chatgpt.com/api", "https://chatgpt.com/backend-api")
PREPARE = f"{SITE.backend_api_base_url}/f/conversation/prepare"
TOKENS = f"{SITE.backend_api_base_url}/sentinel/chat-requirements"
UNUSUAL = '{"detail": "Unusual activity has been detected from your device. Try again later."}'
CHALLENGE = {"cf-mitigated": "challenge", "content-type": "text/html"}


class ObservedPreparation:
    """An observer on an in-memory session, with the events that a browser emits for each request."""

    def __init__(self, body: str = "{}") -> None:
        self.cdp = CDPEventSource()
        self.cdp.complete("Network.getResponseBody", {"body": body, "base64Encoded": False})
        self.observer = PreparationObserver(self.cdp.session, SITE)

    def request(self, url: str, request_id: str = "1") -> None:
        """Emit a request."""
        self.cdp.emit(
            "Network.requestWillBeSent", requestId=request_id, request={"url": url, "method": "POST"}
        )

    async def respond(
        self, status: int, request_id: str = "1", headers: dict[str, Any] | None = None
    ) -> None:
        """Emit a complete response."""
        response = {"status": status, "statusText": "", "headers": headers or {}}
        self.cdp.emit("Network.responseReceived", requestId=request_id, response=response)
        self.cdp.emit("Network.loadingFinished", requestId=request_id)
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.mark.parametrize("url", [PREPARE, TOKENS, f"{TOKENS}/finalize?x=1", SITE.session_url])
@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (401, {}, AuthenticationError),
        (403, {}, UnusualActivityError),
        (429, {}, RateLimitError),
        (403, CHALLENGE, ChallengeError),
    ],
)
async def test_preparation_observer_refusal_returns_typed_error(
    monkeypatch: pytest.MonkeyPatch, url: str, status: int, headers: dict[str, Any], kind: type[ChatGPTError]
) -> None:
    monkeypatch.setattr(preparation_observer, "_RETRY_TIME", 0.01)
    monkeypatch.setattr(preparation_observer, "_CHALLENGE_RETRY_TIME", 0.01)
    page = ObservedPreparation(UNUSUAL if kind is UnusualActivityError else "{}")
    page.request(url)
    await page.respond(status, headers=headers)

    error = await asyncio.wait_for(page.observer.wait_until_refused(), 20)
    if kind is AuthenticationError:
        kind = SessionExpiredError if url == SITE.session_url else AccessTokenRejectedError
    assert type(error) is kind
    assert "Nothing was sent" in str(error)


@pytest.mark.parametrize(
    ("url", "status"),
    [(PREPARE, 200), (PREPARE, 404), (f"{SITE.backend_api_base_url}/me", 403)],
)
async def test_preparation_observer_other_response_is_no_refusal(url: str, status: int) -> None:
    page = ObservedPreparation(UNUSUAL)
    page.request(url)
    await page.respond(status)
    assert await page.observer.error() is None


async def test_preparation_observer_repeated_request_with_success_forgets_refusal() -> None:
    page = ObservedPreparation(UNUSUAL)
    page.request(PREPARE)
    await page.respond(500)
    assert isinstance(await page.observer.error(), ChatGPTError)
    page.request(PREPARE, "2")
    await page.respond(200, "2")
    assert await page.observer.error() is None


async def test_preparation_observer_request_in_flight_delays_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation_observer, "_RETRY_TIME", 0.0)
    page = ObservedPreparation(UNUSUAL)
    waiting = asyncio.ensure_future(page.observer.wait_until_refused())
    page.request(TOKENS, "1")
    page.request(PREPARE, "2")
    await page.respond(403, "1")
    assert not waiting.done()
    await page.respond(403, "2")
    assert isinstance(await asyncio.wait_for(waiting, 20), UnusualActivityError)


async def test_preparation_observer_empty_session_is_expired_session() -> None:
    page = ObservedPreparation("{}")
    page.request(SITE.session_url)
    await page.respond(200)
    assert isinstance(await page.observer.error(), SessionExpiredError)


async def test_preparation_observer_unauthorized_after_refused_session_is_its_consequence() -> None:
    page = ObservedPreparation('{"accessToken": "a"}')
    for request_id, url, status in (("1", SITE.session_url, 429), ("2", TOKENS, 401)):
        page.request(url, request_id)
        await page.respond(status, request_id)
    page.request(SITE.session_url, "3")
    await page.respond(200, "3")
    assert isinstance(await page.observer.error(), RateLimitError)


async def test_preparation_observer_removes_its_listeners() -> None:
    page = ObservedPreparation()
    with page.observer:
        assert page.cdp.listeners
    assert page.cdp.listeners == []


async def test_preparation_observer_navigation_forgets_request_in_flight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The browser may not report the end of a request that the previous document began."""
    monkeypatch.setattr(preparation_observer, "_RETRY_TIME", 0.0)
    page = ObservedPreparation(UNUSUAL)
    page.request(SITE.session_url, "old")
    page.cdp.emit("Page.frameNavigated", frame={"id": "main"})
    assert not page.observer.is_pending
    page.request(PREPARE)
    assert page.observer.is_pending
    await page.respond(403)
    assert isinstance(await asyncio.wait_for(page.observer.wait_until_refused(), 20), UnusualActivityError)
