"""Stores the messages of one reply while the reply is read. The whole reply is built from them (:mod:`.reply_collector`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class TurnMessages:
    """The messages of one reply, by their ids, in the order of the stream.

    The messages are stored without a copy: the decoder of deltas changes them in place. Therefore each one is the newest version.
    """

    def __init__(self) -> None:
        self._messages: dict[str, dict[str, Any]] = {}
        #: References to sources that arrived in notices of their own: pairs of the message's id, or None, and the references.
        self.reference_patches: list[tuple[str | None, list[Any]]] = []
        #: True if the stream contains two answers. The site shows them side by side, and keeps one of them.
        self.has_variants = False
        #: The ids of the messages that have changed since the caller has cleared this set. None if no caller needs them.
        self.changed: set[str] | None = None

    @property
    def messages(self) -> list[dict[str, Any]]:
        """All messages, in the order of their first events."""
        return list(self._messages.values())

    def find(self, message_id: str | None) -> dict[str, Any] | None:
        """Return the message with this id, or None. A message without an id is found by None."""
        return self._messages.get(message_id or "")

    def note(self, message: dict[str, Any]) -> None:
        """Store a message from an event, or the new version of a message."""
        name = message.get("id")
        if not isinstance(name, str):
            name = ""
        self._messages[name] = message
        if self.changed is not None:
            self.changed.add(name)

    def note_stored(self, messages: Iterable[Any]) -> bool:
        """Store messages from the stored conversation, oldest first. Return whether a message is new or has changed."""
        has_changed = False
        for message in messages:
            name = message.get("id") if isinstance(message, dict) else None
            if isinstance(name, str) and self._messages.get(name) != message:
                has_changed = True
                self.note(message)
        return has_changed

    def drop(self, message_id: str | None) -> None:
        """Remove a message that the site has removed from the reply."""
        self._messages.pop(message_id or "", None)

    def note_references(self, notice: dict[str, Any]) -> None:
        """Store the references in a notice ``content_references_patch``."""
        references, name = notice.get("content_references"), notice.get("message_id")
        if isinstance(references, list):
            name = name if isinstance(name, str) else None
            self.reference_patches.append((name, references))
            if self.changed is not None:
                self.changed.add(name or "")
