"""Functions that return one property of a message, for example the role, the text or the rank.

The message comes from a stream or from a stored conversation.

A reply may consist of several messages: thoughts, tool calls and their results, remarks before the answer, and the answer. The
answer is a text message of the assistant that is not addressed to a tool and is not hidden. If the site uses channels, the answer
is in the channel ``final``. Otherwise, the answer has no channel.
"""

from __future__ import annotations

from typing import Any

#: The rank (:func:`answer_rank`) of a message in the channel ``final``.
_FINAL = 4
#: The text that replaces a role or a recipient if the value in the site's JSON is not a text.
UNREADABLE = "unreadable"
_CONTENT_TYPES = ("text", "multimodal_text")
#: Two values of ``type`` in ``finish_details``. CUT: the answer was cut at the maximum length. STOPPED: the answer was stopped
#: before its end.
CUT, STOPPED = "max_tokens", "interrupted"
#: The fields that can contain the text of a content whose type is not in `_CONTENT_TYPES`. ``text`` is for code and the output of
#: tools, ``content`` is for a recap of the thinking, and ``result`` is for a web page. The other two fields are for the account's
#: instructions.
_TEXT_FIELDS = ("text", "content", "result", "user_profile", "user_instructions")


def answer_rank(message: Any) -> int:
    """Return a message's rank as the answer: from 1 to 4 (the most certain), or 0 if the message cannot be the answer.

    If several messages have the same rank, the newest of them is the answer.

    * Rank 4: the message is in the channel ``final``.
    * Rank 3: the message has no channel, and ends the turn.
    * Rank 2: the message has no channel, and ``end_turn`` is unknown.
    * Rank 1: the message has no channel, and does not end the turn: other messages follow.
    """
    if not isinstance(message, dict):
        return 0
    if role_of(message) != "assistant" or recipient_of(message) is not None:
        return 0
    if not isinstance(message.get("content"), dict) or not _contains_text(message):
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


def is_visible(message: Any) -> bool:
    """Return whether the site's page shows a message as part of the conversation.

    The page shows the messages of the user and the assistant's messages to the user. It does not show instructions of the system,
    thoughts, tool calls or the output of tools.
    """
    return is_question(message) or answer_rank(message) > 0


def is_question(message: Any) -> bool:
    """Return whether a user wrote the message. For a hidden message, the result is False, because the site wrote it."""
    return (
        isinstance(message, dict)
        and role_of(message) == "user"
        and not _is_hidden(message)
        and _contains_text(message)
    )


def recipient_of(message: dict[str, Any]) -> str | None:
    """Return the name of the tool that receives a message, or None if the message is not addressed to a tool."""
    recipient = message.get("recipient")
    if recipient in (None, "all"):
        return None
    return recipient if isinstance(recipient, str) else UNREADABLE


def _contains_text(message: dict[str, Any]) -> bool:
    content = message.get("content")
    return not isinstance(content, dict) or content.get("content_type", "text") in _CONTENT_TYPES


def message_metadata(message: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of a message, or an empty dict if it has none."""
    metadata = message.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def content_type_of(message: dict[str, Any]) -> Any:
    """Return the type of a message's content, or None if the content has no type."""
    content = message.get("content")
    return content.get("content_type") if isinstance(content, dict) else None


def finish_type(message: dict[str, Any]) -> str | None:
    """Return the site's reason for the end of a message (``stop``, ``max_tokens`` or ``interrupted``), or None if unknown."""
    details = message_metadata(message).get("finish_details")
    kind = details.get("type") if isinstance(details, dict) else None
    return kind if isinstance(kind, str) else None


def _is_hidden(message: dict[str, Any]) -> bool:
    return bool(message_metadata(message).get("is_visually_hidden_from_conversation"))


def role_of(message: dict[str, Any]) -> Any:
    """Return the role of the message's author, from ``author.role`` or from the older field ``role``."""
    author = message.get("author")
    return author.get("role") if isinstance(author, dict) else message.get("role")


def message_text(message: dict[str, Any]) -> str:
    """Return the text of a message: all text parts of its content, joined."""
    parts = message["content"].get("parts")
    if not isinstance(parts, list):
        return ""
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0]
    return "".join(part for part in parts if isinstance(part, str))


def hidden_text(message: dict[str, Any]) -> str:
    """Return the text of a hidden message. The field that contains the text depends on the type of the content."""
    content = message["content"]
    if isinstance(content.get("parts"), list):
        return message_text(message)
    thoughts = content.get("thoughts")
    if isinstance(thoughts, list):
        found = [
            part for thought in thoughts if isinstance(thought, dict) for part in _thought_texts(thought)
        ]
        return "\n\n".join(found)
    return next((text for name in _TEXT_FIELDS if isinstance(text := content.get(name), str)), "")


def _thought_texts(thought: dict[str, Any]) -> list[str]:
    return [text for name in ("summary", "content") if isinstance(text := thought.get(name), str) and text]


def is_remark(message: dict[str, Any]) -> bool:
    """Return whether a message is a remark: it is finished, but other messages follow in the same turn.

    An example is "Let me look that up". An answer that was cut at the maximum length is not a remark.
    """
    is_whole = message.get("status") == "finished_successfully" and finish_type(message) != CUT
    return is_whole and message.get("end_turn") is False and message.get("channel") != "final"


def model_slug(value: dict[str, Any]) -> str | None:
    """Return the name of the model in the metadata of a message or of a notice, or None if the metadata contains no model."""
    return _metadata_text(value, "model_slug")


def resolved_model(value: dict[str, Any]) -> str | None:
    """Return the model that the site has chosen in place of the model in ``model_slug``, or None if there is no such model."""
    return _metadata_text(value, "resolved_model_slug")


def effort_of(message: dict[str, Any]) -> str | None:
    """Return the effort with which the model has thought, or None if the metadata of the message contains no effort."""
    return _metadata_text(message, "thinking_effort")


def _metadata_text(value: dict[str, Any], name: str) -> str | None:
    text = message_metadata(value).get(name)
    return text if isinstance(text, str) and text else None


def has_ended_turn(message: dict[str, Any]) -> bool:
    """Return whether the site has marked a message as the last message of its turn."""
    return message.get("end_turn") is True


def is_written(message: Any) -> bool:
    """Return whether the site is still writing a message: the message has the status ``in_progress``."""
    return isinstance(message, dict) and message.get("status") == "in_progress"


def is_finished(message: dict[str, Any]) -> bool:
    """Return whether a message is a complete answer. A finished remark is not an answer, because the answer follows it."""
    status = message.get("status")
    is_whole = isinstance(status, str) and status.startswith("finished")
    return has_ended_turn(message) or (is_whole and not is_remark(message))
