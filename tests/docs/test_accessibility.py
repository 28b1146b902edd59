"""Accessibility: axe finds no violation in the documentation, on the watch page and in the fake application."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

from chatgpt_browser.testing import FakeChatGPT, Reply
from scripts import check_docs
from tests.support.doc_blocks import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with check_docs.chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        yield context.new_page()


def violations(page: Page) -> list[str]:
    results: Any = Axe().run(page)
    return check_docs.violations(results)


def test_documentation_has_no_violation(page: Page) -> None:
    subprocess.run(["bash", "scripts/docs.sh"], cwd=ROOT, check=True)
    found = {}
    with check_docs.served(check_docs.SITE) as base:
        for name in check_docs.names_of_pages(check_docs.SITE):
            page.goto(f"{base}/{name}")
            found[name] = violations(page)

    assert {name: lines for name, lines in found.items() if lines} == {}


def test_watch_page_has_no_violation(page: Page) -> None:
    with FakeChatGPT(reply=Reply("Some **text** and `code`.")) as server:
        page.goto(server.watch_url)
        assert violations(page) == []

        page.evaluate("fetch('/backend-api/models')")
        page.get_by_text("/backend-api/models").first.wait_for()
        assert violations(page) == []


@pytest.mark.parametrize("layout", ["usual", "2026"])
def test_fake_application_has_no_violation(layout: Any, page: Page) -> None:
    with FakeChatGPT(form="app") as server:
        server.layout = layout
        page.context.add_cookies(
            [{"name": "next-auth.session-token", "value": server.session_token, "url": server.origin}]
        )
        page.goto(server.origin)
        page.locator("[contenteditable=true]:visible, textarea:visible").first.fill("Hello")
        assert violations(page) == []

        page.keyboard.press("Enter")
        page.get_by_text("You said").first.wait_for()
        assert violations(page) == []
