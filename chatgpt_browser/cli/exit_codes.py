"""The exit codes of all commands. A table maps error classes to exit codes. The help page and the tests also use this table."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple, NoReturn

import typer

from chatgpt_browser._core import errors
from chatgpt_browser._core.saved_login import DEFAULT_PROFILE

from .output.consoles import print_labelled, write_json
from .output.option_names import message_of
from .settings.settings import Settings
from .signals import handling_signals


class ErrorKind(NamedTuple):
    """A row of `ERROR_KINDS`: an error class, its exit code, the description in `--help`, and a hint for the user.

    If the description is empty, another row with the same exit code contains the description.
    """

    error: type[errors.ChatGPTError]
    code: int
    meaning: str
    hint: str = ""


#: The text in the hints to which `hint_of` adds the option `--profile`.
_LOGIN = "chatgpt-browser login"
#: The exit code of `batch` if it is unknown whether the site received some prompts.
UNCERTAIN_MESSAGES = 16

#: The table of error classes and their exit codes. An error belongs to the first row whose class matches, so subclasses come
#: before their base classes.
ERROR_KINDS = (
    ErrorKind(
        errors.InvalidSessionTokenError,
        3,
        "the session token is missing or malformed",
        "run `chatgpt-browser login`, or set CHATGPT_SESSION_TOKEN to the session cookie or a file with it; the browser that a "
        "copied cookie comes from may be signed out",
    ),
    ErrorKind(
        errors.ProxyError,
        12,
        "",
        "check the proxy's address, user name and password; a browser on this machine must be able to use it",
    ),
    ErrorKind(
        errors.APIConnectionError,
        12,
        "the site could not be reached",
        "check whether a browser on this machine can open the site; `chatgpt-browser doctor` checks each step",
    ),
    ErrorKind(
        errors.AuthenticationError,
        4,
        "the session has expired or was rejected",
        "sign in again: `chatgpt-browser login`, or a new session token from your browser",
    ),
    ErrorKind(errors.ChallengeError, 5, "the site requires a check that only a person can pass"),
    ErrorKind(errors.RateLimitError, 6, "rate limit reached; the message was not sent again"),
    ErrorKind(errors.ChatGPTTimeoutError, 7, "timed out"),
    ErrorKind(errors.BrowserError, 8, "the browser is missing or failed"),
    ErrorKind(errors.StreamError, 9, "the reply was interrupted or malformed"),
    ErrorKind(
        errors.ConversationNotFoundError,
        10,
        "",
        "`chatgpt-browser history list` lists the conversations of the account",
    ),
    ErrorKind(errors.APIStatusError, 10, "the site responded with another error"),
    ErrorKind(errors.OriginError, 11, "the site redirected to a host that must not receive the token"),
    ErrorKind(errors.UploadError, 14, ""),  # no hint: the error message is enough
    ErrorKind(
        errors.PageError,
        14,
        "the site's page could not send the message",
        "`chatgpt-browser login` opens the site in a window: check what the page shows, and close any dialog",
    ),
    ErrorKind(errors.JobStoreError, 15, "the job store cannot be used, or contains no such job"),
    ErrorKind(
        errors.JobUncertainError,
        UNCERTAIN_MESSAGES,
        "it is unknown whether the site received a message of a job or batch",
    ),
    ErrorKind(errors.ChatGPTError, 1, "any other error"),
)

#: The exit code of `batch` if some prompts failed.
BATCH_FAILURES = 13

#: The exit codes that belong to no error class.
OTHER_EXIT_CODES = (
    (0, "success"),
    (2, "invalid usage, or a required extra is not installed"),
    (BATCH_FAILURES, "some prompts of a batch failed"),
    (129, "the terminal was closed (SIGHUP)"),
    (130, "interrupted by Ctrl-C"),
    (141, "the program that read standard output closed it"),
    (143, "terminated by SIGTERM"),
)


#: The attributes of an error that the output of `--json` contains.
JSON_FIELDS = (
    "status_code",
    "code",
    "retry_after",
    "scope",
    "remembered",
    "limit",
    "seconds",
    "partial_text",
    "conversation_id",
    "message_id",
    "file",
    "option",
    "requested",
    "sent",
)


def exit_codes() -> list[tuple[int, str]]:
    """Return all exit codes with their descriptions, in ascending order."""
    return sorted([*OTHER_EXIT_CODES, *((kind.code, kind.meaning) for kind in ERROR_KINDS if kind.meaning)])


def kind_of(error: errors.ChatGPTError) -> ErrorKind:
    """Return the first row of `ERROR_KINDS` that matches an error."""
    return next(kind for kind in ERROR_KINDS if isinstance(error, kind.error))


@contextmanager
def errors_as_exit_codes(*, as_json: bool = False) -> Iterator[None]:
    """If the block raises an exception, print an error message and exit with the exit code that belongs to the exception.

    The message is a line on standard error or, if `as_json` is set, a JSON object on standard output. For Ctrl-C and for a closed
    output pipe, nothing is printed.

    :raises typer.Exit: the library raised an error, Ctrl-C was pressed, the output pipe was closed, or a file operation failed.
    """
    try:
        # SystemExit makes `with` blocks close their resources, such as the browser.
        with handling_signals(_raise_system_exit, "SIGTERM", "SIGHUP"):
            yield
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except (BrokenPipeError, ConnectionResetError):  # Standard output is a closed pipe or a closed socket.
        _redirect_stdout_to_null()
        raise typer.Exit(141) from None
    except errors.ChatGPTError as error:
        if as_json:
            write_json({"error": error_object(error)})
        else:
            print_error(error)
        raise typer.Exit(kind_of(error).code) from None
    except OSError as error:  # for example because the disk is full or a file is read-only
        _redirect_stdout_to_null()
        _print_error_line(str(error))
        raise typer.Exit(1) from None


def hint_of(error: errors.ChatGPTError) -> str:
    """Return the hint for an error. If the command does not use the default profile, add `--profile` to `login` in the hint."""
    hint = kind_of(error).hint
    profile = Settings.current().profile
    return hint if profile == DEFAULT_PROFILE else hint.replace(_LOGIN, f"{_LOGIN} --profile {profile}")


def print_error(error: errors.ChatGPTError, hint: str = "") -> None:
    """Print an error and a hint on standard error. If `hint` is empty, use the error's hint in `ERROR_KINDS`."""
    hint = hint or hint_of(error)
    _print_error_line(describe_error(error))
    if hint:
        print_labelled("hint", "dim", hint)


def describe_error(error: errors.ChatGPTError) -> str:
    """Return the message of an error. For a timeout, append the value and the name of the exceeded time limit."""
    limit, seconds = getattr(error, "limit", None), getattr(error, "seconds", None)
    if limit is None or seconds is None:
        return message_of(error)
    name = f"{limit}, here --timeout" if limit == "timeout_ms" else limit
    return f"{message_of(error)} (limit: {seconds:g} s, {name})"


def _print_error_line(message: str) -> None:
    print_labelled("error", "bold red", message)


def error_object(error: errors.ChatGPTError) -> dict[str, Any]:
    """Return an error as a JSON-serialisable dict, without empty fields."""
    attributes = {name: getattr(error, name, None) for name in JSON_FIELDS}
    return {
        "type": type(error).__name__,
        "message": message_of(error),
        "exit_code": kind_of(error).code,
        **{name: value for name, value in attributes.items() if value not in (None, "")},
    }


def _raise_system_exit(signum: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signum)


def _redirect_stdout_to_null() -> None:
    """Redirect standard output to the null device. Otherwise Python would flush it again at exit and print a second error."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
