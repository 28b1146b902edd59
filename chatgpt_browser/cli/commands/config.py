"""`chatgpt-browser config`: show the settings and their sources, print the path of the config file, and edit the file."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import typer

from chatgpt_browser._core.files import create_private

from ..command_class import CommandGroup
from ..environment import BROWSER, TOKEN
from ..exit_codes import errors_as_exit_codes
from ..output.consoles import print_note, write_json, write_text
from ..output.tables import write_table
from ..settings.config_file import ConfigFile
from ..settings.keys import KEYS
from ..settings.settings import Setting, Settings
from ..shared_options import AsJson
from ..state.data_folder import DataFolder

HELP = """Show and edit the settings of the config file.

An option of a command takes precedence over an environment variable, and a variable over the file. The file contains no session
token.

Examples:

chatgpt-browser config show

chatgpt-browser config edit
"""
config: typer.Typer = typer.Typer(cls=CommandGroup, help=HELP, no_args_is_help=True, add_completion=False)
#: The variables that name an editor, and the editors that are tried if none of the variables is set.
_EDITOR_VARIABLES = ("VISUAL", "EDITOR")
_EDITORS = ("notepad",) if os.name == "nt" else ("sensible-editor", "nano", "vim", "vi")


@config.command()
def show(as_json: AsJson = False) -> None:
    """Show each setting, its value and its source. No token is shown.

    In a pipe, columns are separated by tabs: key, value, source.

    Examples:

    chatgpt-browser config show

    chatgpt-browser config show --profile work
    """
    with errors_as_exit_codes():
        settings = Settings.current()
        found = {key.name: settings.get(key.name) for key in KEYS} | {"session": session_source(settings)}
        if as_json:
            write_json({name: setting._asdict() for name, setting in found.items()})
        else:
            rows = [(name, str(setting.value), setting.source) for name, setting in found.items()]
            write_table(("Key", "Value", "Source"), rows)


@config.command()
def path() -> None:
    """Print the path of the config file, even if the file does not exist.

    Examples:

    chatgpt-browser config path
    """
    with errors_as_exit_codes():
        write_text(f"{existing_path()}\n")


@config.command()
def edit() -> None:
    """Open the config file in your editor, and check it afterwards. If the file does not exist, create it with a comment per key.

    Examples:

    chatgpt-browser config edit

    chatgpt-browser config edit --config other.toml
    """
    with errors_as_exit_codes():
        file = existing_path()
        words = editor()
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            create_private(file, template())
        environment = {name: value for name, value in os.environ.items() if name != TOKEN}
        try:
            code = subprocess.run([*words, str(file)], env=environment).returncode
        except OSError as error:
            raise typer.BadParameter(f"cannot start the editor {words[0]}: {error.strerror}") from None
        if code:
            print_note(f"the editor ended with the status {code}")
            raise typer.Exit(1)
        ConfigFile.read(file)


def session_source(settings: Settings) -> Setting:
    """Return which session the commands use, and where it comes from. The result contains no token."""
    if settings.profile_option is None and os.environ.get(BROWSER["browser_context"]) == "default":
        return Setting("the session of your browser", BROWSER["browser_context"])
    if settings.session_token is not None:
        return Setting("a session token", TOKEN)
    folder = DataFolder.current()
    return Setting("saved" if folder.session.is_file() else "none", str(folder.session))


def existing_path() -> Path:
    """Return the path of the config file, even if the file does not exist.

    :raises typer.BadParameter: the platform has no config folder.
    """
    found = Settings.current().config_path.value
    if not isinstance(found, Path):
        raise typer.BadParameter("there is no config folder: set CHATGPT_CONFIG, or use --config FILE")
    return found


def editor() -> list[str]:
    """Return the words of the command that starts the editor of the user.

    :raises typer.BadParameter: no editor was found, or a variable contains no valid command.
    """
    for name in _EDITOR_VARIABLES:
        try:
            words = shlex.split(os.environ.get(name, ""), posix=os.name != "nt")
        except ValueError as error:  # For example, a quote is missing.
            raise typer.BadParameter(f"{name} is not a command: {error}") from None
        if words:
            return words
    found = next(filter(None, map(shutil.which, _EDITORS)), None)
    if found is None:
        raise typer.BadParameter(f"no editor was found: set {' or '.join(_EDITOR_VARIABLES)}")
    return [found]


def template() -> str:
    """Return the content of a new config file: all keys, as comments. Keys in a table come last, below the name of the table."""
    lines = ["# The settings of chatgpt-browser. An option or an environment variable takes precedence.", ""]
    table = ""
    for key in KEYS:
        above = key.name.rpartition(".")[0]
        if above != table:
            lines += [f"[{above}]", ""]
            table = above
        lines += [f"# {key.meaning}", f"# {key.example}", ""]
    return "\n".join(lines)
