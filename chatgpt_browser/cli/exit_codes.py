"""What went wrong, told by the exit code: one table for the code, `--help` and the tests."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import typer
from rich.text import Text

from chatgpt_browser import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    BrowserError,
    ChallengeError,
    ChatGPTError,
    ChatGPTTimeoutError,
    ConversationNotFoundError,
    InvalidSessionTokenError,
    OriginError,
    PageError,
    RateLimitError,
    StreamError,
)

from .output.consoles import err, printable, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class Kind(NamedTuple):
    """A kind of error: its exit code, what `--help` says of it, and what a person can do about it.

    Without a meaning it is told in `--help` by another kind, which has the same code.
    """

    error: type[ChatGPTError]
    code: int
    meaning: str
    hint: str = ""


# The first that fits counts: a rate limit is an API status too.
KINDS = (
    Kind(
        InvalidSessionTokenError,
        3,
        "no session token, or not a usable one",
        "run `chatgpt-browser login`, or set CHATGPT_SESSION_TOKEN to the session cookie's value (see the README)",
    ),
    Kind(
        APIConnectionError,
        12,
        "the site could not be reached",
        "see whether a browser on this machine opens the site; `chatgpt-browser doctor` looks step by step",
    ),
    Kind(
        AuthenticationError,
        4,
        "the session has ended or is not accepted",
        "sign in again: `chatgpt-browser login`, or a new session token from the browser",
    ),
    Kind(ChallengeError, 5, "the site wants a person to pass a check"),
    Kind(RateLimitError, 6, "the site's rate limit; nothing was sent again"),
    Kind(ChatGPTTimeoutError, 7, "it took too long"),
    Kind(BrowserError, 8, "no browser, or it failed"),
    Kind(StreamError, 9, "the reply broke off or made no sense"),
    Kind(
        ConversationNotFoundError,
        10,
        "",
        "`chatgpt-browser history list` shows which conversations there are",
    ),
    Kind(APIStatusError, 10, "the site answered with another error"),
    Kind(OriginError, 11, "the site sent us to a host that the token is not meant for"),
    Kind(
        PageError,
        14,
        "the site's own page could not be brought to send the message",
        "`chatgpt-browser login` opens the site in a window: what stands in the way there can be answered",
    ),
    Kind(ChatGPTError, 1, "any other error"),
)

#: Some messages of a batch have failed, the others have their replies.
BATCH_FAILURES = 13

OTHERS = (
    (0, "all went well"),
    (2, "the command was not understood, or an extra is not installed"),
    (BATCH_FAILURES, "some prompts of a batch have failed"),
    (130, "ended by Ctrl-C"),
    (141, "whoever read the output went away"),
    (143, "ended by a request to terminate"),
)


#: What an error may carry that is told with `--json`.
CARRIED = ("status_code", "code", "retry_after", "scope", "partial_text", "conversation_id", "message_id")


def exit_codes() -> list[tuple[int, str]]:
    """Give every exit code with its meaning, in order."""
    return sorted([*OTHERS, *((kind.code, kind.meaning) for kind in KINDS if kind.meaning)])


def kind_of(error: ChatGPTError) -> Kind:
    return next(kind for kind in KINDS if isinstance(error, kind.error))


@contextmanager
def errors_as_exit_codes(*, as_json: bool = False) -> Iterator[None]:
    """Turn what a command raises into one line on standard error, or a JSON object on standard output, and an exit code.

    :raises typer.Exit: for every error of the library, for Ctrl-C and for a closed pipe.
    """
    try:
        with _termination_unwinds():
            yield
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except BrokenPipeError:
        _mute_stdout()
        raise typer.Exit(141) from None
    except ChatGPTError as error:
        if as_json:
            write_json({"error": error_object(error)})
        else:
            show_error(error)
        raise typer.Exit(kind_of(error).code) from None
    except OSError as error:  # a disk that is full, a file that can't be written
        _mute_stdout()
        err.print(Text.assemble(("error: ", "bold red"), printable(str(error))), soft_wrap=True)
        raise typer.Exit(1) from None


def show_error(error: ChatGPTError) -> None:
    """Say what went wrong, and what a person can do about it."""
    hint = kind_of(error).hint
    err.print(Text.assemble(("error: ", "bold red"), printable(str(error))), soft_wrap=True)
    if hint:
        err.print(Text.assemble(("hint: ", "dim"), hint), soft_wrap=True)


def error_object(error: ChatGPTError) -> dict[str, Any]:
    """The same for a program: what the error carries, as far as it is known."""
    carried = {name: getattr(error, name, None) for name in CARRIED}
    return {
        "type": type(error).__name__,
        "message": str(error),
        "exit_code": kind_of(error).code,
        **{name: value for name, value in carried.items() if value not in (None, "")},
    }


@contextmanager
def _termination_unwinds() -> Iterator[None]:
    """Let SIGTERM leave through every `with`, as Ctrl-C does, so that no browser stays behind."""
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _leave(signum: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signum)


def _mute_stdout() -> None:
    """Point standard output nowhere: the interpreter flushes it once more on its way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
