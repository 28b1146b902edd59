"""`ReplyObserver`: the interface of an object that observes one message and its reply, for example to record the reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.models import ConversationEvent
    from .._protocol.reply_reader import ReplyReader


class ReplyObserver(Protocol):
    """Observes one message. Its methods are called in the client's event loop, so they must not block."""

    def on_event(self, event: ConversationEvent) -> None:
        """Handle the next event of the reply."""
        ...

    def on_end(self, error: BaseException | None, reply: ReplyReader | None) -> None:
        """Handle the end of the message.

        :param error: the error that ended the reply, or None.
        :param reply: the complete reply, or None if the reply is not complete.
        """
        ...


if TYPE_CHECKING:
    #: A function that creates the observer of a message. The argument is the text of the message.
    ObserveReply = Callable[[str], ReplyObserver]
