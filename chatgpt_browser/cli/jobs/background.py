"""Starts the background process of `ask --detach`, which sends the message and holds the browser until the reply is complete."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
import warnings
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from chatgpt_browser._core.data_folder import create_data_folder, default_data_folder
from chatgpt_browser._core.errors import ChatGPTError

from ..environment import TOKEN
from ..settings.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The name of the hidden command that the background process runs.
COMMAND = "run-in-background"


def log_path(job_id: str) -> Path:
    """Return the path of the log file of a job's background process."""
    return default_data_folder() / "job-logs" / f"{job_id}.log"


def start_job(text: str, client: dict[str, Any], message: dict[str, Any], **options: Any) -> str:
    """Start a background process that sends a message as a job. Return a line with the job's id.

    The function returns when the site has accepted the message.
    The text and the session token are passed through a pipe, because other users of the machine can read the arguments of a
    process.

    :param client: the options of the client.
    :param message: the options of the message. Attached files are passed as absolute paths.
    :raises ChatGPTError: the message was not accepted. The job is stored with this error.
    """
    job_id = uuid.uuid4().hex[:12]
    settings = Settings.current()
    token = settings.session_token
    request = {"job_id": job_id, "text": text, "session_token": token and str(token), **options}
    request |= {"client": client, "message": message}
    environment = {
        name: value for name, value in os.environ.items() if name != TOKEN
    } | settings.environment()
    with _open_log(job_id) as log:
        process = _start(environment, log)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        with process.stdin as stdin:
            stdin.write(json.dumps(request, default=_absolute).encode())
        with process.stdout as stdout:
            answer = stdout.readline()
    except BrokenPipeError:
        answer = b""
    with warnings.catch_warnings():  # The process continues after this one, so nothing waits for its end.
        warnings.simplefilter("ignore", ResourceWarning)
        del process
    if not answer.strip():
        raise ChatGPTError(
            f"The background process ended before the site accepted the message. Its log is {log_path(job_id)}. "
            f"`chatgpt-browser jobs show {job_id}` shows whether the message was sent."
        )
    result = json.loads(answer)
    if "error" in result:
        from chatgpt_browser._client.job_codec import decode_error

        raise decode_error(result["error"])
    return f"{result['job_id']}\n"


def _absolute(path: object) -> str:
    """Return a path of a file as JSON."""
    return os.path.abspath(os.fspath(cast("os.PathLike[str]", path)))


def _open_log(job_id: str) -> IO[bytes]:
    path = log_path(job_id)
    create_data_folder(path.parent.parent)
    create_data_folder(path.parent)
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


def _start(environment: Mapping[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the process without the terminal of this process, so that it survives the end of the terminal."""
    own_session: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        own_session = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return subprocess.Popen(
        [*_program(), "jobs", COMMAND],
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
