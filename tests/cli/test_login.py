"""`login` and `logout`, and the data folder.

The browser is headless here; the fake site's page sets the session cookie, as a sign-in would.
"""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import typer

from chatgpt_browser import (
    AsyncChatGPTAPI,
    AuthenticationError,
    BrowserLaunchError,
    ChatGPTAPI,
    InvalidSessionTokenError,
)
from chatgpt_browser._browser.login import sign_in
from chatgpt_browser._client.base_client import default_options
from chatgpt_browser.cli.client_factory import client_from_environment
from chatgpt_browser.cli.state.data_folder import DataFolder
from chatgpt_browser.cli.state.last_conversation import Position, load_position, save_position
from chatgpt_browser.testing import Answer, FakeChatGPT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cli_fixtures import Invoke

HTML = "text/html"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    monkeypatch.setenv("CHATGPT_DATA_DIR", str(tmp_path / "data"))
    return DataFolder.current()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeChatGPT]:
    with FakeChatGPT() as server:
        monkeypatch.setenv("CHATGPT_API_BASE_URL", server.api_base_url)
        monkeypatch.setenv("CHATGPT_BACKEND_API_BASE_URL", server.backend_api_base_url)
        yield server


def options(site: FakeChatGPT, **changes: Any) -> Any:
    urls = {"api_base_url": site.api_base_url, "backend_api_base_url": site.backend_api_base_url}
    return default_options(**urls, **changes)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


# ---- signing in ------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_sign_in_returns_token_when_cookie_is_set(site: FakeChatGPT, tmp_path: Path) -> None:
    page = "<script>fetch('/signed-in')</script>"
    cookie = f"next-auth.session-token={site.session_token}; Path=/; HttpOnly; SameSite=Lax"
    site.script_path("/", Answer(200, page, content_type=HTML))
    site.script_path("/signed-in", Answer(200, "", headers=[("set-cookie", cookie)]))

    token = await sign_in(options(site, user_data_dir=tmp_path / "profile"))

    assert token.value == site.session_token
    assert stat.S_IMODE((tmp_path / "profile").stat().st_mode) == 0o700
    assert site.wait_for_request("/signed-in", count=1).method == "GET"


@pytest.mark.anyio
async def test_sign_in_closed_window_is_an_error(site: FakeChatGPT) -> None:
    signing_in = asyncio.ensure_future(sign_in(options(site)))
    await asyncio.to_thread(site.wait_for_request, "/", timeout=60)
    for process in browsers():
        with suppress(psutil.NoSuchProcess):  # a child process of a browser that has already exited
            process.terminate()

    with pytest.raises(AuthenticationError, match="closed before a person had signed in"):
        await signing_in


def browsers() -> list[psutil.Process]:
    """Return the main processes of the browsers that this process started."""
    below = psutil.Process().children(recursive=True)
    return [
        p for p in below if "--remote-debugging-pipe" in p.cmdline() and "--headless" in " ".join(p.cmdline())
    ]


@pytest.mark.anyio
async def test_sign_in_without_display_is_a_launch_error(
    site: FakeChatGPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(BrowserLaunchError, match="no screen to show a browser's window on"):
        await sign_in(options(site, headless=False))


# ---- saved session ---------------------------------------------------------------------------------------------------


def test_session_token_file_is_private(folder: DataFolder) -> None:
    with umask(0):
        folder.save_session_token("https://one.example", "a-token")

    assert stat.S_IMODE(folder.folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.folder.iterdir()] == [0o600]
    assert folder.load_session_token("https://one.example") == "a-token"
    assert folder.load_session_token("https://other.example") is None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"origin": "https://one.example", "session_token": 7}'])
def test_session_token_damaged_file_is_ignored(folder: DataFolder, damage: str) -> None:
    folder.create()
    (folder.folder / "session.json").write_text(damage)

    assert folder.load_session_token("https://one.example") is None


def test_client_saves_rotated_session_token(folder: DataFolder) -> None:
    with FakeChatGPT(rotate_session_token=True) as site, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHATGPT_API_BASE_URL", site.api_base_url)
        patch.setenv("CHATGPT_BACKEND_API_BASE_URL", site.backend_api_base_url)
        first = site.session_token
        folder.save_session_token(site.origin, first)
        with client_from_environment() as api:
            api.ensure_auth()

        assert folder.load_session_token(site.origin) == site.session_token != first
        assert folder.profile.is_dir()


