"""The options for the messages of `chat`: the options of the command line, and the files for the next message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chatgpt_browser._core.files import path_of_user

#: The options that apply only to the first message of a conversation.
_FOR_NEW = ("temporary", "project")


class MessageDefaults:
    """The options for all messages, and the files for the next message. Each file is attached to only one message."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._arguments = arguments
        self._files: list[Path] = []

    def for_message(self, *, is_new: bool) -> dict[str, Any]:
        """Return the keyword arguments for the next message. `is_new` is True if the message begins a conversation."""
        arguments = {name: value for name, value in self._arguments.items() if is_new or name not in _FOR_NEW}
        return arguments | ({"files": self._files} if self._files else {})

    def attach(self, name: str) -> str:
        """Attach a file to the next message. If `name` is empty, remove all attached files. Return a line for the user."""
        path = path_of_user(name)
        if not name:
            self._files = []
        elif not path.is_file():
            return f"{path} is not a file."
        else:
            self._files = [*self._files, path]
        names = ", ".join(file.name for file in self._files)
        return (
            f"Attached to the next message: {names}" if names else "No file is attached to the next message."
        )

    def clear_files(self) -> None:
        """Remove the files after they were sent."""
        self._files = []
