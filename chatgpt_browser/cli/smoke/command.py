"""`chatgpt-browser smoke`: a test of one real round trip, for continuous integration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from chatgpt_browser import ChatGPTError, __version__
from chatgpt_browser._core.files import write_private

from ..exit_codes import errors_as_exit_codes
from ..output.consoles import logging_to_stderr, out, print_note
from ..output.step_lines import StepLines
from ..shared_options import Headed, SendViaOption, Verbose
from .junit_report import junit_xml
from .round_trip import DELETED, STEPS, RoundTrip
from .step_log import StepLog

if TYPE_CHECKING:
    from chatgpt_browser._browser.artifacts import FailureArtifacts

MESSAGE = "Reply with the single word: pong"

Message = Annotated[str, typer.Option(help="Message to send.", metavar="TEXT")]
Expect = Annotated[
    str | None, typer.Option(help="Fail unless the reply contains this text, ignoring case.", metavar="TEXT")
]
Timeout = Annotated[float, typer.Option(help="Time limit for the reply.", min=0.001, metavar="SECONDS")]
Keep = Annotated[bool, typer.Option("--keep", help="Keep the conversation in the account's history.")]
Junit = Annotated[
    Path | None,
    typer.Option(
        help="Write a JUnit XML report of the steps.", dir_okay=False, writable=True, metavar="FILE"
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        help="Folder for a screenshot and a Playwright trace if the test fails. They contain no tokens or cookies; "
        "the screenshot shows the site as the account sees it.",
        file_okay=False,
        metavar="DIR",
    ),
]


def smoke(
    message: Message = MESSAGE,
    expect: Expect = None,
    timeout: Timeout = 120.0,
    keep: Keep = False,
    junit: Junit = None,
    output: Output = None,
    send_via: SendViaOption = "auto",
    headed: Headed = False,
    verbose: Verbose = 0,
) -> None:
    """Test one real round trip and report the duration of each step, for continuous integration.

    The test sends one message and then deletes the conversation. The exit code shows the kind of error.

    Examples:

    chatgpt-browser smoke

    chatgpt-browser smoke --junit results/smoke.xml --output results

    chatgpt-browser smoke --message "What is 6 times 7?" --expect 42
    """
    with (
        errors_as_exit_codes(),
        logging_to_stderr(verbose),
        artifacts_on_failure(output) as artifacts,
        StepLines(out) as steps,
    ):
        log = StepLog(steps, [step for step in STEPS if not (keep and step == DELETED)])
        log.properties["chatgpt-browser"] = __version__
        with junit_report(log, junit):
            trip = RoundTrip(log, artifacts, message, expect, timedelta(seconds=timeout), keep)
            trip.run(headless=not headed, send_via=send_via)
        out.print(Text(f"\nRepetition: {log.properties['repetition']}."))
        out.print(Text(f"The round trip took {steps.total:.1f} s.", "bold green"))


@contextmanager
def junit_report(log: StepLog, junit: Path | None) -> Iterator[None]:
    """Log an error of the block as the failure of the current step, and raise it again.

    At the end, also after an error, write the report to `junit`. If `junit` is None, write no report.
    """
    try:
        yield
    except ChatGPTError as error:
        log.failed(error)
        raise
    finally:
        if junit is not None:
            junit.parent.mkdir(parents=True, exist_ok=True)
            write_private(junit, junit_xml(log))


@contextmanager
def artifacts_on_failure(folder: Path | None) -> Iterator[FailureArtifacts | None]:
    """Yield a recorder of screenshots and traces. If the block fails, save the recorded files in the folder.

    If `folder` is None, yield None and save nothing.
    """
    if folder is None:
        yield None
        return

    from chatgpt_browser._browser.artifacts import FailureArtifacts

    artifacts = FailureArtifacts()
    try:
        yield artifacts
    except ChatGPTError:
        for file in artifacts.save(folder, "smoke"):
            print_note(f"saved: {file}")
        raise
