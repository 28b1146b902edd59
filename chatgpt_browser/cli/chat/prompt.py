"""The line that is typed in `chat`: several lines if one likes, a history that is kept, commands that complete themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, Completion, PathCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import HTML
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from .session import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prompt_toolkit.completion import CompleteEvent

    from ..state.data_folder import Store

SAVE = "/save "


def make_prompt(store: Store, **streams: Any) -> PromptSession[str]:
    """A prompt; its `prompt()` gives what was typed. `streams` may name another input and output than the terminal."""
    return PromptSession(
        HTML("<b><ansigreen>&gt;</ansigreen></b> "),
        history=_history(store),
        completer=Commands(),
        complete_while_typing=True,
        key_bindings=_key_bindings(),
        multiline=True,
        prompt_continuation="  ",
        **streams,
    )


def _history(store: Store) -> History:
    """What was typed before; where it can't be kept, what is typed now."""
    try:
        return FileHistory(store.make_chat_history())
    except OSError:
        return InMemoryHistory()


def _key_bindings() -> KeyBindings:
    """Enter sends. Alt-Enter begins a new line, and so does Ctrl-J: some terminals keep the other for themselves."""
    bindings = KeyBindings()

    @bindings.add("enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.validate_and_handle()

    @bindings.add("escape", "enter")
    @bindings.add("c-j")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return bindings


class Commands(Completer):
    """Completes the names of commands, and the file that a talk is saved to."""

    def __init__(self) -> None:
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        before = document.text_before_cursor
        if before.startswith(SAVE):
            yield from self._paths.get_completions(Document(before[len(SAVE) :]), complete_event)
        elif before.startswith("/"):
            for name, command in COMMANDS.items():
                if name.startswith(before):
                    yield Completion(name, -len(before), display_meta=command.meaning)
