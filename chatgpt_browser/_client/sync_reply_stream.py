"""The stream of a reply for the synchronous client."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, Protocol

from .._core.errors import ClientClosedError, ForkedProcessError
from .._core.public import FileT, public_type
from .file_binding import bind_event, bind_reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from typing_extensions import Self

    from .._core.models import ConversationEvent
    from .._core.public import MaybeNone
    from .._core.reply import Reply
    from .._core.reply_events import ReplyEvent
    from .._messaging.reply_stream import AsyncReplyStream
    from .file_binding import SyncFileBinder
    from .portal import Portal
    from .reply_file import AsyncReplyFile

#: Flag for pytest, so that its tracebacks omit the frames of this module.
__tracebackhide__ = True


class StreamOwner(Protocol):
    """The attributes of the synchronous client that its streams use."""

    _portal: Portal
    _files: SyncFileBinder


@public_type
class ReplyStream(Generic[FileT]):
    """An iterator over the pieces of a reply's text. It is also a context manager.

    If the ``with`` block is left before the reply is complete, the request is aborted.
    """

    def __init__(self, api: StreamOwner, stream: AsyncReplyStream[AsyncReplyFile]) -> None:
        self._api = api  # This reference keeps the client open: the garbage collector closes a client without references.
        self._portal = api._portal
        self._stream = stream

    def __repr__(self) -> str:
        return repr(self._stream).replace("AsyncReplyStream", "ReplyStream")

    @property
    def text(self) -> str:
        """The reply's whole text so far; see :attr:`AsyncReplyStream.text`."""
        return self._stream.text

    @property
    def conversation_id(self) -> str | MaybeNone:
        """The conversation's id, or None until the site has sent the id."""
        return self._stream.conversation_id

    @property
    def message_id(self) -> str | MaybeNone:
        """The message id of the reply, or None until the site has sent this id. Use the id as the next ``parent_message_id``."""
        return self._stream.message_id

    @property
    def event(self) -> ConversationEvent | None:
        """The newest event, as the site sent it, or None before the first event."""
        return self._stream.event

    @property
    def reply(self) -> Reply[FileT] | MaybeNone:
        """The whole reply, or None until the reply is complete; see :attr:`AsyncReplyStream.reply`."""
        reply = self._stream.reply
        return None if reply is None else bind_reply(reply, self._api._files.bind)

    @property
    def is_request_checked(self) -> bool:
        """False if the client could not check the message that the page sent; see :attr:`AsyncReplyStream.is_request_checked`."""
        return self._stream.is_request_checked

    def __enter__(self) -> Self:
        self._portal.call(self._stream.__aenter__)
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        """Wait for the next piece of text, and return the piece."""
        piece: str | None = self._portal.call(anext, self._stream, None)
        if piece is None:
            raise StopIteration
        return piece

    def events(self) -> Iterator[ReplyEvent[FileT]]:
        """Yield the reply as typed events; see :meth:`AsyncReplyStream.events`."""
        events: AsyncIterator[ReplyEvent[Any]] = self._stream.events()
        bind: Callable[[Any], Any] = self._api._files.bind
        while (event := self._portal.call(anext, events, None)) is not None:
            yield bind_event(event, bind)

    def close(self) -> None:
        """Abort the request if it is still running. A second call has no effect."""
        # Both errors are ignored: a closed client has already aborted the request, and after a fork, the request belongs to the
        # parent process.
        with suppress(ClientClosedError, ForkedProcessError):
            self._portal.call(self._stream.close)
