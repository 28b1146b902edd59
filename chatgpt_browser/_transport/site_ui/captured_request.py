"""The message in a request of the site's page: parsed from the request's body, and compared with the message to send."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from ..._core.errors import OptionNotAppliedError, PageError

if TYPE_CHECKING:
    from ..._core.models import Prompt
    from ..._protocol.conversation_tree import Turn

_CHECK_CONVERSATION = "The reply to it is not read: check the conversation before you send the message again."


class CapturedRequest(NamedTuple):
    """The message that a page has sent. A field is None if it could not be read."""

    message_id: str | None = None
    text: str | None = None
    conversation_id: str | None = None
    parent_message_id: str | None = None
    model: str | None = None


def parse_captured_request(body: str | None) -> CapturedRequest:
    """Return the message in the body of a request. All fields are None if the body has an unknown format."""
    try:
        data = json.loads(body or "")
        message = data["messages"][-1]
        parts = message["content"]["parts"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return CapturedRequest()
    text = parts[0] if isinstance(parts, list) and len(parts) == 1 else None
    found = (
        message.get("id"),
        text,
        data.get("conversation_id"),
        data.get("parent_message_id"),
        data.get("model"),
    )
    return CapturedRequest(*(value if isinstance(value, str) else None for value in found))


def check_captured_request(
    captured: CapturedRequest, prompt: Prompt, turn: Turn, *, model: str | None = None
) -> None:
    """Check that the page has sent the right text to the right conversation. Fields that could not be read are not checked.

    :param model: the model that the caller named; None: the page's choice.
    :raises PageError: the page has sent another message, so the reply would be the reply to that one.
    :raises OptionNotAppliedError: the page has sent the message to another model.
    """
    if captured.text is not None and captured.text.split() != prompt.text.split():
        raise PageError(f"The site's page sent another text than the message. {_CHECK_CONVERSATION}")
    conversation_id, parent_id = prompt.conversation_id, captured.parent_message_id
    is_elsewhere = captured != CapturedRequest() and captured.conversation_id != conversation_id
    has_parent = conversation_id is not None and parent_id is not None
    if is_elsewhere or (has_parent and parent_id not in turn.parents):
        raise PageError(
            "The site's page sent the message to another conversation or after another message. "
            f"{_CHECK_CONVERSATION}"
        )
    if model is not None and captured.model not in (None, model):
        raise OptionNotAppliedError(
            f"The site's page sent the message to the model {captured.model!r} instead of {model!r}. The message was sent, and "
            "its answer was stopped. Check whether the account can use the model (`list_models()`), or leave the model out.",
            option="model",
            requested=model,
            sent=captured.model,
        )
