"""Validation of the body of `POST /backend-api/conversation`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..script.responses import Answer

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest

_ACTIONS = ("next", "variant", "continue")
_FIELD_TYPES = {"model": (str,), "parent_message_id": (str,), "conversation_id": (str, type(None))}
# A list of (location, error message) pairs, for `Answer.unprocessable`.
_Problems = list[tuple[list[Any], str]]


@dataclass(frozen=True)
class PostedMessage:
    """The contents of a valid request that sends a message."""

    id: str
    text: str
    parent_id: str
    #: The ID of the conversation that the message continues. None: the message starts a new conversation.
    conversation_id: str | None
    model: str


def read_message(record: RecordedRequest) -> PostedMessage | Answer:
    """Return the message that a request sends. If the body of the request is not valid, return the site's 422 response."""
    try:
        body = record.json
    except ValueError:
        return Answer.unprocessable([(["body"], "not valid JSON")])

    problems = _problems(body)
    if problems:
        return Answer.unprocessable(problems)

    message = body["messages"][-1]
    return PostedMessage(
        id=message["id"],
        text="".join(part for part in message["content"]["parts"] if isinstance(part, str)),
        parent_id=body["parent_message_id"],
        conversation_id=body.get("conversation_id"),
        model=body["model"],
    )


def _problems(body: Any) -> _Problems:
    if not isinstance(body, dict):
        return [(["body"], "value is not a valid dict")]

    problems: _Problems = []
    if body.get("action") not in _ACTIONS:
        problems.append((["body", "action"], f"unexpected value; permitted: {', '.join(_ACTIONS)}"))
    for name, types in _FIELD_TYPES.items():
        if not isinstance(body.get(name), types):
            problems.append((["body", name], "str type expected"))

    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        return [*problems, (["body", "messages"], "ensure this value has at least 1 items")]
    for index, message in enumerate(messages):
        problems += _message_problems(index, message)

    return problems


def _message_problems(index: int, message: Any) -> _Problems:
    location = ["body", "messages", index]
    if not isinstance(message, dict):
        return [(location, "value is not a valid dict")]

    problems: _Problems = []
    if not _is_uuid(message.get("id")):
        problems.append(([*location, "id"], "value is not a valid uuid"))

    author = message.get("author")
    role = message.get("role", author.get("role") if isinstance(author, dict) else None)
    if role not in ("user", "system"):
        problems.append(([*location, "role"], "unexpected value; permitted: user, system"))

    content = message.get("content")
    if not isinstance(content, dict) or not isinstance(content.get("parts"), list) or not content["parts"]:
        problems.append(([*location, "content", "parts"], "field required"))

    return problems


def _is_uuid(value: object) -> bool:
    try:
        return bool(uuid.UUID(str(value)))
    except ValueError:
        return False
