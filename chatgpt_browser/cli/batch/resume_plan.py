"""Determines, from the results of earlier runs, the messages of a batch that still have to be sent."""

from __future__ import annotations

from dataclasses import replace

import typer

from chatgpt_browser import BatchMessage, BatchResult

from .result_file import Outcome, ResultFile


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
    # Maps a conversation to the outcome of its first failed message or, if no message has failed, of its newest message so far.
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
            # The later messages of the conversation need no ids: `send_many` lets each of them continue the previous reply.
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
    """Store the outcome of this message as the newest outcome of its conversation.

    If the stored outcome is a failure, keep it: the failure blocks all later messages of the conversation.
    """
    if message.conversation is not None and before.get(message.conversation, outcome).is_reply:
        before[message.conversation] = outcome
