"""The options that several commands share."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

Headed = Annotated[bool, typer.Option("--headed", help="Show the browser's window.")]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose", "-v", count=True, show_default=False, help="Log what is done; twice: everything."
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        help="The model that answers; `models` lists them.",
        metavar="NAME",
        show_default=False,
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(help="Give up after so many seconds.", min=0.001, metavar="SECONDS", show_default=False),
]
PlainText = Annotated[bool, typer.Option("--plain-text", help="Take the Markdown out of the reply.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON, errors too.")]


def limit(seconds: float | None) -> timedelta | None:
    """A number of seconds as the library takes it."""
    return None if seconds is None else timedelta(seconds=seconds)
