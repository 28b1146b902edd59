"""The command line: ``python -m chatgpt_browser`` and the script ``chatgpt-browser``."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from chatgpt_browser import __version__

if TYPE_CHECKING:
    from types import TracebackType

CLI_PACKAGES = frozenset({"typer", "rich", "prompt_toolkit"})


def print_traceback(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
    """Print the traceback of an unexpected error.

    If stderr is a terminal, control characters in the traceback are escaped, because an error message may contain text from the
    site, and this text could control the terminal.
    """
    import traceback

    from chatgpt_browser.cli.output.terminal_text import printable

    text = "".join(traceback.format_exception(kind, error, frames))
    sys.stderr.write(printable(text) if sys.stderr.isatty() else text)


def main() -> None:
    """Run the command line. If the extra ``cli`` is not installed, print one line and exit with status 2."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # The calling process closed the stream, for example with `>&-`.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - open until the process ends
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A reply may contain characters that the console's encoding cannot represent. They are printed as "?".
            stream.reconfigure(errors="replace")
    # `--version` does not need the command line, which takes a long time to import.
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"chatgpt-browser {__version__}\n")
        return
    try:
        from chatgpt_browser.cli import app

        sys.excepthook = print_traceback
        app(prog_name="chatgpt-browser")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in CLI_PACKAGES:
            raise

        sys.stderr.write("The command line needs an extra: pip install 'chatgpt-browser-api[cli]'\n")
        sys.exit(2)
    except KeyboardInterrupt:  # Ctrl-C before a command started, or during a command's cleanup
        sys.exit(130)


if __name__ == "__main__":
    main()
