"""Playwright's driver is a program of its own, which may fail before there is a browser to speak of."""

from __future__ import annotations

import os
import stat
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread
import pytest
from playwright._impl._driver import compute_driver_executable

from chatgpt_browser import AsyncChatGPTAPI, BrowserLaunchError, ChatGPTAPI
from chatgpt_browser._browser.driver import start_driver
from chatgpt_browser._transport import browser_manager as _browser_manager
from tests.support.processes import marked, still_running
from tests.support.scripted_site import base_urls, can_send

if TYPE_CHECKING:
    from chatgpt_browser.testing import FakeChatGPT


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
    monkeypatch.setattr(_browser_manager, "_START_PATIENCE", 0.0)

    async with AsyncChatGPTAPI("some-session-token") as api, anyio.create_task_group() as tasks:
        tasks.start_soon(api.start)
        await anyio.to_thread.run_sync(begun.read_bytes)
        tasks.cancel_scope.cancel()

    assert not still_running(marked("SLOW_DRIVER", mark))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where compiled code goes."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "cache")
    for name in ("NODE_COMPILE_CACHE", "NODE_DISABLE_COMPILE_CACHE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache" / "driver"


def kept_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_drivers_compiled_code_is_kept_for_the_next(server: FakeChatGPT, cache: Path) -> None:
    with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
        api.start()
        # Nobody else's programs are to put theirs beside it.
        assert not os.environ["NODE_COMPILE_CACHE"]

    assert kept_in(cache)
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def test_where_the_user_keeps_compiled_code_or_keeps_none(
    server: FakeChatGPT, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE_COMPILE_CACHE", str(tmp_path / "theirs"))
    with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
        api.start()
    assert os.environ["NODE_COMPILE_CACHE"] == str(tmp_path / "theirs")
    assert kept_in(tmp_path / "theirs")

    monkeypatch.delenv("NODE_COMPILE_CACHE")
    monkeypatch.setenv("NODE_DISABLE_COMPILE_CACHE", "1")
    with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
        api.start()
    assert not cache.exists()


def test_compiled_code_is_not_taken_from_where_others_may_write(server: FakeChatGPT, cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
        api.start()
    assert not kept_in(cache)


@pytest.mark.parametrize("platformdirs_raises", [True, False])
def test_a_user_without_a_home_keeps_no_compiled_code(
    server: FakeChatGPT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platformdirs_raises: bool
) -> None:
    """As some containers' have none. Its name must not become a folder of the one that we are in."""

    for name in ("NODE_COMPILE_CACHE", "NODE_DISABLE_COMPILE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    if not platformdirs_raises:
        monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: Path("~/.cache"))
    monkeypatch.chdir(tmp_path)
    with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
        assert can_send(api)
    assert not [*tmp_path.iterdir()]


def test_without_a_place_for_compiled_code(server: FakeChatGPT, cache: Path) -> None:
    cache.parent.write_text("a file, where a folder would have to be")
    with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
        assert can_send(api)


@pytest.mark.anyio
async def test_nothing_is_left_of_a_driver_where_something_else_fails_while_it_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mark = uuid.uuid4().hex
    monkeypatch.setenv("FORSAKEN_DRIVER", mark)

    def fail() -> None:
        assert marked("FORSAKEN_DRIVER", mark)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await start_driver(fail)
    assert not still_running(marked("FORSAKEN_DRIVER", mark))
