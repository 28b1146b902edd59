"""Replaces the references to files in replies by file objects that can read the files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._core.reply import Reply
    from .._core.reply_events import ReplyEvent
    from .._messaging.sender import MessageSender
    from .._protocol.file_refs import FileRef
    from .._protocol.history import History
    from .portal import Portal


class FileBinder:
    """Creates the files of the asynchronous client's replies."""

    def __init__(self, sender: MessageSender) -> None:
        self._sender = sender

    def bind(self, ref: FileRef) -> Any:
        """Return the file for a reference."""
        from .reply_file import AsyncReplyFile  # imported on first use, because few replies have files

        return AsyncReplyFile(ref, self._sender)


class SyncFileBinder:
    """Creates the files of the synchronous client's replies."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def bind(self, file: Any) -> Any:
        """Return the file of the synchronous client for a file of the asynchronous client."""
        from .reply_file import ReplyFile

        return ReplyFile(file, self._portal)


def bind_reply(reply: Reply[Any], bind: Callable[[Any], Any]) -> Reply[Any]:
    """Return the reply with other file objects."""
    return replace(reply, files=tuple(map(bind, reply.files)))


def bind_event(event: ReplyEvent, bind: Callable[[Any], Any]) -> ReplyEvent:
    """Return the event with other file objects."""
    from .._core.reply_events import Done, FileFound

    if isinstance(event, FileFound):
        return FileFound(bind(event.file))
    return Done(bind_reply(event.reply, bind)) if isinstance(event, Done) else event


def bind_history(history: History, bind: Callable[[Any], Any]) -> History:
    """Return the conversation with other file objects."""
    messages = (
        replace(message, files=tuple(map(bind, message.files))) if message.files else message
        for message in history.messages
    )
    return replace(history, messages=tuple(messages))
