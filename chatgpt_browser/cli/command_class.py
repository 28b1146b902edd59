"""The classes of all commands and groups. They check arguments, shorten help pages, and print usage errors as plain lines."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import MarkupMode, TyperCommand, TyperGroup

from .completion import complete_profile
from .environment import CONFIG, PROFILE
from .input.text_checks import encoding_problem
from .output.consoles import print_labelled, print_note
from .settings.config_file import ConfigFileError
from .settings.keys import KEYS
from .settings.settings import Settings

#: The class of usage errors. It cannot be imported by name, because its module depends on the version of Typer.
UsageError: Any = typer.BadParameter.__base__


_PANEL = "Every command"
Profile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        help=f"Name of the saved login; default: {PROFILE}, or `profile` in the config file, or `default`.",
        metavar="NAME",
        rich_help_panel=_PANEL,
        autocompletion=complete_profile,
    ),
]
ConfigPath = Annotated[
    str | None,
    typer.Option(
        "--config",
        help=f"Config file; default: {CONFIG}, or else the file that `config path` prints.",
        metavar="FILE",
        rich_help_panel=_PANEL,
    ),
]


def _without_conversion(param: Any) -> Callable[[Any, Any], Any]:
    """Return a replacement for the method `process_value` of an option. It calls the option's callback, and converts nothing."""

    def process_value(ctx: Any, value: Any) -> Any:
        return value if param.callback is None else param.callback(ctx, param, value)

    return process_value


class HelpMixin:
    """Writes the help page as plain text."""

    rich_markup_mode: MarkupMode
    help: str | None

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help page without Rich.

        On a terminal of 80 columns, Typer's page with frames leaves only 20 columns for the texts. The import of the modules that
        draw the page would take 0.1 s.
        """
        self.rich_markup_mode = None
        super().format_help(ctx, formatter)  # type: ignore[misc]  # a mixin of Typer's classes

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write the description and the examples. Examples are not wrapped, because a wrapped command cannot be copied."""
        description, heading, examples = join_lines(self.help or "").partition("Examples:\n\n")
        # Click does not wrap a paragraph whose first line is the character \b.
        examples = re.sub(r"^(?=.)", "\b\n", examples, flags=re.MULTILINE)
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(description + heading + examples)


def common_options(profile: Profile = None, config: ConfigPath = None) -> None:
    """Declare the options of every command: Typer reads this signature. For example, `profile` sets `Settings.profile_option`."""


class Command(HelpMixin, TyperCommand):
    """A command whose text arguments must be valid UTF-8. It also has the options of `common_options`."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.help: str = join_lines(self.help or "")
        self._common_names = []
        for param in _common_params():
            self._common_names.append(param.name)
            self.params.append(param)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the parameters in sections: the arguments, without their types, and the options, grouped by `rich_help_panel`."""
        sections: dict[str, list[Any]] = {}
        params: list[Any] = self.get_params(ctx)
        for param in params:
            if (row := param.get_help_record(ctx)) is None:
                continue
            if param.param_type_name == "argument":
                sections.setdefault("Arguments", []).append((param.metavar or row[0], row[1]))
            else:
                sections.setdefault(param.rich_help_panel or "Options", []).append(row)
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments. Return the arguments that were not parsed, as Click's method does.

        :raises typer.BadParameter: a text argument is not UTF-8. Paths are not checked, because a file name may be any bytes.
        """
        rest: list[str] = super().parse_args(ctx, args)
        ctx.obj = self._settings(ctx)
        # `resilient_parsing` is True while the shell completes an incomplete line.
        if not ctx.resilient_parsing:
            apply_config(ctx, ctx.obj)
        params: list[Any] = list(self.params)
        for param in params:
            value = ctx.params.get(param.name)
            for text in value if isinstance(value, (list, tuple)) else [value]:
                problem = encoding_problem(text) if isinstance(text, str) else None
                if problem:
                    raise typer.BadParameter(f"the text {problem}", ctx=ctx, param=param)
        return rest

    def _settings(self, ctx: Any) -> Settings:
        """Return the settings for the options of `common_options`. The options may also precede the name of the command."""
        before = ctx.find_root().params
        given = {name: ctx.params.pop(name) for name in self._common_names}
        return Settings(
            **{
                f"{name}_option": before.get(name) if value is None else value
                for name, value in given.items()
            }
        )

    def invoke(self, ctx: Any) -> Any:
        """Run the command. While it runs, its settings are the current settings."""
        with ctx.obj.activated():
            return super().invoke(ctx)


def apply_config(ctx: Any, settings: Settings) -> None:
    """Set the parameters of a command from the config file, unless an option or an environment variable sets them.

    Several parameters, such as those of `--plain-text` and `--json`, may belong to one key of the file. If one of them is given,
    the key is ignored.

    :raises typer.BadParameter: the config file is invalid.
    """
    for key in KEYS:
        names = [name for name in key.parameters(None) if name in ctx.params]
        if not names or any(ctx.get_parameter_source(name).name != "DEFAULT" for name in names):
            continue
        if key.name in settings.config.values:
            values = key.parameters(settings.config.values[key.name])
            if ctx.params.get("detach"):  # Ignore `--json` from the file: `--detach` rejects it.
                values.pop("as_json", None)
            if ctx.params.get("send_via") == "fetch":  # Ignore the effort from the file: fetch cannot set it.
                values.pop("effort", None)
            ctx.params.update({name: values[name] for name in names if name in values})


def _common_params() -> list[Any]:
    """Return new parameters for the options of `common_options`."""
    app = typer.Typer(add_completion=False)
    app.command()(common_options)
    params: list[Any] = list(typer.main.get_command(app).params)
    return params


class CommandGroup(HelpMixin, TyperGroup):
    """A group of commands that prints a usage error like other errors: as plain lines, without a frame."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the options of the group. Return the other arguments, as Click's method does."""
        params: list[Any] = self.get_params(ctx)
        for param in params:
            # The options of groups are flags and texts, which need no conversion. Typer's conversion imports pydantic (0.1 s).
            param.process_value = _without_conversion(param)
        rest: list[str] = super().parse_args(ctx, args)
        return rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write each command of the group with the whole first sentence of its summary. Click would cut it to one line."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, each.get_short_help_str(1000)) for name, each in found if each and not each.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Parse the options that precede the name of the command. After a usage error, print the error and exit."""
        try:
            return super().make_context(*arguments, **options)
        except UsageError as error:
            raise exit_of_usage_error(error) from None

    def invoke(self, ctx: Any) -> Any:
        """Run a command. After a usage error, print the error and exit."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise exit_of_usage_error(error) from None


def exit_of_usage_error(error: Any) -> BaseException:
    """Print a usage error, or the help page if there are no arguments. Return the `typer.Exit` that ends the command."""
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(error.message)
        return typer.Exit(error.exit_code)
    if isinstance(error, ConfigFileError):
        print_labelled("error", "bold red", error.message)
        print_labelled("hint", "dim", "`chatgpt-browser config edit` opens the config file")
        return typer.Exit(error.exit_code)
    if error.ctx is not None:
        print_note(error.ctx.get_usage())
    print_labelled("error", "bold red", error.format_message())
    if error.ctx is not None:
        print_labelled("hint", "dim", f"`{error.ctx.command_path} --help` lists the arguments")
    return typer.Exit(error.exit_code)


def join_lines(text: str) -> str:
    """Return the text with each paragraph on one line, so that the help page can wrap the paragraphs to the terminal's width."""
    return re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.cleandoc(text))
