"""One message of a reply, as the site sends it: its role, its text, and whether it is the answer.

A reply may consist of several messages: thoughts, tool calls and their results, remarks on the way, and the answer. The answer
is a text message of the assistant that is addressed to everybody (its recipient is not a tool), is not hidden, and is in the
channel ``final``, or in no channel if the site uses none.
"""

from __future__ import annotations

from typing import Any

#: The rank of a message in the channel ``final``.
_FINAL = 4
_CONTENT_TYPES = ("text", "multimodal_text")
#: The types in ``finish_details`` of an answer that was cut at the maximum length, and of one that was stopped.
CUT, STOPPED = "max_tokens", "interrupted"


def answer_rank(message: Any) -> int:
    """Return how certain it is that a message is the answer; 0 if it is not. Between equal ranks, the newer message wins.

    4: it is in the channel ``final``. 3: it has no channel and ends the turn. 2: it has no channel, and ``end_turn`` is unknown.
    1: it has no channel and does not end the turn, so that more messages follow.
    """
    if not isinstance(message, dict):
        return 0
    content = message.get("content")
    if role_of(message) != "assistant" or message.get("recipient") not in (None, "all"):
        return 0
    if not isinstance(content, dict) or content.get("content_type", "text") not in _CONTENT_TYPES:
        return 0
    if message_metadata(message).get("is_thinking_preamble_message") or _is_hidden(message):
        return 0

    channel = message.get("channel")
    if channel == "final":
        return _FINAL
    if channel is not None:
        return 0
    ends = message.get("end_turn")
    return 3 if ends is True else 1 if ends is False else 2


def message_metadata(message: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of a message; empty if it has none."""
    metadata = message.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def content_type_of(message: dict[str, Any]) -> Any:
    """Return the type of a message's content; None if it has none."""
    content = message.get("content")
    return content.get("content_type") if isinstance(content, dict) else None


def finish_type(message: dict[str, Any]) -> str | None:
    """Return why the message ended, in the site's words: ``stop``, ``max_tokens``, ``interrupted``; None if it is unknown."""
    details = message_metadata(message).get("finish_details")
    kind = details.get("type") if isinstance(details, dict) else None
    return kind if isinstance(kind, str) else None


def _is_hidden(message: dict[str, Any]) -> bool:
    return bool(message_metadata(message).get("is_visually_hidden_from_conversation"))


def role_of(message: dict[str, Any]) -> Any:
    """Return the author's role, from ``author.role`` or from the older field ``role``."""
    author = message.get("author")
    return author.get("role") if isinstance(author, dict) else message.get("role")


def message_text(message: dict[str, Any]) -> str:
    """Return the text parts of a message, joined."""
    parts = message["content"].get("parts")
    if not isinstance(parts, list):
        return ""
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0]
    return "".join(part for part in parts if isinstance(part, str))


def is_remark(message: dict[str, Any]) -> bool:
    """Return whether a message is finished but marked as not the last of its turn, like "Let me look that up", for example.

    An answer that was cut at the maximum length is not a remark.
    """
    is_whole = message.get("status") == "finished_successfully" and finish_type(message) != CUT
    return is_whole and message.get("end_turn") is False and message.get("channel") != "final"


def model_slug(value: dict[str, Any]) -> str | None:
    """Return the model in the metadata of a message or of a notice; None if it has none."""
    metadata = value.get("metadata")
    slug = metadata.get("model_slug") if isinstance(metadata, dict) else None
    return slug if isinstance(slug, str) and slug else None


def has_ended_turn(message: dict[str, Any]) -> bool:
    """Return whether the site has marked a message as the last of its turn."""
    return message.get("end_turn") is True


def is_finished(message: dict[str, Any]) -> bool:
    """Return whether the answer is complete. A finished remark is not: the answer is still to come."""
    status = message.get("status")
    is_whole = isinstance(status, str) and status.startswith("finished")
    return has_ended_turn(message) or (is_whole and not is_remark(message))


def is_question(message: Any) -> bool:
    """Return whether a user wrote the message. The site also stores hidden messages with the role ``user``."""
    return isinstance(message, dict) and role_of(message) == "user" and not _is_hidden(message)
