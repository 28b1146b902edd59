"""The progress of a reply: its text so far, its ids, and its state. :mod:`.reply_reader` changes the progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._core.errors import ChatGPTError, StreamError, StreamInterruptedError, UnusualActivityError
from .answer_tracker import AnswerTracker
from .conversation_tree import newest_answer
from .reply_state import ReplyState
from .reply_text import ReplyText
from .site_words import MissingAnswer
from .turn_messages import TurnMessages

if TYPE_CHECKING:
    from collections.abc import Collection

#: The states of a reply with a finished answer.
FINISHED_STATES = (ReplyState.ENDING, ReplyState.FINISHED, ReplyState.COMPLETE)

_ELSEWHERE, _DONE = ReplyState.ELSEWHERE, ReplyState.DONE


class ReplyProgress:
    """The reply so far: its text as Markdown, its ids, and its state. :class:`.ReplyState` describes the states."""

    def __init__(self) -> None:
        self.state: ReplyState = ReplyState.WAITING
        self.conversation_id: str | None = None
        #: True if the site has announced a hand-off: the rest of the reply may be outside this stream.
        self.is_handed_off = False
        #: True while the rest of the reply is read from a resumed stream or from the page's WebSocket.
        self.is_following: bool = False
        #: The reasons, found in the stream so far, why it may end without an answer.
        self.missing: MissingAnswer = MissingAnswer()
        #: True if the stream has ended without the whole reply, and the site gave the reason. No more text follows.
        self.is_explained: bool = False
        #: True if the caller waits for images that the site makes after the end of the stream. In this case, a stream that
        #: announces an image may end without a text.
        self.waits_for_images = False
        #: Selects the answer among the messages of the stream.
        self.answer: AnswerTracker = AnswerTracker()
        #: The messages of the stream and of the stored conversation. The whole reply is built from these messages.
        self.turn: TurnMessages = TurnMessages()
        self._text = ReplyText()

    @property
    def text(self) -> str:
        """The reply's whole text so far, as Markdown without citation marks."""
        return self._text.visible

    @property
    def message_id(self) -> str | None:
        """The id of the answer, or None if no message is chosen as the answer."""
        return self.answer.message_id

    @property
    def message_ids(self) -> Collection[str]:
        """The ids of all messages in the stream."""
        return self.answer.message_ids

    @property
    def question_id(self) -> str | None:
        """The id of the question that the reply answers. None until the site has repeated the question in the stream."""
        return self.answer.question_id

    @property
    def finish_type(self) -> str | None:
        """The site's reason for the end of the answer (``stop``, ``max_tokens``), or None if the site has sent no reason."""
        return self.answer.finish_type

    @property
    def done(self) -> bool:
        """True if the reply is complete."""
        return self.state is _DONE

    @property
    def is_elsewhere(self) -> bool:
        """True if the stream has ended, and the rest of the reply has to be read from the stored conversation."""
        return self.state is _ELSEWHERE

    @property
    def has_left_stream(self) -> bool:
        """True if no more events of the stream are read: the reply is complete, or its rest is in the stored conversation."""
        return self.state is _DONE or self.state is _ELSEWHERE

    @property
    def is_settled(self) -> bool:
        """True if the stream contains nothing more that is needed.

        Either the site has announced the end of the stream, or it has announced a hand-off, and no other stream with the rest of
        the reply is being read.
        """
        return (self.is_handed_off and not self.is_following) or self.state is ReplyState.COMPLETE

    @property
    def may_end(self) -> bool:
        """True if the stream may end without an error: the site has announced the end of the stream, or a hand-off."""
        return self.is_handed_off or self.state is ReplyState.COMPLETE

    @property
    def is_finished(self) -> bool:
        """True if the answer is finished. The stream may still contain other events."""
        return self.state in FINISHED_STATES

    @property
    def was_taken(self) -> bool:
        """True after a hand-off if the rest of the reply is taken from the stored conversation, and not from events."""
        return self.is_handed_off and not self.is_following

    def leave_stream(self) -> None:
        """Set the state to ELSEWHERE: the rest of the reply does not come from the stream that was read so far."""
        self.state, self.is_following = _ELSEWHERE, False

    def failed(self, kind: type[StreamError | UnusualActivityError], message: str) -> ChatGPTError:
        """Return an error of the class ``kind`` with this message. A ``StreamError`` also has the text so far and the ids."""
        if not issubclass(kind, StreamError):
            return kind(message)
        return kind(
            message, partial_text=self.text, conversation_id=self.conversation_id, message_id=self.message_id
        )

    def _interrupted(self, text: str) -> ChatGPTError:
        self.is_explained = self.missing.is_known
        return self.failed(StreamInterruptedError, self.missing.describe(text))

    def _choose_other_answer(self) -> bool:
        """Choose another message, after the chosen message was hidden or removed. Return whether the text changed.

        If no other message is an answer, the text becomes empty.
        """
        self._move_to(ReplyState.WAITING)
        other = newest_answer(self.turn.messages[::-1])
        if other is None:
            return self._text.replace("")
        changed = self._follow(other, None)
        # `_follow` has set the channel to that of the newest delta, but this delta changed another message.
        self.answer.channel = None
        return changed

    def _move_to(self, state: ReplyState) -> None:
        if self.state is not _DONE:
            self.state = state

    def _follow(self, message: dict[str, Any], conversation_id: Any) -> bool:
        raise NotImplementedError
