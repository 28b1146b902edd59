"""The command-line options that several commands share."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from chatgpt_browser._core.choices import SendVia

from .completion import complete_conversation_id, complete_model
from .environment import SEND_VIA
from .state.last_conversation import LAST

Headed = Annotated[bool, typer.Option("--headed", help="Show the browser window.")]
NoBackground = Annotated[
    bool,
    typer.Option(
        "--no-background", help="Start a browser, even if `background start` or `serve` keeps one open."
    ),
]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        show_default=False,
        help="Log the main steps to standard error; -vv logs everything.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="Model to use; the command `models` lists them.",
        metavar="NAME",
        autocompletion=complete_model,
    ),
]
SendViaOption = Annotated[
    SendVia,
    typer.Option(
        "--send-via",
        envvar=SEND_VIA,
        help="How messages are sent: `fetch` by the client's own request, `page` by the site's own page, `auto` by the page "
        "once the site has responded that it requires that.",
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(help="Time limit for standard input and a reply.", min=0.001, metavar="SECONDS"),
]
ShowThoughts = Annotated[
    bool,
    typer.Option(
        "--show-thoughts", help="Write the model's thoughts and tool calls before the reply, as a quote."
    ),
]
NoStream = Annotated[bool, typer.Option("--no-stream", help="Write the reply when it is complete.")]
SaveFiles = Annotated[
    Path | None,
    typer.Option(
        "--save-files",
        help="Save the files and images of the reply in this folder, created if it does not exist.",
        file_okay=False,
        metavar="FOLDER",
    ),
]
PlainText = Annotated[
    bool, typer.Option("--plain-text/--markdown", help="Remove the Markdown from the reply, or keep it.")
]
AsJson = Annotated[bool, typer.Option("--json/--no-json", help="Write JSON to standard output; errors too.")]


#: The accepted forms of a conversation argument, for the help page of `history`.
ID_FORMS = (
    "ID is a conversation's id or at least 4 characters of its start, its number in the newest output of `history list`, or "
    f"`{LAST}`: the conversation that was used last, or the newest one if that was deleted."
)
#: The argument of `history` that names a conversation. Some commands accept it several times.
CONVERSATION_ARGUMENT = typer.Argument(
    help=f"Conversation: its id or the start of it, its number in `history list`, or `{LAST}`.",
    metavar="ID",
    autocompletion=complete_conversation_id,
)
Continue = Annotated[bool, typer.Option("--continue", "-c", help="Continue the last conversation.")]
ConversationId = Annotated[
    str | None,
    typer.Option(
        "--conversation",
        help=f"Continue this conversation: its id or the start of it, its number in `history list`, or `{LAST}`.",
        metavar="ID",
        autocompletion=complete_conversation_id,
    ),
]


def to_timedelta(seconds: float | None) -> timedelta | None:
    """Convert a number of seconds to a timedelta. If the argument is None, return None."""
    return None if seconds is None else timedelta(seconds=seconds)
