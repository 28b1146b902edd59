"""The options for the messages of `chat`: the options of the command line, and the files for the next message."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatgpt_browser._core.files import path_of_user

from ..message_options import message_arguments

if TYPE_CHECKING:
    from chatgpt_browser._core.choices import SendVia

#: The options that apply only to the first message of a conversation.
_FOR_NEW = ("temporary", "project")
#: The argument of `/effort` that lets the site choose the effort.
SITE_CHOICE = "default"


class MessageDefaults:
    """The options for all messages, and the files for the next message. Each file is attached to only one message."""

    def __init__(self, arguments: dict[str, Any], send_via: SendVia = "auto") -> None:
        self._arguments = arguments
        self._send_via = send_via
        self._files: list[Path] = []

    def for_message(self, *, is_new: bool) -> dict[str, Any]:
        """Return the keyword arguments for the next message. `is_new` is True if the message begins a conversation."""
        arguments = {name: value for name, value in self._arguments.items() if is_new or name not in _FOR_NEW}
        return arguments | ({"files": self._files} if self._files else {})

    def attach(self, name: str) -> str:
        """Attach a file to the next message. If `name` is empty, detach all files. Return a line for the user.

        :raises typer.BadParameter: the messages are sent by in-page fetch, which cannot attach files.
        """
        path = _existing(name)
        if not name:
            self._files = []
        elif path is None:
            return f"{path_of_user(name)} is not a file."
        else:
            message_arguments(self._send_via, attach=[path])
            self._files = [*self._files, path]
        names = ", ".join(file.name for file in self._files)
        return (
            f"Attached to the next message: {names}" if names else "No file is attached to the next message."
        )

    def clear_files(self) -> None:
        """Detach all files. Call this after they were sent."""
        self._files = []

    def set_effort(self, name: str) -> str:
        """Set the effort for the next messages. Return a line for the user.

        If `name` is `default`, the site chooses the effort. If `name` is empty, only return the line, which contains the current
        effort.

        :raises typer.BadParameter: the messages are sent by in-page fetch, which cannot set the effort.
        """
        if name == SITE_CHOICE:
            self._arguments = {key: value for key, value in self._arguments.items() if key != "effort"}
        elif name:
            self._arguments = self._arguments | message_arguments(self._send_via, effort=name)
        effort = self._arguments.get("effort")
        return f"Effort: {effort}" if effort else "Effort: the site chooses"


def _existing(name: str) -> Path | None:
    """Return the path of a file, or None if there is no such file.

    Quotes and backslashes as in a shell are allowed: many terminals insert them if the user drops a file on the window.
    """
    for text in (name, name.strip().strip("'\""), _unescaped(name)):
        path = path_of_user(text)
        if text and path.is_file():
            return path
    return None


def _unescaped(name: str) -> str:
    """Return the word that a shell would read, or an empty text if `name` is not one word."""
    try:
        words = shlex.split(name)
    except ValueError:  # For example, a quote is missing.
        return ""
    return words[0] if len(words) == 1 else ""
