"""Signing in, and what is kept of it. The window is a headless one here: the site's page sets the cookie as a sign-in would."""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import typer

from chatgpt_browser import AuthenticationError, BrowserLaunchError, InvalidSessionTokenError
from chatgpt_browser._browser.login import sign_in
from chatgpt_browser._client.base_client import default_options
from chatgpt_browser.cli.client import client_from_environment
from chatgpt_browser.cli.state.data_folder import Place, Store
from chatgpt_browser.testing import Answer, FakeChatGPT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Invoke

HTML = "text/html"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("CHATGPT_DATA_DIR", str(tmp_path / "data"))
    return Store.default()


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
async def test_the_session_is_taken_as_soon_as_the_site_has_set_it(site: FakeChatGPT, tmp_path: Path) -> None:
    page = "<script>fetch('/signed-in')</script>"
    cookie = f"next-auth.session-token={site.session_token}; Path=/; HttpOnly; SameSite=Lax"
    site.script_path("/", Answer(200, page, content_type=HTML))
    site.script_path("/signed-in", Answer(200, "", headers=[("set-cookie", cookie)]))

    token = await sign_in(options(site, user_data_dir=tmp_path / "profile"))

    assert token.value == site.session_token
    assert stat.S_IMODE((tmp_path / "profile").stat().st_mode) == 0o700
    assert site.wait_for_request("/signed-in", count=1).method == "GET"


@pytest.mark.anyio
async def test_a_window_that_is_closed_before(site: FakeChatGPT) -> None:
    signing_in = asyncio.ensure_future(sign_in(options(site)))
    await asyncio.to_thread(site.wait_for_request, "/")
    for process in browsers():
        with suppress(psutil.NoSuchProcess):  # the children of one that has ended already
            process.terminate()

    with pytest.raises(AuthenticationError, match="closed before anybody had signed in"):
        await signing_in


def browsers() -> list[psutil.Process]:
    """The browsers that this process has started: the first process of each."""
    below = psutil.Process().children(recursive=True)
    return [
        p for p in below if "--remote-debugging-pipe" in p.cmdline() and "--headless" in " ".join(p.cmdline())
    ]


@pytest.mark.anyio
async def test_no_screen_is_said_in_a_clear_line(site: FakeChatGPT, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(BrowserLaunchError, match="no screen to show a browser's window on"):
        await sign_in(options(site, headless=False))


# ---- what is kept ----------------------------------------------------------------------------------------------------


def test_what_is_saved_is_for_its_owner_alone_from_the_first_byte(store: Store) -> None:
    with umask(0):
        store.save("https://one.example", "a-token")

    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in store.folder.iterdir()] == [0o600]
    assert store.load("https://one.example") == "a-token"
    assert store.load("https://other.example") is None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"origin": "https://one.example", "session_token": 7}'])
def test_a_damaged_file_is_no_session(store: Store, damage: str) -> None:
    store.make_folder()
    (store.folder / "session.json").write_text(damage)

    assert store.load("https://one.example") is None


def test_a_client_of_the_saved_session_keeps_what_the_site_rotates(store: Store) -> None:
    with FakeChatGPT(rotate_session_token=True) as site, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHATGPT_API_BASE_URL", site.api_base_url)
        patch.setenv("CHATGPT_BACKEND_API_BASE_URL", site.backend_api_base_url)
        first = site.session_token
        store.save(site.origin, first)
        with client_from_environment() as api:
            api.ensure_auth()

        assert store.load(site.origin) == site.session_token != first
        assert store.profile.is_dir()


def test_the_environments_token_goes_before_the_saved_one(
    store: Store, site: FakeChatGPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save(site.origin, "saved")
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "given")

    with client_from_environment() as api:
        assert api.session_token == "given"
    assert store.load(site.origin) == "saved"
    assert not store.profile.exists()


def test_no_session_at_all(store: Store, site: FakeChatGPT) -> None:
    with pytest.raises(InvalidSessionTokenError), client_from_environment():
        pass


def test_a_base_url_that_makes_no_sense(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATGPT_API_BASE_URL", "nowhere")

    with pytest.raises(typer.BadParameter, match="api_base_url"), client_from_environment():
        pass


# ---- what is taken away ----------------------------------------------------------------------------------------------


def test_logout_takes_away_what_lets_anybody_in(
    store: Store, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save("https://one.example", "a-token")
    store.remember("https://one.example", Place("c-1", "m-1"))
    store.make_chat_history()
    (store.profile / "Default").mkdir(parents=True)
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "given")

    result = invoke("logout")

    assert result.exit_code == 0
    assert list(store.folder.iterdir()) == [store.chat_history]
    for said in ("removed the session", "removed the browser's profile", "lives on at the site", "still set"):
        assert said in result.stderr
    assert str(store.chat_history) in result.stderr
    assert "a-token" not in result.stderr


def test_logout_where_nothing_was_saved(store: Store, invoke: Invoke) -> None:
    result = invoke("logout")
    assert result.exit_code == 0
    assert result.stderr == "nothing was saved\n"


def test_logout_that_is_not_let(store: Store, invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(path: Path) -> None:
        raise OSError(39, "Directory not empty")

    store.profile.mkdir(parents=True)
    monkeypatch.setattr("shutil.rmtree", busy)
    result = invoke("logout")
    assert result.exit_code == 1
    assert "Directory not empty" in result.stderr


# ---- where the last conversation stood -------------------------------------------------------------------------------


def test_last_place_is_the_origins_own(store: Store) -> None:
    store.remember("https://one.example", Place("c-1", "m-1"))
    assert store.last_place("https://one.example") == Place("c-1", "m-1")
    assert store.last_place("https://other.example") is None
    assert stat.S_IMODE(store.last.stat().st_mode) == 0o600
    store.last.write_text('{"origin": "https://one.example", "conversation_id": 7}')
    assert store.last_place("https://one.example") is None
