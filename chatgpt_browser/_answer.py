"""Which of a stream's messages is the answer. Pure: no I/O, no clock.

A reply may be several messages: thoughts, calls of tools and what they gave back, remarks on the way, and the answer. The answer
is the assistant's, for everybody (no tool is its recipient), a text, not hidden, and in the channel ``final`` or, where the
site names no channels, in none.
"""

from __future__ import annotations

from typing import Any

__all__ = ["FINAL", "answer_rank", "find_answer", "is_finished", "message_text", "role_of"]

#: The rank of a message that the site itself calls the final one.
FINAL = 3
_CONTENT_TYPES = ("text", "multimodal_text")
_FLAGS = ("is_visually_hidden_from_conversation", "is_thinking_preamble_message")


def answer_rank(message: Any) -> int:
    """How surely a message is the answer: 0 where it is not. Of two messages with the same rank the newer one is the answer.

    3: it is in the channel ``final``. 2: there is no channel. 1: nor did it end the turn, so that more is to come after it.
    """
    if not isinstance(message, dict):
        return 0
    content, metadata = message.get("content"), message.get("metadata")
    if role_of(message) != "assistant" or message.get("recipient") not in (None, "all"):
        return 0
    if not isinstance(content, dict) or content.get("content_type", "text") not in _CONTENT_TYPES:
        return 0
    if isinstance(metadata, dict) and any(metadata.get(flag) for flag in _FLAGS):
        return 0

    channel = message.get("channel")
    if channel == "final":
        return FINAL
    if channel is not None:
        return 0
    return 1 if message.get("end_turn") is False else 2


def role_of(message: dict[str, Any]) -> Any:
    """Who speaks, in the older form and in the newer one."""
    author = message.get("author")
    return author.get("role") if isinstance(author, dict) else message.get("role")


def message_text(message: dict[str, Any]) -> str:
    """A message's own text: its parts that are text."""
    parts = message["content"].get("parts")
    if not isinstance(parts, list):
        return ""
    if len(parts) == 1 and isinstance(parts[0], str):
        return parts[0]
    return "".join(part for part in parts if isinstance(part, str))


def is_finished(message: dict[str, Any]) -> bool:
    """Whether the site has said that nothing more comes to a message."""
    status = message.get("status")
    return message.get("end_turn") is True or (isinstance(status, str) and status.startswith("finished"))


def find_answer(data: Any, question_id: str | None = None) -> dict[str, Any] | None:
    """The answer to a conversation's newest question, out of ``GET /conversation/{id}``; None where there is none yet.

    With ``question_id``, where that question is another one, there is none yet either.
    """
    fields = data if isinstance(data, dict) else {}
    nodes, at = fields.get("mapping"), fields.get("current_node")
    answer: dict[str, Any] | None = None
    seen: set[Any] = set()

    while isinstance(nodes, dict) and isinstance(at, str) and at not in seen:
        if not isinstance(node := nodes.get(at), dict):
            break
        seen.add(at)
        message = node.get("message")
        if isinstance(message, dict) and role_of(message) == "user":
            return answer if question_id in (None, message.get("id")) else None
        if answer_rank(message) > (answer_rank(answer) if answer else 0):
            answer = message
        at = node.get("parent")
    return answer
