"""The Typer application: registers the commands, the help page and the option `--version`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.panel import Panel
from rich.table import Table

from .background.commands import background
from .batch.command import batch
from .chat.command import chat
from .command_class import Command, CommandGroup
from .commands.ask import ask
from .commands.demo import demo
from .commands.install import install
from .commands.login import login
from .commands.logout import logout
from .commands.models import models
from .doctor.command import doctor
from .environment import VARIABLES
from .exit_codes import exit_codes
from .history.commands import history
from .jobs.commands import jobs
from .mcp.command import mcp
from .output.consoles import out
from .smoke.command import smoke


class RootGroup(CommandGroup):
    """The group of all commands. Its help page also lists environment variables and exit codes."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command. If Ctrl-C interrupts the command, exit with code 130."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, typer.Abort):  # `typer.confirm` raises Abort after Ctrl-C or Ctrl-D.
            raise typer.Exit(130) from None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write Typer's help page, and then print the environment variables and the exit codes."""
        super().format_help(ctx, formatter)
        out.print(help_panel("Environment", VARIABLES))
        out.print(help_panel("Exit codes", ((str(code), meaning) for code, meaning in exit_codes())))


def help_panel(title: str, rows: Iterable[tuple[str, str]]) -> Panel:
    """Return a panel in the style of Typer's help. It contains the rows as a table of two columns."""
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    table.add_column(style="bold cyan", no_wrap=True)
    table.add_column()
    for row in rows:
        table.add_row(*row)

    return Panel(table, title=title, title_align="left", border_style="dim")


app = typer.Typer(
    cls=RootGroup,
    help="Use ChatGPT's web application through a headless Chromium.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    # Typer's pretty tracebacks print local variables, which may contain a token.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (ask, chat, batch, models, login, logout, doctor, smoke, mcp, demo, install):
    app.command()(command)
app.add_typer(history, name="history")
app.add_typer(jobs, name="jobs")
app.add_typer(background, name="background")
for group in (app, history, jobs, background):
    for info in group.registered_commands:
        info.cls = Command


def print_version(requested: bool) -> None:
    """If `requested` is True (the option `--version`), print the version and exit."""
    if requested:
        import importlib.metadata

        typer.echo(f"chatgpt-browser {importlib.metadata.version('chatgpt-browser-api')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Define the options that are given before the name of a command."""