@pytest.mark.parametrize("profile", ["default", "work"])
def test_from_login_uses_profile_and_saves_rotated_token(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    with FakeChatGPT(rotate_session_token=True) as site:
        login = DataFolder.named(profile)
        login.save_session_token(site.origin, site.session_token)
        with ChatGPTAPI.from_login(
            profile, api_base_url=site.api_base_url, backend_api_base_url=site.backend_api_base_url
        ) as api:
            api.ensure_auth()
            assert login.load_session_token(site.origin) == site.session_token == api.session_token
    assert login.profile.is_dir()
    assert (login.folder == folder.folder) == (profile == "default")


def test_from_login_without_saved_session_is_an_error(folder: DataFolder) -> None:
    with pytest.raises(InvalidSessionTokenError, match="chatgpt-browser login --profile work"):
        ChatGPTAPI.from_login("work")
    with pytest.raises(ValueError, match="profile"):
        ChatGPTAPI.from_login("../elsewhere")
    with pytest.raises(ValueError, match="browser_url"):
        AsyncChatGPTAPI.from_login(browser_url="chrome")


def test_client_of_running_browser_needs_no_token(
    folder: DataFolder, site: FakeChatGPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATGPT_BROWSER_URL", "chrome")
    monkeypatch.setenv("CHATGPT_BROWSER_CONTEXT", "default")

    with client_from_environment() as api:
        assert api.session_token == ""


def test_client_prefers_token_from_environment(
    folder: DataFolder, site: FakeChatGPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.save_session_token(site.origin, "saved")
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "given")

    with client_from_environment() as api:
        assert api.session_token == "given"
    assert folder.load_session_token(site.origin) == "saved"
    assert not folder.profile.exists()


def test_client_reads_token_from_file_named_by_the_variable(
    folder: DataFolder, site: FakeChatGPT, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "my-token").write_text("one-token\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for path in ("~/my-token", "./my-token", str(tmp_path / "my-token")):
        monkeypatch.setenv("CHATGPT_SESSION_TOKEN", path)
        with client_from_environment() as api:
            assert api.session_token == "one-token"

    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "~/no-such-file")
    with pytest.raises(InvalidSessionTokenError, match="No such file"), client_from_environment():
        pass


def test_client_without_token_is_an_error(folder: DataFolder, site: FakeChatGPT) -> None:
    with pytest.raises(InvalidSessionTokenError), client_from_environment():
        pass


def test_client_invalid_base_url_is_rejected(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATGPT_API_BASE_URL", "nowhere")

    with pytest.raises(typer.BadParameter, match="api_base_url"), client_from_environment():
        pass


# ---- logout ----------------------------------------------------------------------------------------------------------


def test_logout_removes_session_and_profile(
    folder: DataFolder, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.save_session_token("https://one.example", "a-token")
    save_position(folder, "https://one.example", Position("c-1", "m-1"))
    folder.create_chat_history()
    (folder.profile / "Default").mkdir(parents=True)
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "given")

    result = invoke("logout")

    assert result.exit_code == 0
    assert list(folder.folder.iterdir()) == [folder.chat_history]
    for note in (
        "removed the session",
        "removed the browser profile",
        "still valid at the site",
        "still set",
    ):
        assert note in result.stderr
    assert str(folder.chat_history) in result.stderr
    assert "a-token" not in result.stderr


def test_logout_without_saved_session_prints_note(folder: DataFolder, invoke: Invoke) -> None:
    result = invoke("logout")
    assert result.exit_code == 0
    assert result.stderr == "nothing to remove\n"


def test_logout_failed_removal_exits_1(
    folder: DataFolder, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(path: Path) -> None:
        raise OSError(39, "Directory not empty")

    folder.profile.mkdir(parents=True)
    monkeypatch.setattr("shutil.rmtree", busy)
    result = invoke("logout")
    assert result.exit_code == 1
    assert "Directory not empty" in result.stderr


# ---- last conversation -----------------------------------------------------------------------------------------------


def test_last_position_is_stored_by_origin(folder: DataFolder) -> None:
    save_position(folder, "https://one.example", Position("c-1", "m-1"))
    assert load_position(folder, "https://one.example") == Position("c-1", "m-1")
    assert load_position(folder, "https://other.example") is None
    assert stat.S_IMODE(folder.last_conversation.stat().st_mode) == 0o600
    folder.last_conversation.write_text('{"origin": "https://one.example", "conversation_id": 7}')
    assert load_position(folder, "https://one.example") is None
