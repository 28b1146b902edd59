"""Replaces the references to files in replies, events and histories by file objects, which can read the files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.reply import Reply
    from .._core.reply_events import ReplyEvent
    from .._messaging.sender import MessageSender
    from .._protocol.file_refs import FileRef
    from .._protocol.history import History
    from .portal import Portal
    from .reply_file import AsyncReplyFile, ReplyFile

GivenT = TypeVar("GivenT")
BoundT = TypeVar("BoundT")


class FileBinder:
    """Creates the file objects in the replies of the asynchronous client."""

    def __init__(self, sender: MessageSender) -> None:
        self._sender = sender

    def bind(self, ref: FileRef) -> AsyncReplyFile:
        """Return the file object for a reference to a file."""
        from .reply_file import AsyncReplyFile  # imported on first use, because few replies have files

        return AsyncReplyFile(ref, self._sender)


class SyncFileBinder:
    """Creates the file objects in the replies of the synchronous client."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def bind(self, file: AsyncReplyFile) -> ReplyFile:
        """Return the synchronous file object for an asynchronous file object."""
        from .reply_file import ReplyFile

        return ReplyFile(file, self._portal)


def bind_reply(reply: Reply[GivenT], bind: Callable[[GivenT], BoundT]) -> Reply[BoundT]:
    """Return the reply with each file replaced by ``bind(file)``."""
    given: Reply[Any] = reply
    return replace(given, files=tuple(map(bind, reply.files)))


def bind_event(event: ReplyEvent[GivenT], bind: Callable[[GivenT], BoundT]) -> ReplyEvent[BoundT]:
    """Return the event with each file replaced by ``bind(file)``."""
    from .._core.reply_events import Done, FileFound

    if isinstance(event, FileFound):
        return FileFound(bind(event.file))
    return Done(bind_reply(event.reply, bind)) if isinstance(event, Done) else event


def bind_history(history: History[GivenT], bind: Callable[[GivenT], BoundT]) -> History[BoundT]:
    """Return the conversation with each file replaced by ``bind(file)``."""
    given: History[Any] = history
    messages = (
        replace(message, files=tuple(map(bind, message.files))) if message.files else message
        for message in given.messages
    )
    return replace(given, messages=tuple(messages))
