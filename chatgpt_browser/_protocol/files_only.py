"""Ends a reply that consists of files only, for example of an image. Such a reply has no answer with a text."""

from __future__ import annotations

from typing import Any

from .answer_tracker import optional_id
from .message import is_finished
from .reply_progress import ReplyProgress


class FilesOnlyMixin(ReplyProgress):
    """The part of ``ReplyReader`` that ends a reply without a text."""

    def __init__(self) -> None:
        super().__init__()
        self._newest: dict[str, Any] | None = None  # The newest event that was not read by the fast path.

    def finish_without_text(self) -> bool:
        """End the reply if it has files but no answer. Return whether this is the case.

        An image that the site is still making counts as a file if the caller waits for images.
        """
        from .file_refs import newest_file_message  # imported on first use, because few replies have files

        name = newest_file_message(self.turn.messages, with_pending=self.waits_for_images)
        if name is None or self.missing.is_error or self.answer.has_answer():
            return False
        self.answer.message_id = name
        self.conversation_id = self.conversation_id or optional_id(
            (self._newest or {}).get("conversation_id")
        )
        self._end()
        return True

    def adopt(self, answer: dict[str, Any] | None) -> None:
        """Read a stored answer after :meth:`finish_without_text`: the site has written a text after the image."""
        if answer is not None and is_finished(answer) and answer.get("id"):
            self._follow(answer, None)
            self._end()
        else:
            from .file_refs import newest_file_message

            self.answer.message_id = newest_file_message(self.turn.messages) or self.message_id

    def _follow(self, message: dict[str, Any], conversation_id: Any) -> bool:
        raise NotImplementedError

    def _end(self) -> bool:
        raise NotImplementedError
