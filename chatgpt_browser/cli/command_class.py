"""The classes of all commands and groups. They check arguments, shorten help pages, and print usage errors as plain lines."""

from __future__ import annotations

import inspect
import re
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from .input.text_checks import encoding_problem
from .output.consoles import print_labelled, print_note

#: The class of usage errors. It cannot be imported by name, because its module depends on the version of Typer.
UsageError: Any = typer.BadParameter.__base__


def _no_type(ctx: Any) -> None:
    """Return None, so that the help page shows no type for the argument."""


class HelpMixin:
    """Removes the type names of some parameters from the help page."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters, changed so that the help page shows no type for flags and for arguments with a metavar."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]  # a mixin of Typer's classes
        for param in params:
            is_flag = getattr(param, "is_flag", False) or getattr(param, "count", False)
            if is_flag and param.metavar is None:
                param.metavar = ""
            if param.param_type_name == "argument" and param.metavar and hasattr(param, "display_type_rich"):
                param.display_type_rich = _no_type
        return params


class Command(HelpMixin, TyperCommand):
    """A command whose text arguments must be valid UTF-8."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.help: str = join_lines(self.help or "")

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments. Return the arguments that were not parsed, as Click's method does.

        :raises typer.BadParameter: a text argument is not UTF-8. Paths are not checked, because a file name may be any bytes.
        """
        rest: list[str] = super().parse_args(ctx, args)
        params: list[Any] = list(self.params)
        for param in params:
            value = ctx.params.get(param.name)
            for text in value if isinstance(value, (list, tuple)) else [value]:
                problem = encoding_problem(text) if isinstance(text, str) else None
                if problem:
                    raise typer.BadParameter(f"the text {problem}", ctx=ctx, param=param)
        return rest


class CommandGroup(HelpMixin, TyperGroup):
    """A group of commands that prints a usage error like other errors: as plain lines, without a frame."""

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
    """Print a usage error, unless Typer has already printed the help page. Return the `typer.Exit` that ends the command."""
    if type(error).__name__ == "NoArgsIsHelpError":
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
