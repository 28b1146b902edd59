"""The input prompt of `chat`: multi-line input, a saved history, and completion of slash commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import HTML
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from .. import completion
from ..output.terminal_text import one_line
from ..state.data_folder import DataFolder
from ..state.last_conversation import LAST
from .message_defaults import SITE_CHOICE
from .slash_commands import SLASH_COMMANDS

#: The commands whose argument is the path of a file.
_WITH_FILE = ("/save", "/attach")


def create_prompt(folder: DataFolder, **streams: Any) -> PromptSession[str]:
    """Return a prompt that reads from the terminal, and saves its history in `folder`.

    :param streams: the arguments `input` and `output`, with which tests replace the terminal.
    """
    return PromptSession(
        HTML("<b><ansigreen>&gt;</ansigreen></b> "),
        history=_open_history(folder),
        completer=SlashCommandCompleter(),
        complete_while_typing=True,
        key_bindings=_key_bindings(),
        multiline=True,
        prompt_continuation="  ",
        **streams,
    )


def _open_history(folder: DataFolder) -> History:
    """Return the history of typed lines. It is stored in a file, or only in memory if the file cannot be created."""
    try:
        return FileHistory(folder.create_chat_history())
    except OSError:
        return InMemoryHistory()


def _key_bindings() -> KeyBindings:
    """Return the key bindings: Enter sends the message, and Alt-Enter or Ctrl-J starts a new line.

    There are two keys for a new line, because some terminals intercept Alt-Enter.
    """
    bindings = KeyBindings()

    @bindings.add("enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @bindings.add("escape", "enter")
    @bindings.add("c-j")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return bindings


class SlashCommandCompleter(Completer):
    """Completes the names of slash commands, and their arguments: paths of files, models, efforts and conversations."""

    def __init__(self) -> None:
        self._paths = PathCompleter(expanduser=True)
        #: Maps a command to a function that returns the possible arguments and their descriptions.
        self._arguments: dict[str, Callable[[], list[completion.Completion]]] = {
            "/model": lambda: [(model.slug, model.title) for model in completion.models()],
            "/effort": lambda: [(name, "") for name in (*completion.efforts(None), SITE_CHOICE)],
            "/open": lambda: [(LAST, "the conversation that was used last"), *completion.conversations()],
        }

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """Yield the completions of the text before the cursor."""
        before = document.text_before_cursor
        name, space, argument = before.partition(" ")
        if space and name in _WITH_FILE:
            yield from self._paths.get_completions(Document(argument), complete_event)
        elif space and name in self._arguments:
            for value, description in self._arguments[name]():
                if value.startswith(argument):
                    yield Completion(value, -len(argument), display_meta=one_line(description))
        elif before.startswith("/"):
            for name, command in SLASH_COMMANDS.items():
                if name.startswith(before):
                    yield Completion(name, -len(before), display_meta=command.meaning)
