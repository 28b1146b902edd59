"""The pace at which past conversations are read."""

from __future__ import annotations

import pytest

from chatgpt_browser import RateLimitError
from chatgpt_browser._messaging.read_pace import BURST, INTERVAL, ReadPace
from tests.support.memory_site import MemorySite, body, reply


def test_reserve_after_a_burst_spaces_the_reads() -> None:
    now = 100.0
    pace = ReadPace(lambda: now)
    assert [pace.reserve() for _ in range(BURST)] == [0.0] * BURST
    assert [pace.reserve() for _ in range(3)] == [INTERVAL, 2 * INTERVAL, 3 * INTERVAL]
    now += 4 * INTERVAL
    assert pace.reserve() == 0.0
    assert pace.reserve() == INTERVAL
    now += 1000
    assert [pace.reserve() for _ in range(BURST + 1)] == [*[0.0] * BURST, INTERVAL]


@pytest.mark.anyio
async def test_rate_limit_of_reading_is_remembered_for_reading_only() -> None:
    site = MemorySite(lambda message: reply())
    site.browser.failures["/conversation/c"] = body(429, '{"detail": "Slow down."}', retry_after="60")
    for remembered in (False, True):
        with pytest.raises(RateLimitError) as caught:
            await site.sender.backend.read_past("conversation/c")
        assert (caught.value.scope, caught.value.remembered) == ("conversations", remembered)
        site.browser.failures.clear()
    with pytest.raises(RateLimitError):
        await site.sender.backend.read_past("conversations?offset=0&limit=20")
    async with site.stream() as stream:
        assert "".join([piece async for piece in stream]) == "Hello"
