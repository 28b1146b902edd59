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
    """Send a call to the background browser, and return its status. If no background browser is running, return None.

    :param name: the name of the call, which has no arguments.
    :param wait_for_end: if True, also wait until the process has ended.
    :raises BrowserError: the process does not respond.
    """
    if not IS_SUPPORTED or not os.path.exists(socket_path()):  # unlike `Path.exists`, this raises no error
        return None
    from chatgpt_browser._shared_client.connection import Connection  # `login` and `logout` rarely need this

    try:
        with Connection(socket_path(), {"name": name}, timeout=_TIMEOUT) as connection:
            result: dict[str, Any] = connection.result()
            if wait_for_end:
                connection.wait_for_end()
            return result
    except TimeoutError:
        raise BrowserError(f"The background browser has not responded for {_TIMEOUT:g} s.") from None
    except (OSError, EOFError):  # A killed process has left the socket.
        return None


def stop_background() -> bool:
    """If a background browser is running, end it and print a note. Return whether one was running.

    :raises BrowserError: the process does not respond.
    """
    stopped = request_service("stop", wait_for_end=True)
    if stopped is not None:
        print_note(f"stopped the background browser (process {stopped['pid']})")
    return stopped is not None
