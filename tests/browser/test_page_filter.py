"""Tests of the filter that hides the user's pages from Playwright, as plain data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatgpt_browser._browser.page_filter import PageFilter


def command(number: int, method: str, session: str = "", **params: Any) -> str:
    content = {"id": number, "method": method, "params": params}
    return json.dumps(content | ({"sessionId": session} if session else {}))


def create_page(pages: PageFilter, target_id: str, session: str = "") -> None:
    """Create a page through the filter, to the end."""
    pages.from_client(command(1, "Target.createTarget", session))
    response = {"id": 1, "result": {"targetId": target_id}} | ({"sessionId": session} if session else {})
    routed = pages.from_browser(json.dumps(response))
    for sent in routed.to_browser:
        pages.from_browser(json.dumps({"id": json.loads(sent)["id"], "result": {}}))


def test_page_filter_attach_to_all_pages_is_not_forwarded() -> None:
    pages = PageFilter()

    routed = pages.from_client(command(2, "Target.setAutoAttach", autoAttach=True))
    assert routed.to_browser == ()
    assert json.loads(routed.to_client[0]) == {"id": 2, "result": {}}
    # In the session of one page, the same command concerns the frames and workers of this page.
    text = command(3, "Target.setAutoAttach", "session", autoAttach=True)
    assert pages.from_client(text).to_browser == (text,)


def test_page_filter_new_page_opens_in_background_and_is_attached_first() -> None:
    pages = PageFilter()

    [sent] = pages.from_client(command(7, "Target.createTarget", url="about:blank")).to_browser
    assert json.loads(sent)["params"] == {"url": "about:blank", "background": True}
    created = json.dumps({"id": 7, "result": {"targetId": "ours"}})
    routed = pages.from_browser(created)
    assert routed.to_client == ()
    attach = json.loads(routed.to_browser[0])
    assert (attach["method"], attach["params"]) == (
        "Target.attachToTarget",
        {"targetId": "ours", "flatten": True},
    )
    event = json.dumps({"method": "Target.attachedToTarget", "params": {}})
    assert pages.from_browser(event).to_client == (event,)
    assert pages.from_browser(json.dumps({"id": attach["id"], "result": {}})).to_client == (created,)
    assert pages.own_pages == {"ours"}


def test_page_filter_page_of_another_session_is_not_attached() -> None:
    pages = PageFilter()
    create_page(pages, "ours", session="devtools")
    text = command(9, "Target.attachToTarget", "devtools", targetId="ours")
    assert pages.from_client(text).to_browser == (text,)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("Target.closeTarget", {"targetId": "theirs"}),
        ("Target.attachToTarget", {"targetId": "theirs"}),
        ("Target.activateTarget", {"targetId": "theirs"}),
        ("Browser.close", {}),
        ("Storage.getCookies", {}),
        ("Storage.setCookies", {"cookies": []}),
    ],
)
def test_page_filter_command_for_users_browser_is_refused(method: str, params: dict[str, Any]) -> None:
    pages = PageFilter()
    create_page(pages, "ours")

    routed = pages.from_client(command(5, method, "session", **params))
    assert routed.to_browser == ()
    answer = json.loads(routed.to_client[0])
    assert (answer["id"], answer["sessionId"]) == (5, "session")
    assert "belong" in answer["error"]["message"]


def test_page_filter_own_pages_and_contexts_are_allowed() -> None:
    pages = PageFilter()
    create_page(pages, "ours")
    for text in (
        command(5, "Target.closeTarget", targetId="ours"),
        command(6, "Storage.getCookies", browserContextId="own"),
    ):
        assert pages.from_client(text).to_browser == (text,)


def test_page_filter_close_commands_close_own_pages_only() -> None:
    pages = PageFilter()
    create_page(pages, "ours")

    [close] = map(json.loads, pages.close_commands())
    assert (close["method"], close["params"]) == ("Target.closeTarget", {"targetId": "ours"})
    assert pages.closing == {close["id"]}
    assert pages.from_browser(json.dumps({"id": close["id"], "result": {}})).to_client == ()
    assert not pages.closing


def test_page_filter_failed_creation_is_forwarded() -> None:
    pages = PageFilter()
    pages.from_client(command(1, "Target.createTarget"))
    failed = json.dumps({"id": 1, "error": {"message": "no"}})
    assert pages.from_browser(failed).to_client == (failed,)
    assert not pages.own_pages
