"""`chatgpt-browser chat`: a talk on the terminal."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from chatgpt_browser import ChatGPTError

from ..client import client_from_environment
from ..exit_codes import errors_as_exit_codes
from ..output.consoles import logging_to_stderr
from ..parameters import Headed, Model, PlainText, Timeout, Verbose, limit
from ..state.data_folder import Place, Store
from ..state.last_conversation import Continue, ConversationId, place_of

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession

    from chatgpt_browser import ChatGPTAPI

    from .session import Chat


def chat(
    go_on: Continue = False,
    conversation: ConversationId = None,
    model: Model = None,
    timeout: Timeout = None,
    plain_text: PlainText = False,
    headed: Headed = False,
    verbose: Verbose = 0,
) -> None:
    """Talk on the terminal. Ctrl-C stops a reply, Ctrl-D leaves, /help lists the commands.

    Enter sends; Alt-Enter or Ctrl-J begins a new line; what is pasted may have many lines.

    The arrow keys bring back what was typed before; it is kept in a file for you alone.

    [dim]Examples:[/dim]

    chatgpt-browser chat

    chatgpt-browser chat --continue
    """
    if not sys.stdin.isatty():
        raise typer.BadParameter("chat needs a terminal: in a pipe, use `chatgpt-browser ask`")

    from .session import Chat

    with errors_as_exit_codes(), logging_to_stderr(verbose):
        place = place_of(conversation, go_on)
        with client_from_environment(markdown=not plain_text, headless=not headed, model=model) as api:
            start_meanwhile(api)
            # Lines of a log would tear what is drawn.
            talk(Chat(api, timeout=limit(timeout), markdown=not (plain_text or verbose)), place)


def start_meanwhile(api: ChatGPTAPI) -> None:
    """Start the browser while the first message is being typed. What goes wrong is told when that is sent: it starts it again."""

    def start() -> None:
        with suppress(ChatGPTError):
            api.start()

    threading.Thread(target=start, name="chatgpt_browser start", daemon=True).start()


def talk(chat: Chat, place: Place | None) -> None:
    """Read lines and do what they say, until one of them or Ctrl-D ends it."""
    from .prompt import make_prompt
    from .session import say

    prompt = make_prompt(Store.default())
    say("/help lists the commands, Ctrl-D leaves.")
    if place is not None:
        chat.handle(f"/open {place.conversation_id}")

    while not chat.over:
        line = read_line(prompt)
        if line.strip():
            chat.handle(line)


def read_line(prompt: PromptSession[str]) -> str:
    """What was typed; Ctrl-C throws it away, Ctrl-D on an empty line leaves."""
    from .session import say

    try:
        return prompt.prompt()
    except KeyboardInterrupt:
        if not prompt.default_buffer.text:
            say("Ctrl-D or /quit leaves.")
        return ""
    except EOFError:
        return "/quit"
