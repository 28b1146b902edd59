"""Builds the whole reply from its messages. The messages come from a stream or from a stored conversation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .._core.reply import Citation, Reply
from .citations import find_citations, merged_references
from .conversation_tree import newest_answer
from .file_refs import FileRef, find_file_refs, join_file_refs
from .message import (
    CUT,
    STOPPED,
    answer_rank,
    effort_of,
    finish_type,
    message_metadata,
    message_text,
    model_slug,
    resolved_model,
    role_of,
)
from .reply_text import clean_text
from .search_results import SearchResults
from .site_time import read_time
from .text_positions import to_plain_spans
from .thoughts import find_thoughts
from .tool_calls import find_tool_calls
from .turn_messages import TurnMessages

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FINISH_REASONS = {
    "stop": "stop",
    CUT: "length",
    "length": "length",
    "max_length": "length",
    STOPPED: "interrupted",
    "cancelled": "interrupted",
    "canceled": "interrupted",
}


def collect_reply(
    turn: TurnMessages,
    answer_id: str | None,
    conversation_id: str | None,
    *,
    text: str | None = None,
    plain_text: str | None = None,
    model_notice: dict[str, Any] | None = None,
) -> Reply[FileRef]:
    """Return the whole reply. The field ``raw`` is the message of the answer itself, not a copy.

    :param answer_id: the id of the message that is the answer. If it is None, the answer is the message without an id.
    :param text: the visible text of the answer as Markdown. If it is None, the text is computed from the answer.
    :param plain_text: the text of the reply as plain text, or None if the caller has requested Markdown. If it is not None, the
        positions of the citations refer to the plain text.
    :param model_notice: the notice of the stream about the model, or None. The model in a message takes precedence, so that the
        result equals the result for the stored conversation, which contains no notice. But a resolved model in the notice takes
        precedence over a ``model_slug`` in a message.
    """
    answer = with_references(turn, turn.find(answer_id) or {})
    messages = messages_of_reply(turn, answer_id)
    notice = model_notice or {}
    if text is None:
        text = clean_text(message_text(answer)) if isinstance(answer.get("content"), dict) else ""
    citations = find_all_citations(turn, answer_id)
    if plain_text is not None:
        citations = to_plain_spans(citations, text, plain_text)
    return Reply(
        text=text if plain_text is None else plain_text,
        conversation_id=conversation_id or "",
        message_id=answer_id or "",
        model=_newest(resolved_model, answer, messages)
        or resolved_model(notice)
        or _newest(model_slug, answer, messages)
        or model_slug(notice),
        effort=_newest(effort_of, answer, messages),
        finish_reason=finish_reason(answer),
        citations=tuple(citations),
        files=tuple(find_files(messages, conversation_id)),
        thoughts=tuple(find_thoughts(messages)),
        tool_calls=tuple(find_tool_calls(messages)),
        created_at=read_time(answer.get("create_time")),
        raw=answer,
    )


def collect_stored_reply(messages: Sequence[Any], conversation_id: str | None) -> Reply[FileRef]:
    """Return the whole reply from a stored conversation.

    :param messages: the messages of one turn without its question, oldest first.
    """
    turn = TurnMessages()
    turn.note_stored(messages)
    answer = newest_answer(messages[::-1])
    answer_id = answer.get("id") if answer is not None else None
    return collect_reply(turn, answer_id if isinstance(answer_id, str) else None, conversation_id)


def messages_of_reply(turn: TurnMessages, answer_id: str | None) -> list[dict[str, Any]]:
    """Return the messages of the assistant and of tools that belong to the reply.

    If the stream contains two answers to the question, only the answer with the id ``answer_id`` is included.
    """
    return [
        message
        for message in turn.messages
        if role_of(message) in ("assistant", "tool")
        and not (turn.has_variants and answer_rank(message) > 1 and message.get("id") != answer_id)
    ]


def with_references(turn: TurnMessages, message: dict[str, Any]) -> dict[str, Any]:
    """Return the message together with the references to sources that arrived in separate notices.

    The stored message is not changed.
    """
    patches = [
        patch for name, patch in turn.reference_patches if message and name in (None, message.get("id"))
    ]
    if not patches:
        return message
    references = merged_references(message, patches)
    return message | {"metadata": message_metadata(message) | {"content_references": references}}


def find_all_citations(
    turn: TurnMessages, answer_id: str | None, *, is_complete: bool = True
) -> list[Citation]:
    """Return the citations of the answer, and then further citations from the other messages of the reply.

    A citation from another message has no position, because the position would refer to the text of that message.

    :param is_complete: False if more references may arrive. In this case, the search results are not used.
    """
    answer = turn.find(answer_id)
    messages = messages_of_reply(turn, answer_id)
    results = SearchResults(messages) if is_complete else None
    found = [] if answer is None else find_citations(with_references(turn, answer), results)
    cited = {citation.url for citation in found}
    for message in messages:
        if message is not answer and role_of(message) == "assistant":
            for citation in find_citations(with_references(turn, message), results):
                if citation.url not in cited:
                    cited.add(citation.url)
                    found.append(replace(citation, start=None, end=None))
    return found


def find_files(messages: Iterable[dict[str, Any]], conversation_id: str | None) -> list[FileRef]:
    """Return the files in the messages of a reply."""
    return join_file_refs(ref for message in messages for ref in find_file_refs(message, conversation_id))


def finish_reason(message: dict[str, Any]) -> str | None:
    """Return why an answer ended: ``"stop"``, ``"length"`` or ``"interrupted"``. If the reason is unknown, return None."""
    kind = finish_type(message)
    if kind is not None:
        return _FINISH_REASONS.get(kind)
    is_complete = message.get("status") == "finished_successfully" and message.get("end_turn") is True
    return "stop" if is_complete else None


def _newest(read: Any, answer: dict[str, Any], messages: list[dict[str, Any]]) -> str | None:
    """Call ``read`` for the answer, then for the assistant's messages, newest first. Return the first value that is not empty."""
    others = (message for message in reversed(messages) if role_of(message) == "assistant")
    found: str | None = next(filter(None, map(read, (answer, *others))), None)
    return found
