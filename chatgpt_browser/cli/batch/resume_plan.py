"""Determines, from the results of earlier runs, the messages of a batch that still have to be sent."""

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
    """Look on the site for messages that a killed run may have sent, and write a result for each message that is not sent again.

    For each of these messages:

    - If the site has a complete reply, this reply is the result.
    - If the message was certainly not sent, no result is written, so that this run sends the message.
    - In all other cases, the result is an uncertain row if ``send_uncertain`` is False. If it is True, no result is written, so
      that this run sends the message.
    """
    # This import loads many modules. `--help` must not load them, because this is slow.
    from .delivery_check import Fate, find_message

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

    A message cannot be sent if an earlier message of its conversation failed. For such a message, write a failure to the results.
    """
    # The module `batch` imports asyncio. `--help` must not import it, because the import is slow.
    from chatgpt_browser._client.batch import not_sent

    todo, blocked = plan(messages, results.outcomes)
    for index, message in blocked:
        results.write(BatchResult(index, message, error=not_sent()))
    return todo


def plan(
    messages: list[BatchMessage], outcomes: dict[str, Outcome]
) -> tuple[list[BatchMessage], list[tuple[int, BatchMessage]]]:
    """Return two lists: the messages that still have to be sent, and the blocked messages with their indexes.

    A message is blocked if an earlier message of its conversation failed. The first message to send in a conversation gets the
    ids of the conversation's last reply, so that the message continues the conversation.

    :raises typer.BadParameter: an outcome belongs to a different prompt with the same id.
    """
    todo: list[BatchMessage] = []
    blocked: list[tuple[int, BatchMessage]] = []
    # Maps a conversation to the outcome of its failed message or, if no message has failed, of its last message.
    before: dict[str, Outcome] = {}
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
            # Only this message needs the ids: `send_many` sends the later messages of the conversation after its reply.
            del before[message.conversation or ""]
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
    """Store the outcome for its conversation. A stored failure is not replaced: no message may be sent after a failure."""
    if message.conversation is not None and before.get(message.conversation, outcome).is_reply:
        before[message.conversation] = outcome
