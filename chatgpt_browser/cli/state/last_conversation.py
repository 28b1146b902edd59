"""The conversation to go on with: one that was named, or the last one."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from ..client import origin
from .data_folder import Place, Store

#: What stands for the last conversation wherever an id is taken.
LAST = "last"


def complete_id(incomplete: str) -> list[str]:
    """Complete what is known without asking the site."""
    return [LAST] if LAST.startswith(incomplete) else []


Continue = Annotated[
    bool, typer.Option("--continue", "-c", help="Go on with the last conversation.", show_default=False)
]
ConversationId = Annotated[
    str | None,
    typer.Option(
        "--conversation",
        help=f"Go on with this conversation; `{LAST}` is the last one.",
        metavar="ID",
        show_default=False,
        autocompletion=complete_id,
    ),
]


def place_of(conversation: str | None, go_on: bool = False) -> Place | None:
    """Where to go on; None is a new conversation. One that is known by its id alone finds its newest message by itself.

    :raises typer.BadParameter: there is no last conversation, or two were named.
    """
    if go_on and conversation not in (None, LAST):
        raise typer.BadParameter("--continue and --conversation ID name two conversations")
    if not (go_on or conversation):
        return None
    if conversation not in (None, LAST):
        return Place(str(conversation), None)

    place = Store.default().last_place(origin())
    if place is None:
        raise typer.BadParameter("there is no conversation to go on with yet")
    return place


def id_of(conversation: str) -> str:
    """The id that was given, or the last conversation's.

    :raises typer.BadParameter: there is no last conversation, or the id is empty.
    """
    place = place_of(conversation)
    if place is None:
        raise typer.BadParameter("an id must not be empty")
    return place.conversation_id


def remember(conversation_id: str | None, message_id: str | None) -> None:
    """Keep in mind where the last conversation stands. A folder that can't be written to is no reason to fail."""
    if conversation_id is not None:
        with suppress(OSError):
            Store.default().remember(origin(), Place(conversation_id, message_id))


def forget(conversation_id: str) -> None:
    """The conversation is no more: it is not the last one either."""
    store = Store.default()
    place = store.last_place(origin())
    if place is not None and place.conversation_id == conversation_id:
        store.last.unlink(missing_ok=True)
