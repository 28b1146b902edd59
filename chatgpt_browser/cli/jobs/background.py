"""Starts the background process of `ask --detach`, which sends the message and keeps its browser open until the reply ends."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from chatgpt_browser._core.data_folder import default_data_folder
from chatgpt_browser._core.errors import ChatGPTError

from ..detached import start_detached

if TYPE_CHECKING:
    from pathlib import Path

#: The name of the hidden command that the background process runs.
COMMAND = "run-in-background"


def log_path(job_id: str) -> Path:
    """Return the path of the log file of a job's background process."""
    return default_data_folder() / "job-logs" / f"{job_id}.log"


def start_job(text: str, client: dict[str, Any], message: dict[str, Any], **options: Any) -> str:
    """Start a background process that sends a message as a job. Return a line with the job's id.

    The function returns when the site has accepted the message.
    The text and the session token are passed through a pipe; see `start_detached`.

    :param client: the options of the client.
    :param message: the options of the message. Attached files are passed as absolute paths.
    :raises ChatGPTError: the message was not accepted. If the job was stored before, it gets this error, too.
    :raises typer.BadParameter: an option or an environment variable is invalid.
    """
    job_id = uuid.uuid4().hex[:12]
    request = {"job_id": job_id, "text": text, "client": client, "message": message, **options}
    without_answer = ChatGPTError(
        f"The background process ended before the site accepted the message. Its log is {log_path(job_id)}. "
        f"`chatgpt-browser jobs show {job_id}` shows whether the message was sent."
    )
    result = start_detached(("jobs", COMMAND), request, log_path(job_id), without_answer=without_answer)
    return f"{result['job_id']}\n"
