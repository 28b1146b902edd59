"""Each error class has an exit code, and the help lists all exit codes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import typer

import chatgpt_browser
from chatgpt_browser import ChatGPTError
from chatgpt_browser.cli.exit_codes import errors_as_exit_codes, exit_codes, kind_of

if TYPE_CHECKING:
    from tests.support.cli_fixtures import Invoke

EXPECTED = {
    "InvalidSessionTokenError": 3,
    "AuthenticationError": 4,
    "APIConnectionError": 12,
    "SessionExpiredError": 4,
    "AccessTokenRejectedError": 4,
    "ChallengeError": 5,
    "RateLimitError": 6,
    "ChatGPTTimeoutError": 7,
    "BrowserError": 8,
    "BrowserNotFoundError": 8,
    "BrowserLaunchError": 8,
    "BrowserCrashedError": 8,
    "StreamError": 9,
    "ModerationError": 9,
    "StreamInterruptedError": 9,
    "MalformedEventError": 9,
    "UnknownEncodingError": 9,
    "APIStatusError": 10,
    "ConversationNotFoundError": 10,
    "MessageTooLongError": 10,
    "OriginError": 11,
    "UnusualActivityError": 10,
    "PageError": 14,
    "ComposerNotFoundError": 14,
    "DialogInTheWayError": 14,
    "UploadError": 14,
    "OptionNotAppliedError": 14,
    "AbortError": 1,
    "ForkedProcessError": 1,
    "ProxyError": 12,
    "JobStoreError": 15,
    "JobNotFoundError": 15,
    "JobUncertainError": 16,
    "ClientClosedError": 1,
    "ChatGPTError": 1,
}


def test_exit_codes_cover_every_library_error() -> None:
    public = (getattr(chatgpt_browser, name) for name in chatgpt_browser.__all__)
    errors = {
        thing.__name__ for thing in public if isinstance(thing, type) and issubclass(thing, ChatGPTError)
    }
    assert errors == set(EXPECTED)


@pytest.mark.parametrize(("name", "code"), EXPECTED.items())
def test_errors_as_exit_codes_library_error_gives_its_code(
    name: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    error: ChatGPTError = getattr(chatgpt_browser, name)("it went wrong")

    with pytest.raises(typer.Exit) as caught, errors_as_exit_codes():
        raise error

    assert caught.value.exit_code == code
    stdout, stderr = capsys.readouterr()
    assert not stdout
    assert "error: it went wrong" in stderr


def test_exit_codes_are_distinct() -> None:
    codes = [code for code, _ in exit_codes()]
    assert len(codes) == len(set(codes))


def test_errors_as_exit_codes_interrupt_exits_130_silently(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as caught, errors_as_exit_codes():
        raise KeyboardInterrupt

    assert caught.value.exit_code == 130
    assert capsys.readouterr() == ("", "")


def test_errors_as_exit_codes_other_error_is_raised() -> None:
    with pytest.raises(ZeroDivisionError), errors_as_exit_codes():
        raise ZeroDivisionError


def test_print_error_escapes_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), errors_as_exit_codes():
        raise ChatGPTError("detail: \x1b]0;owned\x07[red]not markup[/red]")

    assert capsys.readouterr().err == "error: detail: \\x1b]0;owned\\x07[red]not markup[/red]\n"


def test_help_lists_environment_variables(invoke: Invoke) -> None:
    help_page = invoke("--help").stdout
    for name in ("CHATGPT_SESSION_TOKEN", "CHATGPT_API_BASE_URL", "CHATGPT_BACKEND_API_BASE_URL"):
        assert name in help_page


def test_help_lists_every_exit_code(invoke: Invoke) -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    for code, meaning in exit_codes():
        assert re.search(rf"^  {code} +{re.escape(meaning)}$", result.stdout, re.MULTILINE)


def test_kind_of_upload_error_has_no_hint_about_the_page() -> None:
    kind = kind_of(chatgpt_browser.UploadError("The file 'a' cannot be read.", file="a"))
    assert (kind.code, kind.hint) == (14, "")


def test_kind_of_expired_session_has_sign_in_hint() -> None:
    kind = kind_of(chatgpt_browser.SessionExpiredError("the session token may have expired"))
    assert "sign in" in kind.hint
