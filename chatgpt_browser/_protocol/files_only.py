"""Ends a reply that consists only of files, for example of an image. Such a reply has no text."""

from __future__ import annotations

from typing import Any

from .answer_tracker import optional_id
from .message import is_finished
from .reply_progress import ReplyProgress


class FilesOnlyMixin(ReplyProgress):
    """The part of ``ReplyReader`` that ends a reply without a text."""

    def __init__(self) -> None:
        super().__init__()
        #: The newest event that was parsed. An event that only adds text is read without parsing.
        self._newest: dict[str, Any] | None = None

    def finish_without_text(self) -> bool:
        """If the reply has files but no answer, end the reply and return True. Otherwise return False.

        If the caller waits for images, an image that the site is still making is treated as a file.
        """
        from .file_refs import newest_file_message  # imported on first use, because few replies have files

        name = newest_file_message(self.turn.messages, with_pending=self.waits_for_images)
        if name is None or self.missing.is_error or self.answer.has_answer():
            return False
        self.answer.message_id = name
        self.conversation_id: str | None = self.conversation_id or optional_id(
            (self._newest or {}).get("conversation_id")
        )
        self._end()
        return True

    def adopt(self, answer: dict[str, Any] | None) -> None:
        """Update a reply that :meth:`finish_without_text` has ended. Call this when more of the stored conversation was read.

        The site may have written an answer after the files. If ``answer`` is complete, its text becomes the text of the reply.
        Otherwise, the id of the newest message with a file becomes the message id of the reply.

        :param answer: the answer in the stored conversation, or None if there is no answer.
        """
        if answer is not None and is_finished(answer) and answer.get("id"):
            self._follow(answer, None)
            self._end()
        else:
            from .file_refs import newest_file_message

            self.answer.message_id = newest_file_message(self.turn.messages) or self.message_id

    def _end(self) -> bool:
        raise NotImplementedError
