"""The messages of a batch that still have to be sent, given the results of earlier runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from chatgpt_browser import BatchMessage, BatchResult

from .result_file import Outcome, ResultFile

if TYPE_CHECKING:
    from chatgpt_browser import ChatGPTAPI

    from .journal import Attempt


def settle(
    api: ChatGPTAPI,
    results: ResultFile,
    in_doubt: Iterable[Attempt],
    *,
    markdown: bool,
    send_uncertain: bool = False,
) -> None:
    """Look on the site for messages that a killed run may have sent, and write a result for each message whose fate is known.

    A message that was certainly not sent gets no result, so this run sends it. If ``send_uncertain`` is True, this run also sends
    each message that has no complete reply.
    """
    from .delivery_check import Fate, find_message  # imports what `--help` must not load

    for attempt in in_doubt:
        taken = {outcome.conversation_id for outcome in results.outcomes.values() if outcome.is_reply}
        found = find_message(api, attempt, markdown=markdown, taken=taken)
        if found.fate is Fate.ANSWERED:
            message = BatchMessage(attempt.prompt, attempt.id, attempt.conversation, model=attempt.model)
            position = found.conversation_id, found.message_id
            results.write(BatchResult(-1, message, found.reply, None, *position))
        elif found.fate is not Fate.NOT_SENT and not send_uncertain:
            results.write_uncertain(attempt, found.fate.value)


def prepare(messages: list[BatchMessage], results: ResultFile) -> list[BatchMessage]:
    """Return the messages that still have to be sent.

    A message that cannot be sent, because an earlier message of its conversation failed, is written to the results as a failure.
    """
    from chatgpt_browser._client.batch import not_sent  # imports asyncio, which `--help` must not load

    todo, blocked = plan(messages, results.outcomes)
    for index, message in blocked:
        results.write(BatchResult(index, message, error=not_sent()))
    return todo


def plan(
    messages: list[BatchMessage], outcomes: dict[str, Outcome]
) -> tuple[list[BatchMessage], list[tuple[int, BatchMessage]]]:
    """Return the messages without an outcome, each with its conversation's position; and the blocked ones with their index.

    A message is blocked if an earlier message of its conversation failed.

    :raises typer.BadParameter: an outcome belongs to a different prompt with the same id.
    """
    todo: list[BatchMessage] = []
    blocked: list[tuple[int, BatchMessage]] = []
    before: dict[str, Outcome] = {}  # by conversation: the outcome that the next message continues from
    for index, message in enumerate(messages):
        outcome = outcomes.get(message.id or "")
        if outcome is not None:
            _check_same_prompt(message, outcome)
            _update_outcome_before(before, message, outcome)
            continue
        reply = before.get(message.conversation or "")
        if reply is not None and not reply.is_reply:
            blocked.append((index, message))
        elif reply is not None:
            del before[message.conversation or ""]  # later messages follow this one
            todo.append(
                replace(message, conversation_id=reply.conversation_id, parent_message_id=reply.message_id)
            )
        else:
            todo.append(message)
    return todo, blocked


def _check_same_prompt(message: BatchMessage, outcome: Outcome) -> None:
    if outcome.prompt != message.text:
        raise typer.BadParameter(
            f"the output has a result for id {message.id} with a different prompt: give each prompt a unique `id`, or use "
            "another output file"
        )


def _update_outcome_before(before: dict[str, Outcome], message: BatchMessage, outcome: Outcome) -> None:
    """Record an outcome, unless the conversation has a failure: no message is sent after it."""
    if message.conversation is not None and before.get(message.conversation, outcome).is_reply:
        before[message.conversation] = outcome
