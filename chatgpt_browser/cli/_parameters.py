"""The options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Headed = Annotated[bool, typer.Option("--headed", help="Show the browser's window.")]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose", "-v", count=True, show_default=False, help="Log what is done; twice: everything."
    ),
]
