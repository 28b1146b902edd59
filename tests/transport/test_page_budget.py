"""The limit for open pages: at most five pages of the site, whichever part of the client opens them."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio.to_thread
import pytest

from chatgpt_browser import AsyncChatGPTAPI
from chatgpt_browser._transport.page_budget import MAX_PAGES, PageBudget
from chatgpt_browser.testing import FakeChatGPT, Gate, Reply
from tests.support.scripted_site import base_urls

pytestmark = pytest.mark.anyio


class Holder:
    """Holds pages, some of which are idle."""

    def __init__(self, pages: int, idle: int = 0) -> None:
        self.pages = pages
        self.idle = idle

    def count_pages(self) -> int:
        return self.pages

    def close_idle_page(self) -> bool:
        if not self.idle:
            return False
        self.idle -= 1
        self.pages -= 1
        return True


def budget_of(*holders: Holder) -> PageBudget:
    budget = PageBudget()
    for holder in holders:
        budget.register(holder.count_pages, holder.close_idle_page)
    return budget


async def test_waiting_to_open_counts_the_page_during_the_block() -> None:
    budget = budget_of(Holder(1), Holder(MAX_PAGES - 2))
    async with budget.waiting_to_open():
        assert budget.is_full
    assert not budget.is_full


async def test_waiting_to_open_closes_one_idle_page() -> None:
    busy, pool = Holder(1), Holder(MAX_PAGES - 1, idle=2)
    async with budget_of(busy, pool).waiting_to_open():
        assert (pool.pages, pool.idle) == (MAX_PAGES - 2, 1)


async def test_waiting_to_open_full_budget_waits_until_a_page_is_closed() -> None:
    pool = Holder(MAX_PAGES)
    budget = budget_of(pool)

    async def open_page() -> None:
        async with budget.waiting_to_open():
            pass

    opening = asyncio.create_task(open_page())
    await asyncio.sleep(0)
    assert not opening.done()
    pool.pages -= 1
    budget.notify()
    await asyncio.wait_for(opening, 30)


async def test_site_pages_of_many_messages_are_limited_and_reused() -> None:
    gate, site_pages = Gate(), MAX_PAGES - 1
    with FakeChatGPT(form="app", reply=lambda turn: Reply("Hello", hold_after=1, gate=gate)) as server:
        options: dict[str, Any] = {"send_via": "page", "max_concurrent_messages": 5, **base_urls(server)}
        async with AsyncChatGPTAPI(server.session_token, **options) as api:
            sending = [asyncio.create_task(api.send_message(f"message {n}")) for n in range(5)]
            await anyio.to_thread.run_sync(lambda: gate.wait_reached(60, count=site_pages))
            browser = api._browser_manager._browser
            assert browser is not None
            assert len(browser.context.pages) == MAX_PAGES
            assert gate.arrivals == site_pages
            gate.open()
            assert await asyncio.gather(*sending) == ["Hello"] * 5
            assert len(browser.context.pages) == MAX_PAGES
