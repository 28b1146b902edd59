"""`chatgpt-browser demo`: the whole way, to a fake server on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.panel import Panel

from chatgpt_browser import ChatGPTError

from ..exit_codes import errors_as_exit_codes
from ..output.consoles import err, logging_to_stderr, out
from ..output.milestones import BROWSER_UP, CHALLENGE_PASSED, listening
from ..output.steps import Steps
from ..parameters import Headed, Verbose

if TYPE_CHECKING:
    from chatgpt_browser import ChatGPTAPI, ChatGPTConversation, Session
    from chatgpt_browser.testing import FakeChatGPT

TESTING_PACKAGES = frozenset({"starlette", "hypercorn", "trustme"})
FIRST = "My cat is called Ada, and she is afraid of the vacuum cleaner."
SECOND = "What is my cat called?"
MILLISECONDS_A_WORD = 30


def demo(
    headed: Headed = False,
    verbose: Verbose = 0,
) -> None:
    """Go the whole way through a real browser, to a fake server: no account, no network.

    [dim]Examples:[/dim]

    chatgpt-browser demo

    chatgpt-browser demo --headed
    """
    with errors_as_exit_codes(), logging_to_stderr(verbose):
        show_what_this_is()
        with Steps(out) as steps, fake_server() as server:
            steps.done("fake server up", server.api_base_url)
            with client_of(server, headless=not headed) as api:
                open_session(api, steps)
                talk(api.get_conversation(), steps)
                steps.next("closing the browser")
            steps.done("browser closed", "nothing is left running")
        out.print(
            f"\n[bold green]The whole way took {steps.total:.1f} s.[/] That was a fake server, not ChatGPT."
        )


def show_what_this_is() -> None:
    out.print(
        Panel(
            "A [bold]fake ChatGPT[/] on this machine, reached through a [bold]real Chromium[/].\n"
            "No account, no network: nothing leaves this machine.",
            title="chatgpt-browser demo",
            title_align="left",
            expand=False,
            border_style="cyan",
        )
    )


def fake_server() -> FakeChatGPT:
    """Make the server, whose challenge passes by itself as the site's usually does.

    :raises typer.Exit: where the extra `testing` is not installed.
    """
    try:
        from chatgpt_browser.testing import FakeChatGPT, Reply, remember
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in TESTING_PACKAGES:
            raise

        err.print("The demo needs an extra: pip install 'chatgpt-browser-api[cli,testing]'", markup=False)
        raise typer.Exit(2) from None

    return FakeChatGPT(
        challenge="passes", reply=lambda turn: Reply(remember(turn), interval=MILLISECONDS_A_WORD)
    )


def client_of(server: FakeChatGPT, *, headless: bool) -> ChatGPTAPI:
    from chatgpt_browser import ChatGPTAPI

    return ChatGPTAPI(
        server.session_token,
        api_base_url=server.api_base_url,
        backend_api_base_url=server.backend_api_base_url,
        headless=headless,
    )


def open_session(api: ChatGPTAPI, steps: Steps) -> None:
    """Start the browser, pass the challenge, sign in."""

    def notice(event: str, message: str) -> None:
        if event == BROWSER_UP:
            steps.done("browser up", message.partition(": ")[2])
            steps.next("passing the challenge")
        elif event == CHALLENGE_PASSED:
            steps.done("challenge passed", "by itself, in the page")

    steps.next("starting Chromium")
    with listening(notice):
        api.start()

    steps.next("signing in")
    api.ensure_auth()
    steps.done("session alive", who(api.get_session()))


def who(session: Session) -> str:
    """Say whose session it is, and until when, as far as the site has told."""
    name = session.user.name or "somebody"
    return f"{name}, until {session.expires:%Y-%m-%d}" if session.expires else name


def talk(conversation: ChatGPTConversation, steps: Steps) -> None:
    """Send two messages, the second of which makes sense only to somebody who remembers the first.

    :raises ChatGPTError: where the first was forgotten.
    """
    steps.quote("you", FIRST)
    steps.next("waiting for the first word")
    with conversation.stream_message(FIRST) as stream:
        steps.done("first word", repr(next(stream)))
        for _ in stream:
            steps.show(stream.text)
        reply = stream.text

    steps.done("reply", f"{len(reply.split())} words, as they came")
    steps.quote("fake ChatGPT", reply)

    steps.quote("you", SECOND)
    steps.next("waiting for the second reply")
    reply = conversation.send_message(SECOND)
    if FIRST not in reply:
        raise ChatGPTError("the second reply does not remember the first message")

    steps.done("second remembered", "the same conversation, one message on")
    steps.quote("fake ChatGPT", reply)
