"""Tests of the set of background tasks."""

from __future__ import annotations

import asyncio

import pytest

from chatgpt_browser._core.background import BackgroundTasks


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
