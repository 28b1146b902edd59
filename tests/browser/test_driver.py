"""Playwright's driver: a failed or cancelled start, and its compile cache."""

from __future__ import annotations

import os
import stat
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread
import pytest
from playwright._impl._driver import compute_driver_executable
from playwright.async_api import async_playwright

from chatgpt_browser import AsyncChatGPTAPI, BrowserLaunchError, ChatGPTAPI
from chatgpt_browser._browser.driver import start_driver
from chatgpt_browser._transport import browser_manager
from tests.support.processes import marked, still_running
from tests.support.scripted_site import base_urls, can_send

if TYPE_CHECKING:
    from chatgpt_browser.testing import FakeChatGPT


def test_driver_that_ends_at_once_raises_launch_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\nexit 127\n")
    node.chmod(0o755)
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(node))

    with (
        ChatGPTAPI("some-session-token") as api,
        pytest.raises(BrowserLaunchError, match="driver did not start"),
    ):
        api.start()


def test_driver_that_closes_its_output_before_it_ends_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
async def test_cancelled_start_of_slow_driver_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A driver that is still starting cannot be stopped, and would otherwise be left behind."""
    node, begun, mark = tmp_path / "node", tmp_path / "begun", uuid.uuid4().hex
    os.mkfifo(begun)
    # During the first sleep Playwright connects to the pipes; during the second it waits for the first message.
    driver = compute_driver_executable()[0]
    node.write_text(f'#!/bin/sh\nsleep 0.3\n: > "{begun}"\nsleep 0.3\nexec "{driver}" "$@"\n')
    node.chmod(0o755)
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(node))
    monkeypatch.setenv("SLOW_DRIVER", mark)
    monkeypatch.setattr(browser_manager, "_START_PATIENCE", 0.0)

    async with AsyncChatGPTAPI("some-session-token") as api, anyio.create_task_group() as tasks:
        tasks.start_soon(api.start)
        await anyio.to_thread.run_sync(begun.read_bytes)
        tasks.cancel_scope.cancel()

    assert not still_running(marked("SLOW_DRIVER", mark))


@pytest.mark.anyio
async def test_time_limit_during_start_of_slow_driver_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, mark = tmp_path / "node", uuid.uuid4().hex
    driver = compute_driver_executable()[0]
    node.write_text(f'#!/bin/sh\nsleep 0.5\nexec "{driver}" "$@"\n')
    node.chmod(0o755)
    monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(node))
    monkeypatch.setenv("SLOW_DRIVER", mark)

    async with AsyncChatGPTAPI("some-session-token", launch_timeout=300) as api:
        with pytest.raises(BrowserLaunchError, match="launch_timeout"):
            await api.start()
        assert not still_running(marked("SLOW_DRIVER", mark), timeout=0)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the compile cache."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "cache")
    for name in ("NODE_COMPILE_CACHE", "NODE_DISABLE_COMPILE_CACHE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache" / "driver"


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_compile_cache_after_start_contains_files_for_owner_only(server: FakeChatGPT, cache: Path) -> None:
    with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
        api.start()
        # Other Node.js programs that this process starts must not use the folder.
        assert not os.environ["NODE_COMPILE_CACHE"]

    assert files_in(cache)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def start_and_stop_driver() -> None:
    """Start a driver without a browser, and end the driver."""

    async def start_and_stop() -> None:
        await (await start_driver()).stop()

    anyio.run(start_and_stop)


def test_compile_cache_configured_by_user_is_respected(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE_COMPILE_CACHE", str(tmp_path / "users"))
    start_and_stop_driver()
    assert os.environ["NODE_COMPILE_CACHE"] == str(tmp_path / "users")
    assert files_in(tmp_path / "users")

    monkeypatch.delenv("NODE_COMPILE_CACHE")
    monkeypatch.setenv("NODE_DISABLE_COMPILE_CACHE", "1")
    start_and_stop_driver()
    assert not cache.exists()


def test_compile_cache_in_folder_writable_by_others_is_off(cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    start_and_stop_driver()
    assert not files_in(cache)


@pytest.mark.parametrize("platformdirs_raises", [True, False])
def test_compile_cache_without_home_folder_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platformdirs_raises: bool
) -> None:
    """Users in some containers have no home folder. No folder named "~" may be created in the working directory."""

    for name in ("NODE_COMPILE_CACHE", "NODE_DISABLE_COMPILE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    if not platformdirs_raises:
        monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: Path("~/.cache"))
    monkeypatch.chdir(tmp_path)
    start_and_stop_driver()
    assert not [*tmp_path.iterdir()]


def test_compile_cache_whose_folder_cannot_be_created_is_off(server: FakeChatGPT, cache: Path) -> None:
    cache.parent.write_text("a file in place of the folder")
    with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
        assert can_send(api)


@pytest.mark.anyio
async def test_error_in_meanwhile_callback_leaves_no_driver(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mark = uuid.uuid4().hex
    monkeypatch.setenv("FAILED_START_DRIVER", mark)

    def fail() -> None:
        assert marked("FAILED_START_DRIVER", mark)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await start_driver(fail)
    assert not still_running(marked("FAILED_START_DRIVER", mark))


def test_processes_of_browser_inherit_no_variable_of_this_package(
    chatgpt_server: FakeChatGPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = uuid.uuid4().hex
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", chatgpt_server.session_token)
    monkeypatch.setenv("CHATGPT_DATA_DIR", "/some/folder")
    monkeypatch.setenv("OTHER_VARIABLE", mark)

    with ChatGPTAPI(chatgpt_server.session_token, **base_urls(chatgpt_server)) as api:
        assert can_send(api)
        processes = marked("OTHER_VARIABLE", mark)
        kinds = [process.name() for process in processes]
        names = {name for process in processes for name in process.environ()}

    assert any("node" in kind for kind in kinds)
    assert len(kinds) >= 3
    assert not [name for name in names if name.startswith("CHATGPT_")]


@pytest.mark.anyio
async def test_own_driver_of_program_inherits_everything(
    chatgpt_server: FakeChatGPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = uuid.uuid4().hex
    monkeypatch.setenv("CHATGPT_OTHER", mark)

    async with AsyncChatGPTAPI(chatgpt_server.session_token, **base_urls(chatgpt_server)) as api:
        await api.start()
        assert marked("CHATGPT_OTHER", mark) == []
        async with async_playwright():
            assert marked("CHATGPT_OTHER", mark)
