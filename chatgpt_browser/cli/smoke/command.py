"""`chatgpt-browser smoke`: one real round trip, for continuous integration."""

from __future__ import annotations

import importlib.metadata
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatgpt_browser import ChatGPTError

from ..exit_codes import errors_as_exit_codes
from ..output.consoles import err, logging_to_stderr, out
from ..output.steps import Steps
from ..parameters import Headed, Verbose
from .junit import junit_xml
from .round_trip import DELETED, STEPS, RoundTrip
from .steps import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser._browser.artifacts import FailureArtifacts

MESSAGE = "Reply with the single word: pong"

Message = Annotated[str, typer.Option(help="What to ask.", metavar="TEXT")]
Expect = Annotated[
    str | None,
    typer.Option(
        help="Fail unless the reply contains this, in capitals or not.", metavar="TEXT", show_default=False
    ),
]
Timeout = Annotated[
    float, typer.Option(help="Give the reply up after so many seconds.", min=0.001, metavar="SECONDS")
]
Keep = Annotated[bool, typer.Option("--keep", help="Leave the conversation in the account's history.")]
Junit = Annotated[
    Path | None,
    typer.Option(
        help="Write the steps as JUnit XML.",
        dir_okay=False,
        writable=True,
        metavar="FILE",
        show_default=False,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        help="On failure, save a screenshot and a Playwright trace there. No token or cookie is in them; "
        "the picture shows the site as the account sees it.",
        file_okay=False,
        metavar="DIR",
        show_default=False,
    ),
]


def smoke(
    message: Message = MESSAGE,
    expect: Expect = None,
    timeout: Timeout = 120.0,
    keep: Keep = False,
    junit: Junit = None,
    output: Output = None,
    headed: Headed = False,
    verbose: Verbose = 0,
) -> None:
    """Make one real round trip and tell how long each step took: a test for continuous integration.

    One message is sent, and its conversation deleted afterwards. The exit code tells what kind of error it was.

    [dim]Examples:[/dim]

    chatgpt-browser smoke

    chatgpt-browser smoke --junit results/smoke.xml --output results

    chatgpt-browser smoke --message "What is 6 times 7?" --expect 42
    """
    with (
        errors_as_exit_codes(),
        logging_to_stderr(verbose),
        saved_on_failure(output) as evidence,
        Steps(out) as steps,
    ):
        journal = Journal(steps, [step for step in STEPS if not (keep and step == DELETED)])
        journal.facts["chatgpt-browser"] = importlib.metadata.version("chatgpt-browser-api")
        with reported(journal, junit):
            trip = RoundTrip(journal, evidence, message, expect, timedelta(seconds=timeout), keep)
            trip.make(headless=not headed)
        out.print(f"\n[bold green]The round trip took {steps.total:.1f} s.[/]")


@contextmanager
def reported(journal: Journal, junit: Path | None) -> Iterator[None]:
    """Note the error that ends the run, and write the report, where one is wanted, either way."""
    try:
        yield
    except ChatGPTError as error:
        journal.failed(error)
        raise
    finally:
        if junit is not None:
            junit.parent.mkdir(parents=True, exist_ok=True)
            junit.write_bytes(junit_xml(journal))


@contextmanager
def saved_on_failure(folder: Path | None) -> Iterator[FailureArtifacts | None]:
    """Give what is to watch the browser; where an error ends the run, save what it has seen."""
    if folder is None:
        yield None
        return

    from chatgpt_browser._browser.artifacts import FailureArtifacts

    evidence = FailureArtifacts()
    try:
        yield evidence
    except ChatGPTError:
        for file in evidence.save(folder, "smoke"):
            err.print(f"saved: {file}", markup=False, soft_wrap=True)
        raise
