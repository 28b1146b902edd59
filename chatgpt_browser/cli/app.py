"""The application: its help, its version, and the commands that it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.panel import Panel
from rich.table import Table
from typer.core import TyperGroup

from .batch.command import batch
from .chat.command import chat
from .client import BASE_URLS, TOKEN
from .commands.ask import ask
from .commands.demo import demo
from .commands.install import install
from .commands.login import login
from .commands.logout import logout
from .commands.models import models
from .doctor.command import doctor
from .exit_codes import exit_codes
from .history.command import history
from .output.consoles import out
from .smoke.command import smoke
from .state.data_folder import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable

VARIABLES = (
    (
        TOKEN,
        "the session token; it is a password, and never taken from an argument; without it, what login saved",
    ),
    *((name, f"the client's {option}, to point it elsewhere") for option, name in BASE_URLS.items()),
    (FOLDER, "where the profile, the session and the last conversation's place are kept"),
)


class Group(TyperGroup):
    """A help page that ends with the variables that are read and the exit codes; Ctrl-C has its own, wherever it comes."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, typer.Abort):  # Abort is a Ctrl-C or Ctrl-D where something was asked
            raise typer.Exit(130) from None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        super().format_help(ctx, formatter)
        out.print(panel("Environment", VARIABLES))
        out.print(panel("Exit codes", ((str(code), meaning) for code, meaning in exit_codes())))


def panel(title: str, rows: Iterable[tuple[str, str]]) -> Panel:
    """Draw a table of two columns as Typer draws its own."""
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    table.add_column(style="bold cyan", no_wrap=True)
    table.add_column()
    for row in rows:
        table.add_row(*row)

    return Panel(table, title=title, title_align="left", border_style="dim")


app = typer.Typer(
    cls=Group,
    help="Talk to ChatGPT's web application through a headless Chromium.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    # A pretty traceback shows local variables, and one of them may be a token.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(ask)
app.command()(chat)
app.command()(batch)
app.add_typer(history, name="history")
app.command()(models)
app.command()(login)
app.command()(logout)
app.command()(doctor)
app.command()(smoke)
app.command()(demo)
app.command()(install)


def show_version(wanted: bool) -> None:
    if wanted:
        import importlib.metadata

        typer.echo(f"chatgpt-browser {importlib.metadata.version('chatgpt-browser-api')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Hold the options that stand before a command."""
