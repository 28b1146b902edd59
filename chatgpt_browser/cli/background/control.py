"""Controls the process of the background browser: its status, its end, and its log file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from chatgpt_browser._core.data_folder import default_data_folder
from chatgpt_browser._core.errors import BrowserError
from chatgpt_browser._shared_client.address import IS_SUPPORTED, socket_path

from ..output.consoles import print_note

if TYPE_CHECKING:
    from pathlib import Path

#: The longest wait in seconds for a response of the process.
_TIMEOUT = 20.0


def log_path() -> Path:
    """Return the path of the log file. The file exists while the browser runs, and remains after an error."""
    return default_data_folder() / "background.log"


def request_service(name: str, *, wait_for_end: bool = False) -> dict[str, Any] | None:
    """Send the call `status` or `stop` to the background browser or to `serve`, and return the status of that process.

    If neither is running, return None.

    :param name: the name of the call.
    :param wait_for_end: if True, also wait until the process has ended.
    :raises BrowserError: the process does not respond.
    """
    if not IS_SUPPORTED or not os.path.exists(socket_path()):  # `Path.exists` may raise PermissionError
        return None
    from chatgpt_browser._shared_client.connection import Connection  # `login` and `logout` rarely need this

    try:
        with Connection(socket_path(), {"name": name}, timeout=_TIMEOUT) as connection:
            result: dict[str, Any] = connection.result()
            if wait_for_end:
                connection.wait_for_end()
            return result
    except TimeoutError:
        raise BrowserError(
            f"The background browser or `serve` has not responded for {_TIMEOUT:g} s. "
            "If its process is stopped, continue or kill it."
        ) from None
    except (OSError, EOFError):  # The socket file remains from a process that was killed.
        return None


def stop_service() -> bool:
    """End the process that owns the socket: the background browser or `serve`. Return whether there was such a process.

    If there was a process, print a note.

    :raises BrowserError: the process does not respond.
    """
    stopped = request_service("stop", wait_for_end=True)
    if stopped is not None:
        from chatgpt_browser._shared_client.connection import program_of

        print_note(f"stopped {program_of(stopped)} (process {stopped['pid']})")
    return stopped is not None


def stop_service_of(login: Path) -> None:
    """If the background browser or `serve` uses the saved login in this folder, end that process and print a note.

    :raises BrowserError: the process does not respond.
    """
    status = request_service("status")
    if status is not None and status["login"] == os.path.realpath(login):
        stop_service()
