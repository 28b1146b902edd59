"""The watcher of the documents that a page loads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from chatgpt_browser._browser.page_setup.navigation import NavigationWatcher

if TYPE_CHECKING:
    from chatgpt_browser._browser.cdp_target import Target


class EventSource:
    """The part of a target that emits events. It has no browser."""

    def __init__(self) -> None:
        self.listeners: dict[str, Any] = {}
        self.sent: list[str] = []

    def on(self, event: str, listener: Any) -> None:
        self.listeners[event] = listener

    def remove_listener(self, event: str, listener: Any) -> None:
        assert self.listeners.pop(event) == listener

    def send_soon(self, method: str, params: dict[str, Any]) -> None:
        self.sent.append(method)

    def respond(self, loader: str, status: int, content_type: str = "text/html") -> None:
        response = {"status": status, "statusText": "", "headers": {"Content-Type": content_type}}
        self.listeners["Network.responseReceived"](
            {"type": "Document", "loaderId": loader, "response": response}
        )

    def commit(self, loader: str, url: str = "https://chatgpt.com/", **frame: Any) -> None:
        self.listeners["Page.frameNavigated"]({"frame": {"loaderId": loader, "url": url, **frame}})

    def load_content(self) -> None:
        self.listeners["Page.domContentEventFired"]({})


async def next_status(watcher: NavigationWatcher) -> int | None:
    """Return the status of the next document, or None if no document has been reported."""
    next_document = asyncio.ensure_future(watcher.next())
    await asyncio.sleep(0)
    if not next_document.done():
        next_document.cancel()
        return None
    head = next_document.result()
    assert head is not None
    return head.status


@pytest.fixture
def events() -> EventSource:
    return EventSource()


@pytest.fixture
def watcher(events: EventSource) -> NavigationWatcher:
    return NavigationWatcher(cast("Target", events))


@pytest.mark.anyio
async def test_watcher_reports_html_document_when_content_is_loaded(
    events: EventSource, watcher: NavigationWatcher
) -> None:
    with watcher:
        events.respond("a", 403)
        events.commit("a")
        assert await next_status(watcher) is None
        events.load_content()
        assert await next_status(watcher) == 403


@pytest.mark.anyio
async def test_watcher_reports_other_document_once_when_it_is_committed(
    events: EventSource, watcher: NavigationWatcher
) -> None:
    with watcher:
        events.respond("a", 200, "application/json")
        assert await next_status(watcher) is None
        events.commit("a")
        assert await next_status(watcher) == 200
        events.load_content()
        assert await next_status(watcher) is None


@pytest.mark.anyio
async def test_watcher_before_first_commit_ignores_content_of_previous_document(
    events: EventSource, watcher: NavigationWatcher
) -> None:
    with watcher:
        events.load_content()
        assert await next_status(watcher) is None


@pytest.mark.anyio
async def test_watcher_with_early_response_of_next_document_reports_both_in_order(
    events: EventSource, watcher: NavigationWatcher
) -> None:
    with watcher:
        events.respond("challenge", 503)
        events.commit("challenge")
        events.respond("site", 200)
        events.load_content()
        assert await next_status(watcher) == 503
        events.commit("site", "https://chatgpt.com/next")
        events.load_content()
        assert await next_status(watcher) == 200
        assert watcher.url == "https://chatgpt.com/next"


@pytest.mark.anyio
async def test_watcher_ignores_documents_of_subframes(
    events: EventSource, watcher: NavigationWatcher
) -> None:
    with watcher:
        events.respond("a", 200)
        events.commit("a")
        events.respond("frame", 404, "text/plain")
        events.commit("frame", "https://ads.example/", parentId="main")
        assert await next_status(watcher) is None
        assert watcher.url == "https://chatgpt.com/"


def test_watcher_after_exit_has_no_listeners(events: EventSource, watcher: NavigationWatcher) -> None:
    with watcher:
        assert len(events.listeners) == 3
    assert events.listeners == {}
    assert events.sent == ["Network.disable"]
