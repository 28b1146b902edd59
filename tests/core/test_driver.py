"""Playwright's driver is a program of its own, which may fail before there is a browser to speak of."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

import anyio.to_thread
import pytest
from playwright._impl._driver import compute_driver_executable

from chatgpt_browser import AsyncChatGPTAPI, BrowserLaunchError, ChatGPTAPI, _engine
from tests.processes import marked, still_running

if TYPE_CHECKING:
    from pathlib import Path


def test_a_driver_that_ends_before_its_first_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\nexit 127\n")
    node.chmod(0o755)
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(node))

    with (
        ChatGPTAPI("some-session-token") as api,
        pytest.raises(BrowserLaunchError, match="driver did not start"),
    ):
        api.start()


def test_a_driver_that_falls_silent_before_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    node, mark = tmp_path / "node", uuid.uuid4().hex
    node.write_text("#!/bin/sh\nexec >&-\nsleep 0.3\nexit 127\n")
    node.chmod(0o755)
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(node))
    monkeypatch.setenv("SILENT_DRIVER", mark)

    with (
        ChatGPTAPI("some-session-token") as api,
        pytest.raises(BrowserLaunchError, match="driver did not start"),
    ):
        api.start()

    assert not still_running(marked("SILENT_DRIVER", mark), timeout=0)


@pytest.mark.anyio
async def test_a_driver_that_is_slow_to_start_is_ended_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half started, it can't be told to end, and lives on with nobody to speak to."""
    node, begun, mark = tmp_path / "node", tmp_path / "begun", uuid.uuid4().hex
    os.mkfifo(begun)
    # The first sleep lets Playwright take up its pipes, the second has it wait for the first word.
    driver = compute_driver_executable()[0]
    node.write_text(f'#!/bin/sh\nsleep 0.3\n: > "{begun}"\nsleep 0.3\nexec "{driver}" "$@"\n')
    node.chmod(0o755)
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(node))
    monkeypatch.setenv("SLOW_DRIVER", mark)
    monkeypatch.setattr(_engine, "_START_PATIENCE", 0.0)

    async with AsyncChatGPTAPI("some-session-token") as api, anyio.create_task_group() as tasks:
        tasks.start_soon(api.start)
        await anyio.to_thread.run_sync(begun.read_bytes)
        tasks.cancel_scope.cancel()

    assert not still_running(marked("SLOW_DRIVER", mark))
