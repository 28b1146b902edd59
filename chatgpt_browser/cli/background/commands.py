"""`chatgpt-browser background`: start, stop and show the browser that stays open between commands."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from chatgpt_browser._core.errors import BrowserError, BrowserLaunchError
from chatgpt_browser._shared_client.address import IS_SUPPORTED
from chatgpt_browser._shared_client.connection import program_of

from .. import shared_options as options
from ..command_class import CommandGroup
from ..detached import start_detached
from ..exit_codes import errors_as_exit_codes
from ..output.consoles import logging_to_stderr, print_note, write_json, write_text
from ..output.wait_spinner import wait_spinner
from ..shared_client import find_shared_client
from .control import log_path, request_service, stop_service

#: The name of the hidden command that runs in the background process.
COMMAND = "run"
#: The exit code of `background status` if no background browser is running.
NOT_RUNNING = 1
HELP = """Keep a browser open between commands, so that `ask`, `chat`, `models` and `history` start faster.

The browser ends by itself if no command uses it for some time.

Examples:

chatgpt-browser background start

chatgpt-browser background stop
"""
IdleTimeout = Annotated[
    float,
    typer.Option("--idle-timeout", help="End after this time without a command.", min=1, metavar="SECONDS"),
]

background: typer.Typer = typer.Typer(cls=CommandGroup, help=HELP, no_args_is_help=True, add_completion=False)


@background.command()
def start(
    idle_timeout: IdleTimeout = 900,
    send_via: options.SendViaOption = "auto",
    verbose: options.Verbose = 0,
) -> None:
    """Start a browser in the background, signed in like the other commands.

    The command returns when the browser has opened the site.

    Examples:

    chatgpt-browser background start

    chatgpt-browser background start --idle-timeout 3600
    """
    check_supported()
    given: dict[str, Any] = {"headless": True, "send_via": send_via}
    with errors_as_exit_codes(), logging_to_stderr(verbose):
        if (running := request_service("status")) is not None:
            report_running(running, given)
            return
        with wait_spinner("the site"):
            answer = start_detached(
                ("background", COMMAND),
                {"client": given, "idle_timeout": idle_timeout},
                log_path(),
                without_answer=BrowserLaunchError(
                    f"The background process ended early. Its log is {log_path()}."
                ),
            )
        if answer["pid"] is None:  # Another process was started at the same time.
            report_other_start(given)
            return
        print_note(
            f"the background browser runs (process {answer['pid']}); it ends after {idle_timeout:g} s without a command"
        )


@background.command()
def stop() -> None:
    """End the background browser, or the `serve` process whose browser the commands use. Replies in progress are stopped.

    Examples:

    chatgpt-browser background stop
    """
    check_supported()
    with errors_as_exit_codes():
        if not stop_service():
            print_note("no background browser is running")


@background.command()
def status(as_json: options.AsJson = False) -> None:
    """Show whether a background browser is running. If none is running, exit with code 1.

    Examples:

    chatgpt-browser background status
    """
    check_supported()
    with errors_as_exit_codes(as_json=as_json):
        found = request_service("status")
        if as_json:
            write_json({"running": found is not None, **(found or {})})
        elif found is None:
            write_text("not running\n")
        else:
            since = f"{datetime.fromtimestamp(found['started_at']):%H:%M}"
            program = "" if found["program"] == "background" else f" of {program_of(found)}"
            write_text(f"running: process {found['pid']}{program}, since {since}, {describe_end(found)}\n")
        if found is None:
            raise typer.Exit(NOT_RUNNING)


def describe_end(status: dict[str, Any]) -> str:
    """Return a text that states when the process ends."""
    if status["in_use"]:
        return "in use"
    if status["idle_timeout"] is None:
        return "ends when it is stopped"
    return f"ends after {status['idle_timeout']:g} s without a command"


def check_supported() -> None:
    """Check that this system has the sockets that a background browser needs.

    :raises typer.BadParameter: the system is Windows.
    """
    if not IS_SUPPORTED:
        raise typer.BadParameter("a background browser is not supported on Windows")


def report_running(status: dict[str, Any], given: dict[str, Any]) -> None:
    """Wait until the browser of the background process or of `serve` has opened the site, and print that it is running.

    :raises BrowserError: the running program has another session or other options than this command.
    """
    shared = find_shared_client(given)
    if shared is None:
        raise BrowserError(
            f"No browser was started: {program_of(status)} is running (process {status['pid']}) with another session or other "
            "options. `chatgpt-browser background stop` ends it."
        )
    with wait_spinner("the site"), shared:
        shared.start()
    print_note(
        f"{program_of(status)} is already running (process {status['pid']}); the commands use its browser"
    )


def report_other_start(given: dict[str, Any]) -> None:
    """Report the browser of a process that was started at the same time.

    :raises BrowserError: its session or its options differ from those of this command, or the process has ended.
    """
    if (running := request_service("status")) is None:
        raise BrowserError("Another background browser is starting or ending. Run the command again.")
    report_running(running, given)


@background.command(COMMAND, hidden=True)
def run() -> None:
    """Run the process of the background browser."""
    from .worker import run_in_background  # the other commands do not need the client

    run_in_background()
