"""The last conversation: where its position is saved, and the ids that stand for it on the command line."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

import typer

from ..environment import site_origin
from .data_folder import DataFolder

#: The word that stands for the id of the last conversation.
LAST = "last"


class Position(NamedTuple):
    """A position in a conversation: the conversation's id, and the id of the message to reply to."""

    conversation_id: str
    parent_message_id: str | None


def load_position(folder: DataFolder, origin: str) -> Position | None:
    """Return the saved position of the last conversation with an origin, or None."""
    saved = folder.read_json(folder.last_conversation, origin)
    conversation_id, parent = saved.get("conversation_id"), saved.get("parent_message_id")
    if not isinstance(conversation_id, str):
        return None
    return Position(conversation_id, parent if isinstance(parent, str) else None)


def save_position(folder: DataFolder, origin: str, position: Position) -> None:
    """Save the position of the last conversation with an origin."""
    folder.write_json(folder.last_conversation, origin, position._asdict())


def requested_position(conversation: str | None, continue_last: bool = False) -> Position | None:
    """Return the position at which to continue, or None for a new conversation.

    The client replies to the newest message if the position has no parent message id.

    :raises typer.BadParameter: there is no last conversation, or both a conversation and the last one were requested.
    """
    if continue_last and conversation not in (None, LAST):
        raise typer.BadParameter("use either --continue or --conversation ID, not both")
    if not (continue_last or conversation):
        return None
    if conversation not in (None, LAST):
        return Position(str(conversation), None)

    position = load_position(DataFolder.default(), site_origin())
    if position is None:
        raise typer.BadParameter("there is no last conversation yet")
    return position


def resolve_conversation_id(conversation: str) -> str:
    """Return a conversation id, with `last` replaced by the id of the last conversation.

    :raises typer.BadParameter: there is no last conversation, or the id is empty.
    """
    position = requested_position(conversation)
    if position is None:
        raise typer.BadParameter("a conversation id must not be empty")
    return position.conversation_id


def remember_conversation(conversation_id: str | None, message_id: str | None) -> None:
    """Save the position of the last conversation; ignore a data folder that cannot be written to."""
    if conversation_id is not None:
        with suppress(OSError):
            save_position(DataFolder.default(), site_origin(), Position(conversation_id, message_id))


def forget_conversation(conversation_id: str) -> None:
    """Delete the saved position if it belongs to this conversation."""
    folder = DataFolder.default()
    position = load_position(folder, site_origin())
    if position is not None and position.conversation_id == conversation_id:
        folder.last_conversation.unlink(missing_ok=True)
