"""`chatgpt-browser batch`: send the prompts of a file and write the replies to another file. A run can be resumed at any time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..client_factory import client_from_environment
from ..exit_codes import BATCH_FAILURES, errors_as_exit_codes
from ..output.consoles import logging_to_stderr, print_note
from ..output.milestones import milestone_callback
from ..shared_options import Headed, PlainText, SendViaOption, Timeout, Verbose, to_timedelta
from .journal import DeliveryJournal
from .progress import ProgressCounts, ProgressDisplay
from .prompt_file import read_prompts
from .result_file import Outcome, ResultFile
from .resume_plan import prepare, settle

if TYPE_CHECKING:
    from chatgpt_browser import BatchMessage, ChatGPTAPI

Prompts = Annotated[
    Path,
    typer.Argument(
        help="File of prompts, or - for standard input: lines of text, or JSON lines with `prompt` and, optionally, "
        "`id`, `conversation` (a name: prompts with the same name form one conversation), `conversation_id`, "
        "`parent_message_id` and `model`.",
        metavar="PROMPTS",
    ),
]
Output = Annotated[
    Path, typer.Option("--output", "-o", help="File for the replies, as JSON lines.", metavar="FILE")
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Send the failed prompts again.")]
RetryUncertain = Annotated[
    bool,
    typer.Option(
        "--retry-uncertain",
        help="Look again for the prompts that a killed run may have sent; send those that have no reply.",
    ),
]
Concurrency = Annotated[
    int,
    typer.Option(
        help="Messages in flight; for most accounts the site accepts only one.", min=1, metavar="NUMBER"
    ),
]
GiveUpAfter = Annotated[
    int, typer.Option(help="Stop after this many failures in a row.", min=1, metavar="NUMBER")
]
ModelName = Annotated[
    str | None, typer.Option("--model", help="Model for prompts without `model`.", metavar="NAME")
]


def batch(
    prompts: Prompts,
    output: Output,
    retry_failed: RetryFailed = False,
    retry_uncertain: RetryUncertain = False,
    timeout: Timeout = None,
    concurrency: Concurrency = 1,
    give_up_after: GiveUpAfter = 10,
    model: ModelName = None,
    plain_text: PlainText = False,
    send_via: SendViaOption = "auto",
    headed: Headed = False,
    verbose: Verbose = 0,
) -> None:
    """Send many prompts, one after another; save each reply to disk before the next prompt is sent.

    To resume after an interruption, run the same command again: prompts with
    a reply are not sent again. When the site sets a rate limit, the command
    waits as long as the site requests. A failed prompt is written as a row
    with its error. After a kill, the command looks on the site for the prompt
    that was being sent. If it cannot tell whether the prompt was sent, it
    writes an uncertain row, and does not send it again.

    [dim]Examples:[/dim]

    chatgpt-browser batch prompts.jsonl -o replies.jsonl

    chatgpt-browser batch prompts.jsonl -o replies.jsonl --retry-failed

    cat questions.txt | chatgpt-browser batch - -o replies.jsonl
    """
    with errors_as_exit_codes(), logging_to_stderr(verbose):
        messages = read_prompts(prompts, timeout)
        options: dict[str, Any] = {
            "headless": not headed,
            "markdown": not plain_text,
            "model": model,
            "send_via": send_via,
        }
        with ResultFile(output) as results, closing_journal(output, results) as journal:
            if results.was_cut:
                print_note("removed an incomplete last line from the output")
            in_doubt = {id_: each for id_, each in journal.attempts.items() if id_ not in results.outcomes}
            in_doubt |= results.uncertain if retry_uncertain else {}
            if in_doubt:
                with client_from_environment(**options) as api:
                    settle(
                        api,
                        results,
                        in_doubt.values(),
                        markdown=not plain_text,
                        send_uncertain=retry_uncertain,
                    )
            if retry_uncertain:
                results.drop_uncertain()
            journal.clear()
            if retry_failed:
                results.drop_failures()
            todo = prepare(messages, results)
            if todo:
                with client_from_environment(max_concurrent_messages=concurrency, **options) as api:
                    send_all(api, todo, results, journal, len(messages), timeout, give_up_after)
            print_summary(messages, results)


def print_summary(messages: list[BatchMessage], results: ResultFile) -> None:
    """Print the number of messages with a reply, and the number of failures for each class of error.

    :raises typer.Exit: at least one message has no reply.
    """
    failures = failures_by_error(messages, results.outcomes)
    failed = failures.total()
    uncertain = sum(message.id in results.uncertain for message in messages)
    print_note(f"{len(messages) - failed} of {len(messages)} have a reply")
    if failed > uncertain:
        print_note(f"{failed - uncertain} failed; --retry-failed sends them again")
    if uncertain:
        print_note(
            f"{uncertain} uncertain: a run that was killed may have sent them; --retry-uncertain looks again, and sends those "
            "that have no reply"
        )
    if failed:
        tally = ", ".join(f"{count} {kind}" for kind, count in failures.most_common())
        print_note(f"failures by error: {tally}")
        raise typer.Exit(BATCH_FAILURES)


@contextmanager
def closing_journal(output: Path, results: ResultFile) -> Iterator[DeliveryJournal]:
    """Yield the journal of a batch, and close it after the block. If each sent message has a result, delete its file."""
    journal = DeliveryJournal(output)
    try:
        yield journal
    finally:
        journal.close(results.outcomes)


def send_all(
    api: ChatGPTAPI,
    todo: list[BatchMessage],
    results: ResultFile,
    journal: DeliveryJournal,
    total: int,
    timeout: float | None,
    give_up_after: int,
) -> None:
    """Send the remaining messages and write each result to the file.

    :raises ChatGPTError: an error that ends the batch, or the last of `give_up_after` failures in a row.
    """
    in_a_row = 0
    counts = ProgressCounts(total, total - len(todo), results.failed)
    with ProgressDisplay(counts) as display, milestone_callback(display.on_milestone):
        for result in api.send_many(
            todo, in_order=False, timeout_ms=to_timedelta(timeout), on_delivery=journal.note
        ):
            results.write(result)
            display.count(result.error is not None)
            in_a_row = 0 if result.error is None else in_a_row + 1
            if result.error is not None and in_a_row == give_up_after:
                display.print_line(f"stopping after {in_a_row} failures in a row")
                raise result.error


def failures_by_error(messages: list[BatchMessage], outcomes: dict[str, Outcome]) -> Counter[str]:
    """Return the number of messages without a reply for each class of error."""
    found = (outcomes[message.id or ""] for message in messages)
    return Counter(outcome.error_type or "unknown error" for outcome in found if not outcome.is_reply)
