"""Finds the search results that the citation marks of a message refer to.

A mark contains references such as ``turn0search3``. Usually, ``content_references`` contains the source of each mark. Otherwise,
the source is in the field ``search_result_groups``, in the metadata of the same message or of another message of the reply.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from .citation_marks import find_marks
from .message import message_metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_REFERENCE = re.compile(r"\bturn(\d{1,9})([a-z_]+)(\d{1,9})\b")
#: A type of reference. Only in references of this type, the number is certainly the position of the result.
_SEARCH = "search"


class ResultRef(NamedTuple):
    """A reference to a result, such as ``turn0search3``: the number of the search, the type, and the number of the result."""

    turn: int
    type: str
    number: int


class SearchResults:
    """The results of the searches in a reply. ``messages`` are all messages of the reply, in order."""

    def __init__(self, messages: Iterable[dict[str, Any]]) -> None:
        self._by_message = [found for message in messages if (found := entries_of(message))]

    def for_message(self, message: dict[str, Any]) -> MessageResults:
        """Return the results that the marks in ``message`` refer to."""
        own = entries_of(message)
        return MessageResults([own] if own else self._by_message)


class MessageResults:
    """The results that the marks in one message refer to.

    ``lists`` contains one list of results for each message that has results, in the order of the messages.
    """

    def __init__(self, lists: list[list[dict[str, Any]]]) -> None:
        self._lists = lists
        entries = [entry for each in lists for entry in each]
        self._has_refs = any(isinstance(entry.get("ref_id"), dict) for entry in entries)
        #: Maps each reference to its result. If two results have the same reference, the first one is stored. The keys are texts,
        #: because the site's references may contain values that cannot be keys.
        self._by_ref = {repr(_ref_of(entry)): entry for entry in reversed(entries)} if self._has_refs else {}

    def find(self, ref: ResultRef) -> dict[str, Any] | None:
        """Return the result that a mark refers to, or None if the result cannot be identified with certainty.

        Usually, the field ``ref_id`` of a result contains the reference. If no result has this field, ``ref.turn`` is the
        position of a message among the messages that have results, and ``ref.number`` is the position of the result in this
        message. If only one message has results, ``ref.turn`` is ignored.
        """
        if self._has_refs:
            return self._by_ref.get(repr(tuple(ref)))
        at = 0 if len(self._lists) == 1 else ref.turn
        is_certain = ref.type == _SEARCH and at < len(self._lists) and ref.number < len(self._lists[at])
        return self._lists[at][ref.number] if is_certain else None


def entries_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the search results that a message contains, in order."""
    groups = message_metadata(message).get("search_result_groups")
    return [
        entry
        for group in (groups if isinstance(groups, list) else [])
        if isinstance(group, dict) and isinstance(group.get("entries"), list)
        for entry in group["entries"]
        if isinstance(entry, dict)
    ]


def find_refs(raw: str) -> Iterator[tuple[tuple[int, int], str, list[ResultRef]]]:
    """Yield the span, the text and the references of each mark in a raw text. Marks without references are left out."""
    for mark in find_marks(raw):
        refs = [ResultRef(int(turn), kind, int(number)) for turn, kind, number in _REFERENCE.findall(mark[0])]
        if refs:
            yield mark.span(), mark[0], refs


def _ref_of(entry: dict[str, Any]) -> tuple[Any, ...]:
    ref = entry.get("ref_id")
    ref = ref if isinstance(ref, dict) else {}
    return ref.get("turn_index"), ref.get("ref_type"), ref.get("ref_index")
