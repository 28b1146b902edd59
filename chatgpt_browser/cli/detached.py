"""Processes that continue after the command: the job of `ask --detach`, and the browser of `background start`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import typer

from chatgpt_browser._core.data_folder import create_data_folder, default_data_folder
from chatgpt_browser._core.errors import ChatGPTError
from chatgpt_browser._core.files import open_private

from .environment import TOKEN
from .settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def start_detached(
    command: Sequence[str], request: dict[str, Any], log: Path, *, without_answer: ChatGPTError
) -> dict[str, Any]:
    """Start a command in a child process without a terminal. Return the object that the child passes to `answer_starter`.

    The request and the session token are passed through a pipe, because other users of the machine can read the arguments of a
    process. The child reads the request and the token with `read_request`.

    :param without_answer: the error that is raised if the child ends without an answer.
    :raises ChatGPTError: the child ended without an answer, or reported an error of the library through `errors_to_starter`.
    :raises typer.BadParameter: the child reported a usage error through `errors_to_starter`.
    """
    settings = Settings.current()
    token = settings.session_token
    request = {**request, "session_token": token and str(token)}
    environment = {
        name: value for name, value in os.environ.items() if name != TOKEN
    } | settings.environment()
    with _open_log(log) as file:
        process = _start(command, environment, file)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with process.stdin as stdin:
            stdin.write(json.dumps(request, default=_absolute).encode())
        with process.stdout as stdout:
            answer = stdout.readline()
    except BrokenPipeError:
        answer = b""
    # Python warns if the object of a running process is deleted. This process is meant to continue, so the warning is ignored.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        del process
    if not answer.strip():
        raise without_answer
    return _result(json.loads(answer))


def _result(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of the child process. If the answer is an error, raise it."""
    if "usage_error" in answer:
        message, param_hint = answer["usage_error"]
        raise typer.BadParameter(message, param_hint=param_hint)
    if "error" in answer:
        from chatgpt_browser._client.job_codec import decode_error

        raise decode_error(answer["error"])
    return answer


def read_request() -> dict[str, Any]:
    """Return the request that `start_detached` has passed to this process, and set the session token in the environment."""
    request: dict[str, Any] = json.load(sys.stdin)
    if (token := request.pop("session_token")) is not None:
        os.environ[TOKEN] = token
    return request


def answer_starter(answer: dict[str, Any]) -> None:
    """Pass an object to the process that waits in `start_detached`, by standard output.

    Then redirect standard output to the null device, because that process closes the pipe.
    """
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    with open(os.devnull, "wb") as devnull:
        os.dup2(devnull.fileno(), sys.stdout.fileno())


@contextmanager
def errors_to_starter() -> Iterator[None]:
    """Pass an error of the block to the process that waits in `start_detached`, and raise it here, too."""
    try:
        yield
    except typer.BadParameter as error:
        answer_starter({"usage_error": [error.message, error.param_hint]})
        raise
    except ChatGPTError as error:
        from chatgpt_browser._client.job_codec import encode_error

        answer_starter({"error": encode_error(error)})
        raise


def _absolute(path: object) -> str:
    """Return the absolute path of a file as a text for JSON."""
    return os.path.abspath(os.fspath(cast("os.PathLike[str]", path)))


def _open_log(path: Path) -> IO[bytes]:
    create_data_folder(default_data_folder())
    create_data_folder(path.parent)
    return open_private(path)


def _start(command: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a process that does not belong to this process's terminal, so that it survives the end of the terminal."""
    own_session: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        own_session = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return subprocess.Popen(
        [*_program(), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env=environment,
        **own_session,
    )


def _program() -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable]
    # With -P, Python does not import modules from the current folder.
    safe_path = ["-P"] if sys.version_info >= (3, 11) else []
    return [sys.executable, *safe_path, "-m", "chatgpt_browser"]
