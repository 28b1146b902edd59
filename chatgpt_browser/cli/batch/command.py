"""`chatgpt-browser batch`: send the prompts of a file and write the replies to another file. A run can be resumed at any time."""

from __future__ import annotations

import textwrap
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer
from rich.text import Text

from ..client_factory import client_from_environment
from ..completion import complete_model
from ..exit_codes import BATCH_FAILURES, UNCERTAIN_MESSAGES, errors_as_exit_codes
from ..output.consoles import logging_to_stderr, print_note
from ..output.milestones import milestone_callback
from ..output.terminal_text import printable
from ..shared_options import Headed, PlainText, SendViaOption, Timeout, Verbose, to_timedelta
from .journal import BatchJournal
from .progress import ProgressCounts, ProgressDisplay
from .prompt_file import Prompts, read_prompts
from .result_file import Outcome, ResultFile
from .resume_plan import prepare

if TYPE_CHECKING:
    from chatgpt_browser import BatchMessage, ChatGPTAPI

PromptFile = Annotated[
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
        help="Look again for the uncertain prompts; send those that the site does not have.",
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
    str | None,
    typer.Option(
        "--model",
        help="Model for prompts without `model`.",
        metavar="NAME",
        autocompletion=complete_model,
    ),
]

#: Standard error lists at most this many uncertain prompts (prompts that the site may have received).
_MOST_NAMED = 20
#: The length at which a prompt is cut, in characters.
_SHOWN_LENGTH = 60


def batch(
    prompts: PromptFile,
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
    """Send many prompts. Each reply is saved to disk before the next prompt is sent.

    To resume after an interruption, run the same command again: prompts with
    a reply are not sent again. When the site sets a rate limit, the command
    waits as long as the site requests. A failed prompt is written as a row
    with its error. If a run was killed, the next run looks on the site for the
    prompt that was being sent, and takes its reply. A prompt that is not found
    is not sent again, and its row is marked as uncertain.

    Examples:

    chatgpt-browser batch prompts.jsonl -o replies.jsonl

    chatgpt-browser batch prompts.jsonl -o replies.jsonl --retry-failed

    cat questions.txt | chatgpt-browser batch - -o replies.jsonl
    """
    with errors_as_exit_codes(), logging_to_stderr(verbose):
        source = read_prompts(prompts, timeout)
        options: dict[str, Any] = {"headless": not headed, "markdown": not plain_text}
        options |= {"model": model, "send_via": send_via}
        with ResultFile(output) as results:
            if results.was_cut:
                print_note("removed an incomplete last line from the output")
            journal = BatchJournal(output)
            journal.clean_up(results.outcomes)
            if retry_uncertain:
                results.drop_uncertain()
            if retry_failed:
                results.drop_failures()
            todo = prepare(source.messages, results)
            journal.note_other_prompts(source.messages)
            if todo:
                run = BatchRun(results, journal, len(source.messages), give_up_after)
                with client_from_environment(max_concurrent_messages=concurrency, **options) as api:
                    run.send(api, todo, timeout_ms=to_timedelta(timeout), retry_uncertain=retry_uncertain)
            print_summary(source, results)


def print_summary(source: Prompts, results: ResultFile) -> None:
    """Print the number of messages with a reply, the uncertain messages, and the number of failures for each class of error.

    :raises typer.Exit: at least one message has no reply.
    """
    failures = failures_by_error(source.messages, results.outcomes)
    failed = failures.total()
    uncertain = [message for message in source.messages if results.outcomes[message.id or ""].is_uncertain]
    print_note(f"{len(source.messages) - failed} of {len(source.messages)} have a reply")
    if failed > len(uncertain):
        print_note(f"{failed - len(uncertain)} failed; --retry-failed sends them again")
    if uncertain:
        print_note(
            f"{len(uncertain)} uncertain: it is unknown whether the site received them; --retry-uncertain looks again, and "
            "sends those that the site does not have"
        )
        print_uncertain(uncertain, source.lines)
    if failed:
        tally = ", ".join(f"{count} {kind}" for kind, count in failures.most_common())
        print_note(f"failures by error: {tally}")
        raise typer.Exit(UNCERTAIN_MESSAGES if uncertain else BATCH_FAILURES)


def print_uncertain(messages: list[BatchMessage], lines: dict[str, int]) -> None:
    """Print the line number and the beginning of each uncertain prompt, for at most 20 prompts."""
    for message in messages[:_MOST_NAMED]:
        print_note(Text(f"  line {lines[message.id or '']}: {printable(shortened(message.text))}"))
    if len(messages) > _MOST_NAMED:
        print_note(f'  and {len(messages) - _MOST_NAMED} more, with `"state": "uncertain"` in the output')


def shortened(text: str) -> str:
    """Return the beginning of a text on one line."""
    return textwrap.shorten(text, _SHOWN_LENGTH, placeholder="…")


class BatchRun(NamedTuple):
    """Sends the messages of one run of the command."""

    results: ResultFile
    journal: BatchJournal
    total: int
    give_up_after: int

    def send(self, api: ChatGPTAPI, todo: list[BatchMessage], **options: Any) -> None:
        """Send the remaining messages and write each result to the file.

        :raises ChatGPTError: an error that ends the batch, or the last of `give_up_after` failures in a row.
        """
        in_a_row = 0
        counts = ProgressCounts(self.total, self.total - len(todo), self.results.failed)
        with ProgressDisplay(counts) as display, milestone_callback(display.on_milestone):
            for result in api.send_many(todo, in_order=False, batch_id=self.journal.batch_id, **options):
                self.results.write(result)
                self.journal.note_written(result)
                display.count(result.error is not None)
                in_a_row = 0 if result.error is None else in_a_row + 1
                if result.error is not None and in_a_row == self.give_up_after:
                    display.print_line(f"stopping after {in_a_row} failures in a row")
                    raise result.error


def failures_by_error(messages: list[BatchMessage], outcomes: dict[str, Outcome]) -> Counter[str]:
    """Return the number of messages without a reply for each class of error."""
    found = (outcomes[message.id or ""] for message in messages)
    return Counter(outcome.error_type or "unknown error" for outcome in found if not outcome.is_reply)
