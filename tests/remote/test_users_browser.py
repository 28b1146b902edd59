"""The user's own browser: `browser_context="default"` and `browser_url="chrome"`, in a Chromium that the test has started."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any, cast

import pytest
from playwright.async_api import async_playwright

from chatgpt_browser import BrowserCrashedError, BrowserLaunchError, ChatGPTAPI, SessionExpiredError
from chatgpt_browser._browser.remote import connect
from chatgpt_browser._browser.running_browser import CHANNELS, PORT_FILE, data_folders, find_devtools_url
from chatgpt_browser._client.base_client import default_options
from chatgpt_browser.testing import FakeChatGPT, Gate, Reply
from tests.support.scripted_site import base_urls, can_send
from tests.support.users_browser import UsersBrowser, start_users_browser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def users_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UsersBrowser]:
    # The name of Chrome's folder on Linux, so that the browser can be found by its name.
    with start_users_browser(tmp_path_factory.mktemp("config") / "google-chrome") as browser:
        yield browser


@pytest.fixture
def site() -> Iterator[FakeChatGPT]:
    with FakeChatGPT(form="app") as server:
        yield server


@pytest.fixture
def signed_in(users_browser: UsersBrowser, site: FakeChatGPT) -> UsersBrowser:
    users_browser.sign_in(site)
    return users_browser


def create_client(site: FakeChatGPT, browser_url: str, **options: Any) -> ChatGPTAPI:
    defaults: dict[str, Any] = {"browser_context": "default", "send_via": "page"}
    return ChatGPTAPI(None, **base_urls(site), browser_url=browser_url, **defaults | options)


# ---- the user's tabs and session -----------------------------------------------------------------------------------


def test_default_context_sends_with_users_session_and_leaves_tabs_alone(
    signed_in: UsersBrowser, site: FakeChatGPT
) -> None:
    tabs = [signed_in.open_tab("one"), signed_in.open_tab("two")]
    addresses, states = signed_in.tabs(), [signed_in.state(tab) for tab in tabs]
    cookies = signed_in.cookie_values()
    with create_client(site, signed_in.url) as api:
        conversation = api.get_conversation()
        assert conversation.send_message("Hello") == 'You said: "Hello".'
        assert conversation.send_message("Again").startswith('You said: "Again".')
        assert api.session_token == ""
        opened = signed_in.tabs()
        assert addresses.items() < opened.items()
        # No tab shows the response of the session endpoint, which contains an access token.
        assert not any("/api/auth" in url for url in opened.values())
        assert [signed_in.state(tab) for tab in tabs] == states
    assert signed_in.browser.is_up
    assert signed_in.tabs() == addresses
    assert [signed_in.state(tab) for tab in tabs] == states
    assert signed_in.cookie_values() == cookies


def test_default_context_rotated_session_stays_in_the_browser(signed_in: UsersBrowser) -> None:
    with FakeChatGPT(rotate_session_token=True) as site:
        signed_in.sign_in(site)
        first = site.session_token
        for _ in range(2):
            with create_client(site, signed_in.url, send_via="fetch") as api:
                assert can_send(api)
                assert api.session_token == ""
        assert site.session_token != first
        assert site.session_token in [cookie["value"] for cookie in signed_in.cookies()]


def test_default_context_without_session_raises_session_expired(
    users_browser: UsersBrowser, site: FakeChatGPT
) -> None:
    users_browser.call("Storage.clearCookies")
    with create_client(site, users_browser.url) as api, pytest.raises(SessionExpiredError):
        api.send_message("Hello")
    assert users_browser.cookies() == []


@pytest.mark.long
def test_default_context_tab_that_never_responds_does_not_block(
    signed_in: UsersBrowser, site: FakeChatGPT
) -> None:
    tab = signed_in.open_tab("busy")
    with signed_in.busy(tab), create_client(site, signed_in.url, launch_timeout=30_000) as api:
        api.start()
    signed_in.call("Target.closeTarget", targetId=tab)


@pytest.mark.anyio
async def test_own_context_tab_that_never_responds_raises_launch_error_in_time(
    users_browser: UsersBrowser,
) -> None:
    """Playwright attaches to each tab here, and waits for it."""
    tab = users_browser.open_tab("busy")
    options = default_options(browser_url=users_browser.url, launch_timeout=3_000)
    with users_browser.busy(tab):
        async with async_playwright() as playwright:
            with pytest.raises(BrowserLaunchError, match="one of its tabs did not respond"):
                await connect(playwright.chromium, options)
    users_browser.call("Target.closeTarget", targetId=tab)


def test_default_context_closed_tab_is_replaced_at_next_message(
    signed_in: UsersBrowser, site: FakeChatGPT
) -> None:
    before = signed_in.tabs()
    gate = Gate()
    with create_client(site, signed_in.url) as api:
        assert can_send(api)
        site.script(Reply("one two three", hold_after=1, gate=gate))
        with api.stream_message("Hello") as stream:
            assert next(stream)
            for tab in signed_in.tabs().keys() - before.keys():
                signed_in.call("Target.closeTarget", targetId=tab)
            with pytest.raises(BrowserCrashedError):
                list(stream)
        gate.open()
        assert can_send(api)
    assert signed_in.tabs() == before


PROGRAM = """
import sys
from chatgpt_browser import ChatGPTAPI
browser, api, backend = sys.argv[1:]
client = ChatGPTAPI(None, browser_url=browser, browser_context="default", api_base_url=api, backend_api_base_url=backend)
client.start()
print("started", flush=True)
sys.stdin.read()
"""


def test_default_context_killed_client_leaves_browser_and_tabs(
    signed_in: UsersBrowser, site: FakeChatGPT
) -> None:
    before = signed_in.tabs()
    arguments = [signed_in.url, site.api_base_url, site.backend_api_base_url]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "started\n"
        client.send_signal(signal.SIGKILL)
    after = signed_in.tabs()
    assert before.items() <= after.items()
    assert signed_in.browser.is_up
    with create_client(site, signed_in.url, send_via="fetch") as api:
        assert api.get_session().user.id
    for tab in after.keys() - before.keys():
        signed_in.call("Target.closeTarget", targetId=tab)


# ---- finding the browser by its name -------------------------------------------------------------------------------

linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="the folder is set by a variable on Linux only"
)


@linux_only
@pytest.mark.parametrize("context", ["default", "own"])
def test_channel_connects_to_running_browser(
    signed_in: UsersBrowser, site: FakeChatGPT, monkeypatch: pytest.MonkeyPatch, context: Any
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(signed_in.profile.parent))
    monkeypatch.delenv("CHROME_CONFIG_HOME", raising=False)
    before = signed_in.tabs()
    token = None if context == "default" else site.session_token
    with ChatGPTAPI(
        token, **base_urls(site), browser_url="chrome", browser_context=context, send_via="page"
    ) as api:
        assert can_send(api)
    assert signed_in.tabs() == before


async def connection_failure(browser_url: str, **options: Any) -> str:
    """Return the text of the error of a connection that fails before Playwright takes part in it."""
    with pytest.raises(BrowserLaunchError) as caught:
        await connect(
            cast("Any", None), default_options(browser_url=browser_url, browser_context="default", **options)
        )
    assert "a-secret" not in str(caught.value)
    return str(caught.value)


@linux_only
@pytest.mark.anyio
async def test_channel_stale_port_file_raises_launch_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHROME_CONFIG_HOME", str(tmp_path))
    file = tmp_path / "microsoft-edge" / PORT_FILE
    file.parent.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free_port = listener.getsockname()[1]
    # No program listens at the port, or another program does.
    with FakeChatGPT() as other:
        for port in (free_port, other.port):
            file.write_text(f"{port}\n/devtools/browser/a-secret")
            error = await connection_failure("msedge")
            assert f"{file} is left from an earlier run" in error
            assert "edge://inspect/#remote-debugging" in error


@pytest.mark.anyio
async def test_connection_that_is_never_accepted_raises_launch_error_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for url in (f"ws://127.0.0.1:{port}/devtools/browser/a-secret", f"http://127.0.0.1:{port}/a-secret"):
            error = await connection_failure(url, launch_timeout=200)
            assert "did not accept the connection" in error
            assert "question about remote debugging" in error


@pytest.mark.anyio
async def test_debugging_port_without_devtools_raises_launch_error() -> None:
    with FakeChatGPT() as other:
        error = await connection_failure(f"{other.origin}/a-secret")
    assert f"No browser responds at {other.origin}" in error
    assert 'browser_url="chrome"' in error


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "/home/ada/.config/google-chrome"),
        ("linux", {"XDG_CONFIG_HOME": "/xdg"}, "/xdg/google-chrome"),
        ("linux", {"XDG_CONFIG_HOME": "/xdg", "CHROME_CONFIG_HOME": "/chrome"}, "/chrome/google-chrome"),
        ("darwin", {}, "/home/ada/Library/Application Support/Google/Chrome"),
        ("win32", {}, "/home/ada/AppData/Local/Google/Chrome/User Data"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/Google/Chrome/User Data"),
    ],
)
def test_data_folders_follow_the_platform(
    monkeypatch: pytest.MonkeyPatch, platform: str, variables: dict[str, str], expected: str
) -> None:
    for name in ("XDG_CONFIG_HOME", "CHROME_CONFIG_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"HOME": "/home/ada", "USERPROFILE": "/home/ada"} | variables).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", platform)
    assert [folder.as_posix() for folder in data_folders(CHANNELS["chrome"])] == [expected]


@linux_only
@pytest.mark.parametrize("content", [None, "", "no port\n/devtools/browser/x", "99999999\n", "-1"])
def test_find_devtools_url_without_valid_file_raises_launch_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    monkeypatch.setenv("CHROME_CONFIG_HOME", str(tmp_path))
    file = tmp_path / "google-chrome" / PORT_FILE
    file.parent.mkdir()
    if content is not None:
        file.write_text(content)
    with pytest.raises(BrowserLaunchError) as caught:
        find_devtools_url("chrome")
    assert str(file) in str(caught.value)
    for words in ("chrome://inspect/#remote-debugging", "--user-data-dir", "136"):
        assert words in str(caught.value)
