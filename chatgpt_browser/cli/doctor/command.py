"""`chatgpt-browser doctor`: check the machine, the browser, the network and the session, and suggest remedies."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from ..exit_codes import errors_as_exit_codes
from ..output.consoles import err, logging_to_stderr, out
from ..output.terminal_text import printable
from ..shared_options import Headed, Verbose
from .browser_checks import CHECKS as BROWSER_CHECKS
from .checks import Check, exit_code, run_checks
from .context import CheckContext
from .issue_block import issue_block
from .live_checks import CHECKS as LIVE_CHECKS
from .machine_checks import CHECKS as MACHINE_CHECKS
from .network_checks import CHECKS as NETWORK_CHECKS
from .report import JsonReport, LineReport
from .session_checks import CHECKS as SESSION_CHECKS

AsJson = Annotated[bool, typer.Option("--json/--no-json", help="Write one JSON object instead of lines.")]

Live = Annotated[
    bool,
    typer.Option(
        "--live",
        help="Also send a short message by each of the two transports, and save a report without contents.",
    ),
]

#: The checks that run without `--live`, in order. `--live` adds `LIVE_CHECKS`.
CHECKS: tuple[Check[CheckContext], ...] = (*MACHINE_CHECKS, *BROWSER_CHECKS, *NETWORK_CHECKS, *SESSION_CHECKS)


def doctor(live: Live = False, as_json: AsJson = False, headed: Headed = False, verbose: Verbose = 0) -> None:
    """Check everything that a message needs, and suggest what to do about each problem.

    The only request to the site is for your session. No token is shown. The
    output may contain your name and text from the site: check it before you
    share it. The exit code is the one of the first problem.

    With --live, up to three short messages are sent with your session: one by
    the client's own request, one by the site's page, and one by the page in a
    browser with a window (under Xvfb if there is no display). Their
    conversations are deleted afterwards. A file in the current folder
    describes the responses; attach it to a bug report, and paste the last
    block of the output into the report.

    Examples:

    chatgpt-browser doctor

    chatgpt-browser doctor --live

    chatgpt-browser doctor --json | jq '.checks[] | select(.status == "problem")'
    """
    with errors_as_exit_codes(), logging_to_stderr(verbose):
        results = []
        with (
            JsonReport() if as_json else LineReport(out) as report,
            CheckContext(headless=not headed) as context,
        ):
            checks = (*CHECKS, *LIVE_CHECKS) if live else CHECKS
            for result in run_checks(checks, context, report.next):
                report.add(result)
                results.append(result)
            report.next("closing the browser")
        report.close(results)
        if live:
            print_block(issue_block(context, results), as_json=as_json)
        if code := exit_code(results):
            raise typer.Exit(code)


def print_block(block: str, *, as_json: bool) -> None:
    """Print the block for a bug report: on standard output, or on standard error if standard output contains JSON."""
    console = err if as_json else out
    console.print(Text(f"\nFor a bug report:\n```text\n{printable(block)}\n```"), soft_wrap=True)
