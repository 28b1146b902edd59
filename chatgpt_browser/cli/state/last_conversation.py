"""Loads and saves the last conversation's id and the message to reply to, for the arguments `last` and `--continue`."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from ..environment import site_origin
from .data_folder import DataFolder

if TYPE_CHECKING:
    from chatgpt_browser import Reply

#: The argument that a user can give instead of the id of the last conversation.
LAST = "last"


class Position(NamedTuple):
    """A position in a conversation: the conversation's id, and the id of the message to reply to (None: the newest message)."""

    conversation_id: str
    parent_message_id: str | None


def load_position(folder: DataFolder, origin: str) -> Position | None:
    """Return the saved position of the last conversation on the site with this origin, or None if no position is saved."""
    saved = folder.read_json(folder.last_conversation, origin)
    conversation_id, parent = saved.get("conversation_id"), saved.get("parent_message_id")
    if not isinstance(conversation_id, str):
        return None
    return Position(conversation_id, parent if isinstance(parent, str) else None)


def save_position(folder: DataFolder, origin: str, position: Position) -> None:
    """Save the position of the last conversation on the site with this origin."""
    folder.write_json(folder.last_conversation, origin, position._asdict())


def requested_conversation(conversation: str | None, continue_last: bool = False) -> str | None:
    """Return the argument that names the conversation to continue, or None for a new conversation.

    :raises typer.BadParameter: the last conversation was requested but none is saved, or `--continue` was combined with an id.
    """
    if continue_last and conversation not in (None, LAST):
        raise typer.BadParameter("use either --continue or --conversation ID, not both")
    requested = LAST if continue_last else conversation or None
    if requested == LAST:
        folder, origin = DataFolder.current(), site_origin()
        if load_position(folder, origin) is None and not last_was_deleted(folder, origin):
            raise no_last_conversation()
    return requested


def no_last_conversation() -> typer.BadParameter:
    """Return the error for the argument `last`, to be raised if no last conversation is saved."""
    return typer.BadParameter("there is no last conversation yet")


def remember_conversation(
    conversation_id: str | None, message_id: str | None, reply: Reply[Any] | None
) -> None:
    """Save the position of the last conversation. An error is ignored, for example if the folder is read-only.

    If the reply contains an image, the saved position has no message id. The site may have stored the image after the message
    with the id ``message_id``, and the next message must follow the image.
    """
    if reply is not None and any(file.kind == "image" for file in reply.files):
        message_id = None
    if conversation_id is not None:
        with suppress(OSError):
            save_position(DataFolder.current(), site_origin(), Position(conversation_id, message_id))


def forget_conversation(conversation_id: str) -> None:
    """Record that a conversation was deleted.

    If it was the last conversation, replace the saved position with a mark. After that, `last` means the newest conversation on
    the site.
    """
    folder, origin = DataFolder.current(), site_origin()
    position = load_position(folder, origin)
    if position is not None and position.conversation_id == conversation_id:
        folder.write_json(folder.last_conversation, origin, {"deleted": True})


def last_was_deleted(folder: DataFolder, origin: str) -> bool:
    """Return whether a command has deleted the last conversation on the site with this origin."""
    return folder.read_json(folder.last_conversation, origin).get("deleted") is True
