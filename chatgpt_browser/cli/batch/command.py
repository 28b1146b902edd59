"""`chatgpt-browser batch`: many prompts from a file, their replies to another as they come, to go on with at any time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatgpt_browser import BatchMessage, BatchResult

from ..client import client_from_environment
from ..exit_codes import BATCH_FAILURES, errors_as_exit_codes
from ..output.consoles import err, logging_to_stderr
from ..output.milestones import listening
from ..parameters import Headed, PlainText, Verbose
from .input_file import read_prompts
from .output_file import Results
from .progress import Board, Tally

if TYPE_CHECKING:
    from chatgpt_browser import ChatGPTAPI

    from .output_file import Outcome

Prompts = Annotated[
    Path,
    typer.Argument(
        help="A file of prompts, or - for standard input: lines of text, or JSON lines with `prompt` and, if you like, "
        "`id`, `conversation` (a name: prompts of one name follow each other), `conversation_id`, `model`.",
        show_default=False,
    ),
]
Output = Annotated[
    Path,
    typer.Option("--output", "-o", help="Where the replies go, as JSON lines.", show_default=False),
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Send again what has failed before.")]
Timeout = Annotated[
    float | None,
    typer.Option(
        help="Give up a message after so many seconds.", min=0.001, metavar="SECONDS", show_default=False
    ),
]
Concurrency = Annotated[
    int,
    typer.Option(help="How many messages go at once; the site takes one at a time for most accounts.", min=1),
]
GiveUpAfter = Annotated[int, typer.Option(help="Stop after so many failures in a row.", min=1)]
ModelName = Annotated[
    str | None,
    typer.Option("--model", help="The model for prompts that name none.", metavar="NAME", show_default=False),
]


def batch(
    prompts: Prompts,
    output: Output,
    retry_failed: RetryFailed = False,
    timeout: Timeout = None,
    concurrency: Concurrency = 1,
    give_up_after: GiveUpAfter = 10,
    model: ModelName = None,
    plain_text: PlainText = False,
    headed: Headed = False,
    verbose: Verbose = 0,
) -> None:
    """Send many prompts, one after another; each reply is on the disk before the next prompt is sent.

    Run it again and it goes on where it stood, whatever ended it: nothing that was answered is sent again. Where the site sets
    a rate limit, it waits for as long as the site asks, and says so. A prompt that fails is a row with its error.

    [dim]Examples:[/dim]

    chatgpt-browser batch prompts.jsonl -o replies.jsonl

    chatgpt-browser batch prompts.jsonl -o replies.jsonl --retry-failed

    cat questions.txt | chatgpt-browser batch - -o replies.jsonl
    """
    with errors_as_exit_codes(), logging_to_stderr(verbose):
        messages = read_prompts(prompts)
        options: dict[str, Any] = {"max_concurrent_messages": concurrency, "headless": not headed}
        options |= {"markdown": not plain_text} | ({} if model is None else {"model": model})
        with Results(output) as results:
            if results.was_cut:
                err.print("a last line that was half written has been cut off")
            if retry_failed:
                results.drop_failures()
            todo = prepare(messages, results)
            if todo:
                with client_from_environment(**options) as api:
                    send_all(api, todo, results, len(messages), timeout, give_up_after)
            failed = count_failures(messages, results.outcomes)
        err.print(f"{len(messages) - failed} of {len(messages)} have a reply", highlight=False)
        if failed:
            err.print(f"{failed} have failed; --retry-failed sends them again", highlight=False)
            raise typer.Exit(BATCH_FAILURES)


def prepare(messages: list[BatchMessage], results: Results) -> list[BatchMessage]:
    """What is left to be sent. What can't be, since an earlier message of its conversation has failed, is written down so."""
    from chatgpt_browser._client.batch import not_sent  # loads asyncio, which `--help` can do without

    todo, blocked = plan(messages, results.outcomes)
    for index, message in blocked:
        results.write(BatchResult(index, message, error=not_sent()))
    return todo


def plan(
    messages: list[BatchMessage], outcomes: dict[str, Outcome]
) -> tuple[list[BatchMessage], list[tuple[int, BatchMessage]]]:
    """The messages that have no outcome yet, each where its conversation stands; and those behind a failure.

    :raises typer.BadParameter: where a message is not the one that was answered.
    """
    todo: list[BatchMessage] = []
    blocked: list[tuple[int, BatchMessage]] = []
    before: dict[str, Outcome] = {}  # of each conversation, the outcome that its next message has to look at
    for index, message in enumerate(messages):
        outcome = outcomes.get(message.id or "")
        if outcome is not None:
            _check_same(message, outcome)
            _remember(before, message, outcome)
            continue
        place = before.get(message.conversation or "")
        if place is not None and not place.is_reply:
            blocked.append((index, message))
        elif place is not None:
            del before[message.conversation or ""]  # the ones after this one follow it by themselves
            todo.append(
                replace(message, conversation_id=place.conversation_id, parent_message_id=place.message_id)
            )
        else:
            todo.append(message)
    return todo, blocked


def _check_same(message: BatchMessage, outcome: Outcome) -> None:
    if outcome.prompt != message.text:
        raise typer.BadParameter(
            f"the prompt with the id {message.id} was another one when it was sent: give the prompts ids of their own, or "
            "name another output"
        )


def _remember(before: dict[str, Outcome], message: BatchMessage, outcome: Outcome) -> None:
    """A failure stays: nothing of its conversation is sent after it."""
    if message.conversation is not None and before.get(message.conversation, outcome).is_reply:
        before[message.conversation] = outcome


def send_all(
    api: ChatGPTAPI,
    todo: list[BatchMessage],
    results: Results,
    total: int,
    timeout: float | None,
    give_up_after: int,
) -> None:
    """Send what is left and write down what comes.

    :raises ChatGPTError: what ends it all, and the last of so many failures in a row.
    """
    limit = None if timeout is None else timedelta(seconds=timeout)
    in_a_row = 0
    with Board(Tally(total, total - len(todo), results.failed)) as board, listening(board.notice):
        for result in api.send_many(todo, in_order=False, timeout_ms=limit):
            results.write(result)
            board.count(result.error is not None)
            in_a_row = 0 if result.error is None else in_a_row + 1
            if result.error is not None and in_a_row == give_up_after:
                board.say(f"{in_a_row} failures in a row: this stops here")
                raise result.error


def count_failures(messages: list[BatchMessage], outcomes: dict[str, Outcome]) -> int:
    return sum(not outcomes[message.id or ""].is_reply for message in messages)
