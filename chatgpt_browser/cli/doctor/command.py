"""`chatgpt-browser doctor`: what is there and what is not, from this machine to the session, each with a remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..exit_codes import errors_as_exit_codes
from ..output.consoles import logging_to_stderr, out
from ..parameters import Headed, Verbose
from .checks import examine, exit_code
from .context import Patient
from .live import CHECKS as LIVE
from .machine_checks import CHECKS as HERE
from .report import JsonReport, LineReport
from .site_checks import CHECKS as SITE

if TYPE_CHECKING:
    from .checks import Check

AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object, in place of lines.")]

Live = Annotated[
    bool,
    typer.Option(
        "--live",
        help="Also send a short message by each of the two ways, and save what came, without contents.",
    ),
]

#: In order.
CHECKS: tuple[Check[Patient], ...] = (*HERE, *SITE)


def doctor(live: Live = False, as_json: AsJson = False, headed: Headed = False, verbose: Verbose = 0) -> None:
    """Look at everything that a message needs, and say what is wrong and what to do about it.

    Nothing is sent to the site but a request for its session, and no token is shown. The lines may name you, and repeat what the
    site has said: look at them before you paste them anywhere. The exit code is that of the first problem.

    With --live two short messages are sent with your own session, one by a request of the client's and one by the site's own
    page. Their conversations are taken out of your list again. A file in the current folder tells what came back: for a report.

    [dim]Examples:[/dim]

    chatgpt-browser doctor

    chatgpt-browser doctor --live

    chatgpt-browser doctor --json | jq '.checks[] | select(.status == "problem")'
    """
    with errors_as_exit_codes(), logging_to_stderr(verbose):
        results = []
        with JsonReport() if as_json else LineReport(out) as report, _patient(headless=not headed) as patient:
            checks = (*CHECKS, *LIVE) if live else CHECKS
            for result in examine(checks, patient, report.begin):
                report.add(result)
                results.append(result)
            report.begin("closing")
        report.close(results)
        if code := exit_code(results):
            raise typer.Exit(code)


def _patient(*, headless: bool) -> Patient:
    try:
        return Patient(headless=headless)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
