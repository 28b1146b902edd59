"""Validation of the body of `POST /backend-api/conversation`."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..script.responses import Answer

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest

_ACTIONS = ("next", "variant", "continue")
_ACTIONS_WITHOUT_MESSAGE = ("variant", "continue")
_FIELD_TYPES = {"model": (str,), "parent_message_id": (str,), "conversation_id": (str, type(None))}
# A list of (location, error message) pairs, for `Answer.unprocessable`.
_Problems = list[tuple[list[Any], str]]


@dataclass(frozen=True)
class PostedMessage:
    """The contents of a valid request for an answer."""

    action: str
    #: The ID of the user's message. None: the request contains no message. It asks for another answer (`variant`) or for the
    #: rest of an answer (`continue`).
    id: str | None
    text: str
    parent_id: str
    #: The ID of the conversation that the message continues. None: the message starts a new conversation.
    conversation_id: str | None
    model: str


def read_message(record: RecordedRequest) -> PostedMessage | Answer:
    """Return the contents of a request for an answer. If the body of the request is not valid, return the site's 422 response."""
    try:
        body = record.json
    except ValueError:
        return Answer.unprocessable([(["body"], "not valid JSON")])

    problems = _problems(body)
    if problems:
        return Answer.unprocessable(problems)

    message = None if body["action"] == "continue" else next(iter(reversed(body.get("messages") or [])), None)
    parts = [] if message is None else message["content"]["parts"]
    return PostedMessage(
        action=body["action"],
        id=None if message is None else message["id"],
        text="".join(part for part in parts if isinstance(part, str)),
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
    if body.get("action") in _ACTIONS_WITHOUT_MESSAGE and messages in (None, []):
        return problems
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
