"""Several saved logins, sign-in from a file of cookies, and sign-in without a display. No browser is started."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

import pytest
import typer

from chatgpt_browser import ChatGPTAPI, InvalidSessionTokenError
from chatgpt_browser._core.saved_login import SavedLogin
from chatgpt_browser.cli.client_factory import client_from_environment
from chatgpt_browser.cli.login.without_display import ways_without_display
from chatgpt_browser.cli.settings.settings import Settings
from chatgpt_browser.cli.state.data_folder import DataFolder
from chatgpt_browser.cli.state.last_conversation import (
    Position,
    load_position,
    remember_conversation,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.cli_fixtures import Invoke

ORIGIN = "https://chat.openai.com"
NAME = "__Secure-next-auth.session-token"
INVALID_NAMES = [
    "",
    ".",
    "..",
    "../other",
    "a/b",
    "a\\b",
    "/tmp",
    "-x",
    "work.",
    "a b",
    "nul",
    "COM1.x",
    "x" * 65,
    "é",
]


def save(profile: str, token: str) -> DataFolder:
    folder = DataFolder.named(profile)
    folder.save_session_token(ORIGIN, token)
    return folder


# ---- names and folders -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", INVALID_NAMES)
def test_profile_name_with_path_parts_is_an_error_everywhere(name: str, invoke: Invoke) -> None:
    result = invoke("login", "--list", "--profile", name)
    assert result.exit_code == 2
    assert "--profile must be a name" in " ".join(result.stderr.split())
    with pytest.raises(ValueError, match="profile must be a name"):
        ChatGPTAPI.from_login(profile=name)


def test_profile_variable_with_path_is_an_error(monkeypatch: pytest.MonkeyPatch, invoke: Invoke) -> None:
    monkeypatch.setenv("CHATGPT_PROFILE", "../other")
    result = invoke("logout")
    assert result.exit_code == 2
    assert "CHATGPT_PROFILE must be a name" in result.stderr


def test_saved_login_folders_are_private_up_to_the_data_folder(data_folder: Path) -> None:
    before = os.umask(0)
    try:
        save("work", "a-token")
    finally:
        os.umask(before)
    folders = (data_folder, data_folder / "profiles", data_folder / "profiles" / "work")
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o700] * 3


def test_saved_login_names_lists_default_first_and_only_existing(data_folder: Path) -> None:
    assert SavedLogin.names() == []
    save("work", "a")
    save("default", "b")
    (data_folder / "profiles" / "empty").mkdir()
    (data_folder / "profiles" / "no name").mkdir()
    assert SavedLogin.names() == ["default", "work"]


# ---- which login a command uses --------------------------------------------------------------------------------------


def test_profile_option_takes_precedence_over_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATGPT_SESSION_TOKEN", "another-account")
    monkeypatch.setenv("CHATGPT_PROFILE", "home")
    save("work", "token-of-work")
    with Settings(profile_option="work").activated(), client_from_environment() as api:
        assert api.session_token == "token-of-work"
    with client_from_environment() as api:
        assert (api.session_token, Settings.current().profile) == ("another-account", "home")


def test_profile_option_with_own_browser_session_is_an_error(
    monkeypatch: pytest.MonkeyPatch, invoke: Invoke
) -> None:
    monkeypatch.setenv("CHATGPT_BROWSER_URL", "chrome")
    monkeypatch.setenv("CHATGPT_BROWSER_CONTEXT", "default")
    result = invoke("models", "--profile", "work")
    assert result.exit_code == 2
    assert "CHATGPT_BROWSER_CONTEXT=default" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--profile", "wrok"], "in the saved login 'wrok'; run `chatgpt-browser login --profile wrok`."),
        ([], "in the saved login 'default'; run `chatgpt-browser login`."),
    ],
)
def test_profile_without_session_names_saved_logins(invoke: Invoke, options: list[str], message: str) -> None:
    save("work", "a")
    result = invoke("models", *options)
    assert result.exit_code == 3
    assert f"no session token {message} Saved logins: work." in " ".join(result.stderr.split())
    command = " ".join(["chatgpt-browser login", *options])
    assert f"hint: run `{command}`, or set" in " ".join(result.stderr.split())


@pytest.mark.parametrize("profile", ["default", "work"])
def test_login_for_another_site_names_both_sites(
    monkeypatch: pytest.MonkeyPatch, invoke: Invoke, profile: str
) -> None:
    urls: dict[str, Any] = {
        "api_base_url": "http://127.0.0.1:38711/api",
        "backend_api_base_url": "http://127.0.0.1:38711/backend-api",
    }
    for name, url in urls.items():
        monkeypatch.setenv(f"CHATGPT_{name.upper()}", url)
    SavedLogin.named(profile).save_session_token("http://127.0.0.1:41075", "secret-token")

    result = invoke("models", "--profile", profile)
    assert result.exit_code == 3
    message = f"login '{profile}' is for http://127.0.0.1:41075, not for http://127.0.0.1:38711; run `chatgpt-browser login"
    assert message in " ".join(result.stderr.split())
    assert "secret-token" not in result.stderr

    with pytest.raises(InvalidSessionTokenError) as caught:
        ChatGPTAPI.from_login(profile, **urls)
    assert "No session for http://127.0.0.1:38711 is saved in " in str(caught.value)
    assert "; the saved session is for http://127.0.0.1:41075. Run `chatgpt-browser login" in str(
        caught.value
    )
    assert "secret-token" not in str(caught.value)


def test_damaged_saved_session_is_reported_as_missing(invoke: Invoke, data_folder: Path) -> None:
    data_folder.mkdir(parents=True, exist_ok=True)
    (data_folder / "session.json").write_text('{"origin": "https://shop.example"}')
    assert "There is no session token in the saved login 'default'" in " ".join(
        invoke("models").stderr.split()
    )


def test_profiles_keep_separate_last_conversations() -> None:
    for name in ("home", "work"):
        with Settings(profile_option=name).activated():
            remember_conversation(f"c-{name}", "m", None)
    assert load_position(DataFolder.named("work"), ORIGIN) == Position("c-work", "m")
    assert load_position(DataFolder.named("home"), ORIGIN) == Position("c-home", "m")
    assert load_position(DataFolder.current(), ORIGIN) is None


def test_settings_environment_gives_another_process_the_same_login(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in Settings(profile_option="work").environment().items():
        monkeypatch.setenv(name, value)
    assert Settings().profile == "work"


def test_every_command_accepts_profile_option(invoke: Invoke) -> None:
    for command in (["ask"], ["history", "list"], ["jobs", "wait"], ["logout"]):
        assert "--profile" in invoke(*command, "--help").stdout


# ---- login --list, logout --------------------------------------------------------------------------------------------


def test_login_list_marks_current_and_shows_no_token(monkeypatch: pytest.MonkeyPatch, invoke: Invoke) -> None:
    assert "no login is saved yet" in invoke("login", "--list").stderr
    monkeypatch.setenv("CHATGPT_PROFILE", "work")
    save("work", "secret-one")
    DataFolder.named("home").profile.mkdir(parents=True)
    rows = [line.split("\t") for line in invoke("login", "--list").stdout.splitlines()]
    assert [row[:3] for row in rows] == [["", "home", ""], ["*", "work", ORIGIN]]
    assert "secret" not in str(rows)


def test_logout_removes_only_the_named_login(invoke: Invoke) -> None:
    home, work = save("home", "a"), save("work", "b")
    result = invoke("logout", "--profile", "work")
    assert result.exit_code == 0
    assert (work.folder.exists(), SavedLogin.names()) == (False, ["home"])
    assert "saved logins: home" in invoke("logout", "--profile", "typo").stderr
    assert home.load_session_token(ORIGIN) == "a"


# ---- login --from-file -----------------------------------------------------------------------------------------------


def storage_state(*cookies: tuple[str, str, str]) -> str:
    state = [{"name": name, "value": value, "domain": domain, "path": "/"} for name, value, domain in cookies]
    return json.dumps({"cookies": state, "origins": [{"origin": ORIGIN, "localStorage": []}]})


def netscape(*cookies: tuple[str, str, str]) -> str:
    lines = [f"#HttpOnly_{d}\tTRUE\t/\tTRUE\t1900000000\t{name}\t{value}" for name, value, d in cookies]
    return "\n".join(["# Netscape HTTP Cookie File", "", *lines, ""])


OTHER = ("cf_clearance", "other-secret", ".chatgpt.com")


def lines(*cookies: tuple[str, str, str]) -> str:
    """Return lines of the form `name=value`, as a person writes them: only the cookies of the site."""
    return "\n".join(f"{name}={value}" for name, value, domain in cookies if "shop" not in domain)


@pytest.mark.parametrize("form", [storage_state, netscape, lines])
@pytest.mark.parametrize(
    ("cookies", "token"),
    [
        ([OTHER, (NAME, "one-token", ".chatgpt.com")], "one-token"),
        ([(f"{NAME}.1", "-two", ".chatgpt.com"), (f"{NAME}.0", "one", ".chatgpt.com"), OTHER], "one-two"),
        ([(NAME, "foreign", ".shop.example"), (NAME, "ours", "chat.openai.com")], "ours"),
    ],
)
def test_login_from_file_saves_only_the_session_token(
    form: Callable[..., str],
    cookies: list[Any],
    token: str,
    tmp_path: Path,
    data_folder: Path,
    invoke: Invoke,
) -> None:
    (tmp_path / "cookies").write_text(form(*cookies))
    result = invoke("login", "--profile", "work", "--from-file", str(tmp_path / "cookies"))
    assert (result.exit_code, result.stdout) == (0, "")
    folder = DataFolder.named("work")
    assert folder.load_session_token(ORIGIN) == token
    assert [path.name for path in folder.folder.iterdir()] == ["session.json"]
    assert "other-secret" not in folder.session.read_text()
    assert "warning: this session is a copy" in result.stderr
    assert not any(value in result.stderr for value in (token, "other-secret", "foreign"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"SQLite format 3\0\x10\0\x01", "database of cookies"),
        (b"\xff\xd8\xff\xe0 a picture", "not a text file"),
        (b"just-the-token", "must be Playwright's storage_state"),
        (b"Cookie: a=secret-b", "must be Playwright's storage_state"),
        (b"", "must be Playwright's storage_state"),
        (b'{"cookies": [', "contains no cookies"),
        (b'{"log": {"entries": []}}', "contains no cookies"),
        (storage_state(OTHER).encode(), "none of its 1 cookies is the session cookie"),
        (netscape(OTHER).encode(), "none of its 1 cookies is the session cookie"),
        (netscape((NAME, "secret-c", "shop.example")).encode(), "shop.example"),
        (netscape((f"{NAME}.1", "secret-d", "chatgpt.com")).encode(), "part of the split cookie is missing"),
    ],
)
def test_login_from_file_other_content_is_a_clear_error(
    content: bytes, reason: str, tmp_path: Path, data_folder: Path, invoke: Invoke
) -> None:
    (tmp_path / "cookies").write_bytes(content)
    result = invoke("login", "--from-file", str(tmp_path / "cookies"))
    message = " ".join(result.stderr.split())
    assert (result.exit_code, reason in message) == (2, True), message
    assert "secret" not in message
    assert not data_folder.exists()


def test_login_from_file_fifo_or_missing_file_is_an_error(tmp_path: Path, invoke: Invoke) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name in ("fifo", "missing"):
        assert invoke("login", "--from-file", str(tmp_path / name)).exit_code == 2


# ---- without a display -----------------------------------------------------------------------------------------------


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CHROME_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))


def test_login_without_display_lists_three_ways(no_display: None, invoke: Invoke, data_folder: Path) -> None:
    result = invoke("login")
    message = " ".join(result.stderr.split())
    assert result.exit_code == 8
    for words in ("your own browser", "--from-file", "Xvfb is not installed", "sign each other out"):
        assert words in message
    assert not data_folder.exists()


def test_ways_without_display_name_what_is_there(no_display: None, tmp_path: Path) -> None:
    assert "none was found" in ways_without_display()[0]
    programs, config = tmp_path / "programs", tmp_path / "config" / "google-chrome"
    programs.mkdir()
    for name in ("Xvfb", "chromium"):
        (programs / name).touch(mode=0o700)
    own, _, xvfb = ways_without_display()
    assert "chromium is not running with remote debugging" in own
    assert "Xvfb is installed" in xvfb
    config.mkdir(parents=True)
    (config / "DevToolsActivePort").write_text("9222\n/devtools/browser/1")
    assert "Chrome runs here; set CHATGPT_BROWSER_URL=chrome" in ways_without_display()[0]


def test_from_login_unknown_profile_names_the_command() -> None:
    with pytest.raises(InvalidSessionTokenError, match="login --profile work"):
        ChatGPTAPI.from_login(profile="work")


def test_settings_invalid_profile_is_a_usage_error() -> None:
    with pytest.raises(typer.BadParameter, match="--profile must be"):
        _ = Settings(profile_option="a/b").profile
