"""What a line that was typed in `chat` does: a command, or a message and its reply. Knows nothing of how it was typed."""

from __future__ import annotations

import re
import signal
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from chatgpt_browser import (
    AbortController,
    AbortError,
    APIConnectionError,
    AuthenticationError,
    ChatGPTError,
    History,
    HistoryMessage,
)

from ..exit_codes import show_error
from ..output.consoles import err, out, printable
from ..output.conversation import Format, exported
from ..output.conversation_list import newest, write_summaries
from ..output.reply import show_reply, show_whole_reply
from ..output.waiting import waiting
from ..state.last_conversation import id_of, remember

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta
    from types import FrameType

    from chatgpt_browser import AbortSignal, ChatGPTAPI


class Command(NamedTuple):
    """A command of `chat`: what follows its name, and what `/help` says of it."""

    argument: str
    meaning: str


COMMANDS = {
    "/new": Command("", "begin a new conversation"),
    "/retry": Command("", "send the last message again, in place of what came of it"),
    "/open": Command(
        "[ID]", "go on with another conversation; `last` is the last one; without an id, list some"
    ),
    "/save": Command(
        "FILE", "write the conversation to a file: Markdown, or JSON where its name ends in .json"
    ),
    "/model": Command("[NAME]", "have another model answer from now on; without a name, say which one does"),
    "/help": Command("", "show this"),
    "/quit": Command("", "leave; so does Ctrl-D"),
}
#: So many conversations are listed by `/open` alone.
LISTED = 10


