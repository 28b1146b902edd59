"""Handles the lines that the user types in `chat`: sends messages and runs slash commands."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import typer

from chatgpt_browser import (
    AbortController,
    AbortError,
    AbortSignal,
    APIConnectionError,
    AuthenticationError,
    ChatGPTAPI,
    ChatGPTError,
    History,
    HistoryMessage,
)
from chatgpt_browser._core.choices import SendVia
from chatgpt_browser._core.files import create_private, path_of_user, write_private

from ..exit_codes import print_error
from ..output.consoles import out, print_dim
from ..output.conversation_formats import Format, format_conversation
from ..output.conversation_list import list_newest, write_summaries
from ..output.reply import print_reply, print_sources, stream_reply
from ..output.reply_pieces import ReplyPieces
from ..output.terminal_text import one_line
from ..output.wait_spinner import wait_spinner
from ..state.conversation_lookup import find_conversation_id
from ..state.last_conversation import remember_conversation
from ..titles import request_title, with_first_words
from .message_defaults import MessageDefaults
from .slash_commands import SLASH_COMMANDS, split_command

#: The number of conversations that `/open` lists.
LISTED = 10


class ChatSession:
    """The current conversation of `chat`, its history, and the message that has no reply yet.

    The position in the conversation is the message to which the next message replies.
    """

    def __init__(
        self,
        api: ChatGPTAPI,
        *,
        send_via: SendVia = "auto",
        timeout: timedelta | None = None,
        markdown: bool = True,
        show_thoughts: bool = False,
        arguments: dict[str, Any] | None = None,
    ) -> None:
        self._api = api
        self._arguments = MessageDefaults(arguments or {}, send_via)
        self._timeout = timeout
        self._markdown = markdown
        self._show_thoughts = show_thoughts
        self._conversation = api.get_conversation()
        self._history = _empty_history()
        self._unanswered: str | None = None
        self._saved: set[Path] = set()
        self._first_step: str | None = "starting the browser"
        self.is_over: bool = False

    def handle(self, line: str) -> None:
        """Send a line as a message, or run it as a slash command. Print errors. An error does not change the position."""
        try:
            self._handle(line)
        except (AbortError, KeyboardInterrupt):
            hint = " /retry sends the message again." if self._unanswered else ""
            print_dim(f"Stopped.{hint}")
        except typer.BadParameter as error:
            print_dim(error.message)
        except ChatGPTError as error:
            print_error(error)
            if isinstance(error, (AuthenticationError, APIConnectionError)):
                print_dim("Leave with /quit first; then `chatgpt-browser chat --continue` continues here.")
        finally:
            self._first_step = None  # Only the first line of the user waits for the browser to start.

    def _handle(self, line: str) -> None:
        # A line that starts with a space or with a path such as /etc/hosts is a message, not a slash command.
        name, argument = split_command(line)
        if not name:
            self._send(line)
            return

        if name not in SLASH_COMMANDS:
            print_dim(f"There is no command {name}; see /help. To send it, start the line with a space.")
        else:
            getattr(self, f"_do_{name[1:]}")(argument)

    # ---- messages ----------------------------------------------------------------------------------------------------

    def _send(self, message: str) -> None:
        self._unanswered = message
        before = self._conversation.parent_message_id
        is_new = self._conversation.conversation_id is None
        with (
            aborted_by_ctrl_c() as abort_signal,
            wait_spinner("the reply", first_step=self._first_step) as spinner,
            self._conversation.stream_message(
                message,
                timeout_ms=self._timeout,
                abort_signal=abort_signal,
                **self._arguments.for_message(is_new=is_new),
            ) as stream,
        ):
            pieces = ReplyPieces(stream, spinner, show_thoughts=self._show_thoughts)
            stream_reply(pieces, markdown=self._markdown)

        out.print()
        self._unanswered = None
        self._arguments.clear_files()
        question = HistoryMessage("", "user", message, parent_message_id=before)
        reply = HistoryMessage(stream.message_id or "", "assistant", stream.text)
        if (whole := stream.reply) is not None:
            reply = replace(
                reply,
                citations=whole.citations,
                files=whole.files,
                thoughts=whole.thoughts,
                tool_calls=whole.tool_calls,
            )
        self._history = replace(
            self._history,
            conversation_id=self._conversation.conversation_id or "",
            messages=(*self._history.messages, question, reply),
        )
        remember_conversation(self._conversation.conversation_id, self._conversation.parent_message_id, whole)
        if is_new and stream.conversation_id is not None:
            request_title(self._api, stream.conversation_id, stream.message_id, wait=0)

    def _do_retry(self, _: str) -> None:
        if self._unanswered is not None:  # The message got no reply, so the position has not changed.
            self._send(self._unanswered)
            return

        messages = self._fetch_messages()
        last = max((i for i, m in enumerate(messages) if m.role == "user" and not m.hidden), default=None)
        if last is None:
            print_dim("There is no message to send again yet.")
            return

        parent_before, history_before = self._conversation.parent_message_id, self._history
        message = messages[last]
        self._conversation.parent_message_id = message.parent_message_id
        self._history = replace(history_before, messages=messages[:last])
        try:
            self._send(message.text)
        except BaseException:
            self._conversation.parent_message_id, self._history = parent_before, history_before
            raise

    def _fetch_messages(self) -> tuple[HistoryMessage, ...]:
        """Fetch the conversation's messages from the site. For a new conversation, return an empty tuple without a request."""
        if self._conversation.conversation_id is None:
            return ()
        with wait_spinner("the conversation", first_step=self._first_step):
            return self._api.get_history(self._conversation.conversation_id).messages

    # ---- slash commands ----------------------------------------------------------------------------------------------

    def _do_new(self, _: str) -> None:
        self._conversation = self._api.get_conversation()
        self._history, self._unanswered = _empty_history(), None
        print_dim("New conversation.")

    def _do_open(self, conversation: str) -> None:
        if not conversation:
            with wait_spinner("the list of conversations", first_step=self._first_step):
                found = with_first_words(self._api, list_newest(self._api, LISTED))
            write_summaries(found)
            return

        with wait_spinner("the conversation", first_step=self._first_step):
            history = self._api.get_history(find_conversation_id(self._api, conversation))
        self._conversation = self._api.get_conversation(
            conversation_id=history.conversation_id, parent_message_id=history.current_node
        )
        self._history, self._unanswered = history, None
        self._show_end(history)

    def _show_end(self, history: History) -> None:
        """Print the title and the last two messages of a conversation."""
        visible = [message for message in history.visible_messages if message.text.strip()]
        out.print(one_line(history.title or "") or "Untitled", style="bold")
        if len(visible) > 2:
            print_dim(f"… {len(visible) - 2} earlier messages")
        for message in visible[-2:]:
            if message.role == "user":
                out.print(f"> {message.text}", style="dim")
            else:
                print_reply(message.text, markdown=self._markdown)
                print_sources(message.citations)

    def _do_save(self, name: str) -> None:
        if not name:
            print_dim("/save needs a file name: /save FILE")
            return

        path = path_of_user(name)
        form = Format.json if path.suffix == ".json" else Format.markdown
        write = write_private if path in self._saved else create_private
        try:
            write(path, format_conversation(self._history, form))
        except FileExistsError:
            print_dim(f"{path} already exists; nothing was written.")
            return
        except OSError as error:
            print_dim(f"cannot write {path}: {error.strerror or error}")
            return
        self._saved.add(path)
        print_dim(f"{len(self._history.visible_messages)} messages written to {path}")

    def _do_attach(self, name: str) -> None:
        print_dim(self._arguments.attach(name))

    def _do_model(self, name: str) -> None:
        if name:
            self._api.model = name
        print_dim(f"Model: {self._api.model}")

    def _do_effort(self, name: str) -> None:
        print_dim(self._arguments.set_effort(name))

    def _do_help(self, _: str) -> None:
        width = max(len(f"{name} {command.argument}") for name, command in SLASH_COMMANDS.items())
        for name, command in SLASH_COMMANDS.items():
            print_dim(f"{f'{name} {command.argument}':{width}}  {command.meaning}")
        print_dim("Enter sends, Alt-Enter or Ctrl-J starts a new line, Ctrl-C stops a reply.")

    def _do_quit(self, _: str) -> None:
        self.is_over = True


def _empty_history() -> History:
    return History("", None, None, None, None, ())


@contextmanager
def aborted_by_ctrl_c() -> Iterator[AbortSignal]:
    """Yield an abort signal. In the block, the first Ctrl-C aborts this signal; a second Ctrl-C raises KeyboardInterrupt."""
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
