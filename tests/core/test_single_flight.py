"""Tests of the shared run of one task for concurrent callers."""

from __future__ import annotations

import asyncio

import pytest

from chatgpt_browser import ClientClosedError
from chatgpt_browser._core.single_flight import SingleFlight


@pytest.mark.anyio
async def test_single_flight_one_caller_cancelled_others_get_result() -> None:
    runs, gate = list[int](), asyncio.Event()

    async def work() -> int:
        runs.append(1)
        await gate.wait()
        return len(runs)

    single_flight = SingleFlight(work)
    cancelled, *others = [asyncio.ensure_future(single_flight()) for _ in range(4)]
    await asyncio.sleep(0)
    cancelled.cancel()
    gate.set()

    assert await asyncio.gather(*others) == [1, 1, 1]
    assert cancelled.cancelled()
    assert await single_flight() == 2


@pytest.mark.anyio
async def test_single_flight_failure_raised_in_all_callers_and_not_kept() -> None:
    results = iter([ValueError("first"), None])

    async def work() -> str:
        error = next(results)
        if error is not None:
            raise error
        return "fine"

    single_flight = SingleFlight(work)
    failed = await asyncio.gather(single_flight(), single_flight(), return_exceptions=True)

    assert [str(error) for error in failed] == ["first", "first"]
    assert await single_flight() == "fine"


@pytest.mark.anyio
async def test_single_flight_cancel_waits_for_cleanup() -> None:
    cleaned = list[str]()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("yes")

    single_flight = SingleFlight(work)
    await single_flight.cancel()
    waiting = asyncio.ensure_future(single_flight())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await single_flight.cancel()

    assert cleaned == ["yes"]
    with pytest.raises(ClientClosedError):
        await waiting
    assert not waiting.cancelled()
