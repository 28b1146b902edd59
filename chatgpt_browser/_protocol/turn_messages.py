"""Stores the messages of one reply while the reply is read. :mod:`.reply_collector` builds the whole reply from the messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .message import message_metadata

if TYPE_CHECKING:
    from collections.abc import Iterable


class TurnMessages:
    """The messages of one reply, by their ids, in the order of the stream.

    The messages are not copied. Therefore, if the delta decoder changes a message in place, the stored message changes, too.
    """

    def __init__(self) -> None:
        self._messages: dict[str, dict[str, Any]] = {}
        #: The references to sources that arrived in separate notices. Each pair contains the id of a message and the references.
        #: If the notice contains no id, the id is None.
        self.reference_patches: list[tuple[str | None, list[Any]]] = []
        #: The ids of the messages that the stored conversation contained when it was last read, oldest first.
        self._stored_ids: list[str] = []
        #: True if the stream contains two answers to the question. The site shows both side by side, and keeps one of the two.
        self.has_variants = False
        #: The ids of the messages that have changed since :class:`.ReplyChanges` last replaced this set. None if the ids are not
        #: needed.
        self.changed: set[str] | None = None

    @property
    def messages(self) -> list[dict[str, Any]]:
        """All messages, in the order of their first events."""
        return list(self._messages.values())

    def find(self, message_id: str | None) -> dict[str, Any] | None:
        """Return the message with this id, or None if there is no such message.

        If ``message_id`` is None, return the message without an id.
        """
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
        """Add messages from the stored conversation, oldest first. Return whether any message is new or has changed."""
        has_changed = False
        self._stored_ids.clear()
        for message in messages:
            name = message.get("id") if isinstance(message, dict) else None
            if isinstance(name, str):
                self._stored_ids.append(name)
                if self._messages.get(name) != message:
                    has_changed = True
                    self.note(message)
        return has_changed

    def newest_stored_after(self, message_id: str) -> str | None:
        """If the stored conversation has messages after ``message_id``, return the id of the newest of them, else None.

        The site may store messages after the answer, such as an image that is made later.
        """
        ids = self._stored_ids
        return ids[-1] if message_id in ids[:-1] else None

    def has_pending_image(self) -> bool:
        """Return whether the site is still making an image for the reply."""
        if not any("async_task_type" in message_metadata(message) for message in self._messages.values()):
            return False
        from .file_refs import is_image_pending  # imported on first use, because few replies have files

        return is_image_pending(self.messages)

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
