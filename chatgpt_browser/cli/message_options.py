"""The command-line options for one message: attached files, effort, tools, temporary chat and project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatgpt_browser._core.message_options import MessageOptions

from .completion import complete_effort
from .output.option_names import message_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatgpt_browser._core.choices import SendVia

_PANEL = "Message"

Attach = Annotated[
    list[Path] | None,
    typer.Option(
        "--attach",
        help="Attach this file to the message; repeat for more files. `--file` appends a file's text instead.",
        exists=True,
        dir_okay=False,
        readable=True,
        metavar="FILE",
        rich_help_panel=_PANEL,
    ),
]
Effort = Annotated[
    str | None,
    typer.Option(
        "--effort",
        help="Effort with which the model thinks; the command `models` lists the efforts of each model.",
        metavar="NAME",
        rich_help_panel=_PANEL,
        autocompletion=complete_effort,
    ),
]
Tools = Annotated[
    list[str] | None,
    typer.Option(
        "--tool",
        help="Tool that the reply must use, such as `search`, `image` or `deep_research`; repeat for more tools.",
        metavar="NAME",
        rich_help_panel=_PANEL,
    ),
]
Temporary = Annotated[
    bool,
    typer.Option(
        "--temporary",
        help="Start a temporary chat, which the site does not keep.",
        rich_help_panel=_PANEL,
    ),
]
Project = Annotated[
    str | None,
    typer.Option(
        "--project",
        help="Start the conversation in this project: the part of its address that begins with `g-p-`.",
        metavar="ID",
        rich_help_panel=_PANEL,
    ),
]

#: Maps the name of an argument in the library's error messages to the command-line option with the same effect.
_NAMES = {
    "files": "--attach",
    "effort": "--effort",
    "tools": "--tool",
    "temporary": "--temporary",
    "project": "--project",
}


def message_arguments(
    send_via: SendVia,
    *,
    attach: Sequence[Path] | None = None,
    effort: str | None = None,
    tool: Sequence[str] | None = None,
    temporary: bool = False,
    project: str | None = None,
) -> dict[str, Any]:
    """Return the options that the user has given, as keyword arguments of the methods that send a message.

    :raises typer.BadParameter: an option is invalid, or cannot be used together with `--send-via fetch`.
    """
    options = {"files": attach, "effort": effort, "tools": tool, "temporary": temporary, "project": project}
    given: dict[str, Any] = {name: value for name, value in options.items() if value}
    try:
        MessageOptions.checked(given, send_via)  # type: ignore[arg-type]
    except ValueError as error:
        words = (_NAMES.get(word, word) for word in message_of(error).split(" "))
        raise typer.BadParameter(" ".join(words)) from None
    return given
