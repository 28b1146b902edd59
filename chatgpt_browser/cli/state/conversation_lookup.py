"""Finds the conversation that an argument names.

The argument is an id, the start of an id, a number in the list that was shown most recently, or the word `last`.
"""

from __future__ import annotations

import itertools
import re
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from ..environment import site_origin
from .data_folder import DataFolder
from .last_conversation import LAST, Position, last_was_deleted, load_position, no_last_conversation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from chatgpt_browser import ChatGPTAPI, ConversationSummary

#: Matches a complete id of the site. An argument that is a complete id is used without a request to the site.
_COMPLETE = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,3}", re.ASCII)
#: The minimum length of an argument that is the start of an id.
_MIN_PREFIX = 4
#: The start of an id is compared only with the ids of the `_SEARCHED` newest conversations. One request returns at most
#: `_PAGE_SIZE` conversations (the site's maximum).
_SEARCHED, _PAGE_SIZE = 1000, 100


def find_position(api: ChatGPTAPI, requested: str | None) -> Position | None:
    """Return the requested conversation and the message to reply to, or None for a new conversation.

    If the id of this message is None, the client replies to the newest message of the conversation.

    :raises typer.BadParameter: the argument names no conversation, or more than one.
    """
    if requested is None:
        return None
    if requested == LAST:
        return _last_position(api)
    return Position(find_conversation_id(api, requested), None)


def find_conversation_id(api: ChatGPTAPI, argument: str) -> str:
    """Return the id of the conversation that an argument names.

    If the argument is neither `last` nor a number, and no known id starts with it, return the argument itself.

    :raises typer.BadParameter: the argument is empty, is `last` or a number without a conversation, or is the start of several
        ids.
    """
    if not argument:
        raise typer.BadParameter("a conversation id must not be empty")
    if argument == LAST:
        return _last_position(api).conversation_id
    if _NUMBER.fullmatch(argument):
        return _numbered(api, int(argument))
    if len(argument) < _MIN_PREFIX or _COMPLETE.fullmatch(argument):
        return argument
    return _starting_with(api, argument)


def remember_list(found: Sequence[ConversationSummary]) -> None:
    """Save the ids of the list that is shown, so that its numbers stay valid when conversations are added or deleted.

    Also save the titles, for the completion of ids.
    """
    folder = DataFolder.current()
    with suppress(
        OSError
    ):  # If the ids cannot be saved, a number in a later command refers to the site's current list.
        ids, titles = [summary.id for summary in found], [summary.title or "" for summary in found]
        folder.write_json(folder.conversation_list, site_origin(), {"ids": ids, "titles": titles})


def remembered_conversations(folder: DataFolder, origin: str) -> list[tuple[str, str]]:
    """Return the saved ids and titles of the list that was shown most recently."""
    saved = folder.read_json(folder.conversation_list, origin)
    ids, titles = (value if isinstance(value, list) else [] for value in map(saved.get, ("ids", "titles")))
    return [
        (found, title if isinstance(title, str) else "")
        for found, title in itertools.zip_longest(ids, titles)
        if isinstance(found, str)
    ]


def _last_position(api: ChatGPTAPI) -> Position:
    folder, origin = DataFolder.current(), site_origin()
    position = load_position(folder, origin)
    if position is not None:
        return position
    newest = api.list_conversations(0, 1) if last_was_deleted(folder, origin) else []
    if not newest:
        raise no_last_conversation()
    return Position(newest[0].id, None)


def _numbered(api: ChatGPTAPI, number: int) -> str:
    ids = _remembered_ids() or [found.id for found in api.list_conversations(0, max(20, min(number, 100)))]
    if not 1 <= number <= len(ids):
        raise typer.BadParameter(f"there is no number {number}: the list has {len(ids)} conversations")
    return ids[number - 1]


def _starting_with(api: ChatGPTAPI, start: str) -> str:
    listed = itertools.islice(api.iter_conversations(_PAGE_SIZE), _SEARCHED)
    matches = _matches(itertools.chain(_remembered_ids(), (found.id for found in listed)), start)
    if start in matches:
        return start
    if len(matches) > 1:
        raise typer.BadParameter(f"several ids start with {start}: {', '.join(matches[:5])}")
    return matches[0] if matches else start


def _matches(ids: Iterable[str], start: str) -> list[str]:
    return list(dict.fromkeys(found for found in ids if found.lower().startswith(start.lower())))


def _remembered_ids() -> list[str]:
    return [found for found, _ in remembered_conversations(DataFolder.current(), site_origin())]
