"""The Typer application: the list of commands, the help page and the option `--version`.

The module of a command is imported when the command is used, so that `--help` of one command does not import the others.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand

from .command_class import Command, CommandGroup, ConfigPath, Profile


class CommandSource(NamedTuple):
    """A command or a group of commands: its module, its attribute in the module, and its line in `--help`."""

    module: str
    attribute: str
    #: The first paragraph of the command's own help page.
    summary: str


#: All commands in the order of `--help`.
COMMANDS = {
    "ask": CommandSource(
        "commands.ask", "ask", "Ask one question and write the reply to standard output while it arrives."
    ),
    "chat": CommandSource(
        "chat.command",
        "chat",
        "Have a conversation on the terminal. Ctrl-C stops a reply, Ctrl-D leaves, /help lists the commands.",
    ),
    "batch": CommandSource(
        "batch.command",
        "batch",
        "Send many prompts. Each reply is saved to disk before the next prompt is sent.",
    ),
    "models": CommandSource("commands.models", "models", "List the models that the account can use."),
    "login": CommandSource(
        "login.command",
        "login",
        "Sign in by hand in a browser window; save the session for the other commands.",
    ),
    "logout": CommandSource(
        "login.logout_command", "logout", "Remove what `login` saved: the session and the browser profile."
    ),
    "doctor": CommandSource(
        "doctor.command",
        "doctor",
        "Check everything that a message needs, and suggest what to do about each problem.",
    ),
    "smoke": CommandSource(
        "smoke.command",
        "smoke",
        "Test one real round trip and report the duration of each step, for continuous integration.",
    ),
    "demo": CommandSource(
        "commands.demo", "demo", "Talk to a fake server through a real browser: no account, no network."
    ),
    "install": CommandSource(
        "commands.install",
        "install",
        "Find Chromium, or install it: Playwright's build, or else the system package.",
    ),
    "history": CommandSource(
        "history.commands", "history", "List, show, rename, delete and export conversations."
    ),
    "jobs": CommandSource("jobs.commands", "jobs", "List, show, wait for, cancel and forget jobs."),
    "serve": CommandSource(
        "serve.command", "serve", "Serve the interface of OpenAI's API to the programs of this machine."
    ),
    "mcp": CommandSource(
        "mcp.command",
        "mcp",
        "Serve the Model Context Protocol over standard input and output, for editors and assistants.",
    ),
    "background": CommandSource(
        "background.commands",
        "background",
        "Keep a browser open between commands, so that `ask`, `chat`, `models` and `history` start faster.",
    ),
    "config": CommandSource("commands.config", "config", "Show and edit the settings of the config file."),
}


class LazyCommands(MutableMapping[str, Any]):
    """Maps the name of each command to the command. The module of a command is imported when the command is looked up."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = load_command(name, COMMANDS[name])
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        raise TypeError("commands cannot be deleted")

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


def load_command(name: str, source: CommandSource) -> Any:
    """Import a command or a group of commands, and return it."""
    found = getattr(import_module(f"{__package__}.{source.module}"), source.attribute)
    group = found
    if not isinstance(found, typer.Typer):
        group = typer.Typer(add_completion=False)
        group.command(name)(found)
    for info in group.registered_commands:
        info.cls = Command
    command: Any = typer.main.get_command(group)
    command.name = name
    return command


class RootGroup(CommandGroup):
    """The group of all commands. Its help page also lists environment variables and exit codes."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.commands: MutableMapping[str, Any] = LazyCommands()

    def invoke(self, ctx: Any) -> Any:
        """Run a command. If Ctrl-C interrupts the command, exit with code 130."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, typer.Abort):  # `typer.confirm` raises Abort after Ctrl-C or Ctrl-D.
            raise typer.Exit(130) from None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page, with the environment variables and the exit codes at its end. No command is imported."""
        from .environment import VARIABLES
        from .exit_codes import exit_codes

        commands = self.commands
        self.commands = {name: TyperCommand(name, help=source.summary) for name, source in COMMANDS.items()}
        try:
            super().format_help(ctx, formatter)
        finally:
            self.commands = commands
        codes = [(str(code), meaning) for code, meaning in exit_codes()]
        for title, rows in (("Environment", VARIABLES), ("Exit codes", codes)):
            with formatter.section(title):
                formatter.write_dl(rows)


app: typer.Typer = typer.Typer(
    cls=RootGroup,
    help="Use ChatGPT's web application through a headless Chromium.",
    no_args_is_help=True,
    # Typer's pretty tracebacks print local variables, which may contain a token.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def print_version(requested: bool) -> None:
    """If `requested` is True (the option `--version`), print the version and exit."""
    if requested:
        from chatgpt_browser import __version__

        typer.echo(f"chatgpt-browser {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
    profile: Profile = None,
    config: ConfigPath = None,
) -> None:
    """Define the options that precede the name of a command. A command reads `--profile` and `--config` from the context."""