class Chat:
    """A talk with the site, and where it stands."""

    def __init__(self, api: ChatGPTAPI, *, timeout: timedelta | None = None, markdown: bool = True) -> None:
        self._api = api
        self._timeout = timeout
        self._markdown = markdown
        self._conversation = api.get_conversation()
        self._history = _nothing_yet()
        self._unanswered: str | None = None
        self._saved: set[Path] = set()
        self._first: str | None = "starting the browser"
        self.over = False

    def handle(self, line: str) -> None:
        """Do what a line says. An error is shown, and then all stands as it stood; so it is after Ctrl-C."""
        try:
            self._handle(line)
        except (AbortError, KeyboardInterrupt):
            hint = " /retry sends the message again." if self._unanswered else ""
            say(f"Stopped.{hint}")
        except typer.BadParameter as error:
            say(error.message)
        except ChatGPTError as error:
            show_error(error)
            if isinstance(error, (AuthenticationError, APIConnectionError)):
                say("Leave by /quit first; `chatgpt-browser chat --continue` goes on here then.")
        finally:
            self._first = None  # whatever came of it, the browser is up by now, or says so itself

    def _handle(self, line: str) -> None:
        # A path is no command, nor is what begins with a space.
        match = re.fullmatch(r"(/\w+)(?:\s+(.*\S))?\s*", line, re.DOTALL)
        if match is None:
            self._send(line)
            return

        name, argument = match[1], match[2] or ""
        if name not in COMMANDS:
            say(f"There is no command {name}; /help lists them. To send it, begin the line with a space.")
        else:
            getattr(self, f"_do_{name[1:]}")(argument)

    # ---- messages ----------------------------------------------------------------------------------------------------

    def _send(self, message: str) -> None:
        self._unanswered = message
        before = self._conversation.parent_message_id
        with (
            aborted_by_ctrl_c() as abort_signal,
            waiting("the reply", first=self._first) as wait,
            self._conversation.stream_message(
                message, timeout_ms=self._timeout, abort_signal=abort_signal
            ) as stream,
        ):
            show_reply(stream, wait.stop, markdown=self._markdown)

        out.print()
        self._unanswered = None
        self._keep(HistoryMessage("", "user", message, parent_message_id=before))
        self._keep(HistoryMessage(stream.message_id or "", "assistant", stream.text))
        self._history = replace(self._history, conversation_id=self._conversation.conversation_id or "")
        remember(self._conversation.conversation_id, self._conversation.parent_message_id)

    def _keep(self, message: HistoryMessage) -> None:
        self._history = replace(self._history, messages=(*self._history.messages, message))

    def _do_retry(self, _: str) -> None:
        if self._unanswered is not None:  # the conversation stands where it stood before that message
            self._send(self._unanswered)
            return

        conversation_id = self._conversation.conversation_id
        if conversation_id is None:
            say("There is nothing to send again yet.")
            return

        with waiting("the conversation", first=self._first):
            history = self._api.get_history(conversation_id)
        last = max((i for i, m in enumerate(history.messages) if m.role == "user"), default=None)
        if last is None:
            say("There is nothing to send again yet.")
            return

        here, kept = self._conversation.parent_message_id, self._history
        message = history.messages[last]
        self._conversation.parent_message_id = message.parent_message_id
        self._history = replace(kept, messages=history.messages[:last])
        try:
            self._send(message.text)
        except BaseException:
            self._conversation.parent_message_id, self._history = here, kept
            raise

    # ---- where it stands ---------------------------------------------------------------------------------------------

    def _do_new(self, _: str) -> None:
        self._conversation = self._api.get_conversation()
        self._history, self._unanswered = _nothing_yet(), None
        say("A new conversation.")

    def _do_open(self, conversation: str) -> None:
        if not conversation:
            with waiting("the list of conversations", first=self._first):
                found = newest(self._api, LISTED)
            write_summaries(found)
            return

        with waiting("the conversation", first=self._first):
            history = self._api.get_history(id_of(conversation))
        self._conversation = self._api.get_conversation(
            conversation_id=history.conversation_id, parent_message_id=history.current_node
        )
        self._history, self._unanswered = history, None
        self._show_end(history)

    def _show_end(self, history: History) -> None:
        """Show what a conversation is about, and how it ended."""
        said = [message for message in history.messages if message.text.strip()]
        out.print(printable(history.title or "Untitled"), style="bold", markup=False)
        if len(said) > 2:
            say(f"… {len(said) - 2} messages before")
        for message in said[-2:]:
            if message.role == "user":
                out.print(f"> {printable(message.text)}", style="dim", markup=False)
            else:
                show_whole_reply(message.text, markdown=self._markdown)

    def _do_save(self, name: str) -> None:
        if not name:
            say("Say where to: /save FILE")
            return

        path = Path(name).expanduser()
        if path.exists() and path not in self._saved:
            say(f"{path} is there already; nothing was written.")
            return

        form = Format.json if path.suffix == ".json" else Format.markdown
        try:
            path.write_text(exported(self._history, form), "utf-8")
        except OSError as error:
            say(f"{path} can't be written: {error.strerror or error}")
            return
        self._saved.add(path)
        say(f"{len(self._history.messages)} messages written to {path}")

    def _do_model(self, name: str) -> None:
        if name:
            self._api.model = name
        say(f"{self._api.model} answers.")

    def _do_help(self, _: str) -> None:
        width = max(len(f"{name} {command.argument}") for name, command in COMMANDS.items())
        for name, command in COMMANDS.items():
            say(f"{f'{name} {command.argument}':{width}}  {command.meaning}")
        say("Enter sends, Alt-Enter or Ctrl-J begins a new line, Ctrl-C stops a reply.")

    def _do_quit(self, _: str) -> None:
        self.over = True


def _nothing_yet() -> History:
    return History("", None, None, None, None, ())


@contextmanager
def aborted_by_ctrl_c() -> Iterator[AbortSignal]:
    """Give a signal that Ctrl-C aborts. Whoever presses it once more, because that does not help, gets what it usually does."""
    controller = AbortController()

    def abort(_signum: int, _frame: FrameType | None) -> None:
        if controller.signal.aborted:
            raise KeyboardInterrupt
        controller.abort()

    before = signal.signal(signal.SIGINT, abort)
    try:
        yield controller.signal
    finally:
        signal.signal(signal.SIGINT, before)


def say(text: str) -> None:
    """Say something about the talk, beside it."""
    err.print(printable(text), style="dim", markup=False, soft_wrap=True)
