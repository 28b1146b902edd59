"""`chatgpt-browser chat`: an interactive conversation on the terminal."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from chatgpt_browser import ChatGPTError

from .. import message_options as message_parameters
from .. import shared_options as options
from ..client_factory import client_from_environment
from ..exit_codes import errors_as_exit_codes
from ..output.consoles import logging_to_stderr, print_dim
from ..state.data_folder import DataFolder
from ..state.last_conversation import requested_conversation

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

    from chatgpt_browser import ChatGPTAPI

    from .chat_session import ChatSession


def chat(
    continue_last: options.Continue = False,
    conversation: options.ConversationId = None,
    model: options.Model = None,
    effort: message_parameters.Effort = None,
    tool: message_parameters.Tools = None,
    temporary: message_parameters.Temporary = False,
    project: message_parameters.Project = None,
    timeout: options.Timeout = None,
    plain_text: options.PlainText = False,
    show_thoughts: options.ShowThoughts = False,
    send_via: options.SendViaOption = "auto",
    headed: options.Headed = False,
    no_background: options.NoBackground = False,
    verbose: options.Verbose = 0,
) -> None:
    """Have a conversation on the terminal. Ctrl-C stops a reply, Ctrl-D leaves, /help lists the commands.

    Enter sends the message; Alt-Enter or Ctrl-J starts a new line. Pasted text may have several lines.

    The arrow keys recall earlier lines. They are saved in a file that only you can read.

    Examples:

    chatgpt-browser chat

    chatgpt-browser chat --continue
    """
    if not sys.stdin.isatty():
        raise typer.BadParameter("chat needs a terminal; in a pipe, use `chatgpt-browser ask`")

    from .chat_session import ChatSession

    with errors_as_exit_codes(), logging_to_stderr(verbose):
        requested = requested_conversation(conversation, continue_last)
        arguments = message_parameters.message_arguments(
            send_via, effort=effort, tool=tool, temporary=temporary, project=project
        )
        given = {"markdown": not plain_text, "headless": not headed, "model": model, "send_via": send_via}
        with client_from_environment(use_background=not no_background, **given) as api:
            start_in_background(api)
            # With --verbose, the Markdown is not rendered, because log lines would damage the live display of Markdown.
            session = ChatSession(
                api,
                send_via=send_via,
                timeout=options.to_timedelta(timeout),
                markdown=not (plain_text or verbose),
                show_thoughts=show_thoughts,
                arguments=arguments,
            )
            run_prompt_loop(session, requested)


def start_in_background(api: ChatGPTAPI) -> None:
    """Start the browser in a thread, while the user types the first message.

    Errors are ignored. If the start fails, the first message starts the browser again. If this second start fails too, its error
    is reported.
    """

    def start() -> None:
        with suppress(ChatGPTError):
            api.start()

    threading.Thread(target=start, name="chatgpt_browser start", daemon=True).start()


def run_prompt_loop(session: ChatSession, requested: str | None) -> None:
    """If a conversation was requested, open it. Then read and handle lines until `/quit` or Ctrl-D."""
    from .prompt import create_prompt

    prompt = create_prompt(DataFolder.current())
    print_dim("/help lists the commands, Ctrl-D leaves.")
    if requested is not None:
        session.handle(f"/open {requested}")

    while not session.is_over:
        line = read_line(prompt)
        if line.strip():
            session.handle(line)


def read_line(prompt: PromptSession[str]) -> str:
    """Read and return one line. Return an empty string after Ctrl-C, and `/quit` after Ctrl-D on an empty line."""
    try:
        return prompt.prompt()
    except KeyboardInterrupt:
        if not prompt.default_buffer.text:
            print_dim("Ctrl-D or /quit leaves.")
        return ""
    except EOFError:
        return "/quit"
