"""Tests of the set of background tasks."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from chatgpt_browser._core.background import BackgroundTasks, cancel_tasks


@pytest.mark.anyio
async def test_background_tasks_failed_task_calls_on_error() -> None:
    errors = list[Exception]()
    tasks = BackgroundTasks(errors.append)

    async def fail() -> None:
        raise ValueError("failed")

    await asyncio.wait([tasks.spawn(fail())])
    await asyncio.sleep(0)  # the callback of the task runs in the next iteration of the loop

    assert [str(error) for error in errors] == ["failed"]


@pytest.mark.anyio
async def test_background_tasks_cancel_waits_for_cleanup() -> None:
    errors, steps = list[Exception](), list[str]()
    tasks = BackgroundTasks(errors.append)

    async def wait_forever() -> None:
        steps.append("started")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append("cleaned up")

    tasks.spawn(wait_forever())
    await asyncio.sleep(0)
    await tasks.cancel()

    assert steps == ["started", "cleaned up"]
    assert errors == []


@pytest.mark.anyio
async def test_cancel_tasks_cancelled_scope_raises_the_error_of_that_scope() -> None:
    cleaned_up = asyncio.Event()

    async def clean_up_after_cancellation() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await cleaned_up.wait()

    done, slow = (asyncio.ensure_future(work) for work in (asyncio.sleep(0), clean_up_after_cancellation()))
    await done

    with anyio.CancelScope() as scope:
        asyncio.get_running_loop().call_soon(scope.cancel)
        await cancel_tasks(slow, done)

    assert scope.cancelled_caught
    cleaned_up.set()
    await asyncio.wait([slow])


@pytest.mark.anyio
async def test_cancel_tasks_without_tasks_returns() -> None:
    await cancel_tasks()
