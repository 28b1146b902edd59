"""`chatgpt-browser demo`: have a complete conversation with a fake server on this machine."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.panel import Panel
from rich.text import Text

from chatgpt_browser import ChatGPTError

from ..exit_codes import errors_as_exit_codes
from ..extras import require_extra
from ..output.consoles import logging_to_stderr, out
from ..output.milestones import BROWSER_UP, CHALLENGE_PASSED, milestone_callback
from ..output.step_lines import StepLines
from ..shared_options import Headed, Verbose

if TYPE_CHECKING:
    from chatgpt_browser import ChatGPTAPI, ChatGPTConversation, Session
    from chatgpt_browser.testing import FakeChatGPT

PROGRAM = "chatgpt-browser"
TESTING_PACKAGES = ("starlette", "hypercorn", "trustme")
FIRST = "My cat is called Ada, and she is afraid of the vacuum cleaner."
SECOND = "What is my cat called?"
MILLISECONDS_A_WORD = 30
#: Commands to try after the demo. Each pair is the arguments of `chatgpt-browser`, and the purpose of the command.
NEXT_STEPS = (
    ("login", "sign in, once, in a browser window"),
    ('ask "Why is the sky blue?"', "ask ChatGPT"),
    ("doctor", "check each step if something fails"),
)


def demo(headed: Headed = False, verbose: Verbose = 0) -> None:
    """Talk to a fake server through a real browser: no account, no network.

    Examples:

    chatgpt-browser demo

    chatgpt-browser demo --headed
    """
    with errors_as_exit_codes(), logging_to_stderr(verbose):
        print_introduction()
        with StepLines(out) as steps, fake_server() as server:
            steps.done("fake server up", server.api_base_url)
            with create_client(server, headless=not headed) as api:
                open_session(api, steps)
                converse(api.get_conversation(), steps)
                steps.next("closing the browser")
            steps.done("browser closed", "no process is left running")
        print_end(steps.total)


def print_introduction() -> None:
    """Print a frame with a description of the demo."""
    out.print(
        Panel(
            Text.from_markup(
                "A [bold]fake ChatGPT[/] on this machine, reached through a [bold]real Chromium[/].\n"
                "No account, no network: no data leaves this machine."
            ),
            title="chatgpt-browser demo",
            title_align="left",
            expand=False,
            border_style="cyan",
        )
    )


def print_end(seconds: float) -> None:
    """Print the duration of the demo, and commands to try with the real site."""
    out.print(
        Text.assemble(
            (f"\nThe demo took {seconds:.1f} s.", "bold green"), " It used a fake server, not ChatGPT."
        )
    )
    out.print("\nNext, with your own account:")
    program = program_name()
    for arguments, purpose in NEXT_STEPS:
        out.print(f"  {f'{program} {arguments}':<{len(program) + 27}}  {purpose}", soft_wrap=True)


def program_name() -> str:
    """Return the word that starts this program in the user's shell: its name, or its path if the shell does not find the name."""
    path = Path(sys.argv[0])
    return os.path.relpath(path) if path.stem == PROGRAM and shutil.which(PROGRAM) is None else PROGRAM


def fake_server() -> FakeChatGPT:
    """Return a fake server with a challenge that a browser passes without user action, like the site's usual challenge.

    :raises typer.Exit: the extra `testing` is not installed.
    """
    require_extra("The demo", "cli,testing", TESTING_PACKAGES)
    from chatgpt_browser.testing import FakeChatGPT, Reply, remember

    return FakeChatGPT(
        challenge="passes", reply=lambda turn: Reply(remember(turn), interval=MILLISECONDS_A_WORD)
    )


def create_client(server: FakeChatGPT, *, headless: bool) -> ChatGPTAPI:
    """Return a client for the fake server."""
    from chatgpt_browser import ChatGPTAPI

    return ChatGPTAPI(
        server.session_token,
        api_base_url=server.api_base_url,
        backend_api_base_url=server.backend_api_base_url,
        headless=headless,
    )


def open_session(api: ChatGPTAPI, steps: StepLines) -> None:
    """Start the browser, pass the challenge and sign in. Print a line for each of these steps."""

    def on_milestone(event: str, message: str) -> None:
        if event == BROWSER_UP:
            steps.done("browser up", message.partition(": ")[2])
            steps.next("passing the challenge")
        elif event == CHALLENGE_PASSED:
            steps.done("challenge passed", "automatically, in the page")

    steps.next("starting Chromium")
    with milestone_callback(on_milestone):
        api.start()

    steps.next("signing in")
    api.ensure_auth()
    steps.done("session valid", describe_session(api.get_session()))


def describe_session(session: Session) -> str:
    """Return a text with the name of the user and, if the session has an expiry date, this date."""
    name = session.user.name or "unnamed user"
    return f"{name}, until {session.expires:%Y-%m-%d}" if session.expires else name


def converse(conversation: ChatGPTConversation, steps: StepLines) -> None:
    """Send two messages and print the replies. The second message asks for a fact in the first message.

    :raises ChatGPTError: the second reply does not mention the first message.
    """
    steps.quote("you", FIRST)
    steps.next("waiting for the first word")
    with conversation.stream_message(FIRST) as stream:
        steps.done("first word", repr(next(stream)))
        for _ in stream:
            steps.show(stream.text)
        reply = stream.text

    steps.done("reply", f"{len(reply.split())} words, streamed")
    steps.quote("fake ChatGPT", reply)

    steps.quote("you", SECOND)
    steps.next("waiting for the second reply")
    reply = conversation.send_message(SECOND)
    if FIRST not in reply:
        raise ChatGPTError("the second reply does not mention the first message")

    steps.done("second reply", "mentions the first message")
    steps.quote("fake ChatGPT", reply)
