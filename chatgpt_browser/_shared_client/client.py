"""A client that sends its calls to the service in another process. It has the methods of `ChatGPTAPI` that the commands use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._core.errors import BrowserCrashedError
from .._core.log import logger
from .._core.options import DEFAULT_MODEL
from .._core.reply_events import Done, TextDelta
from .address import socket_path
from .codec import decode, encode
from .connection import Connection, RefusedError, program_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .._core.abort import AbortSignal
    from .._core.options import Milliseconds
    from .._core.reply import Reply
    from .._core.reply_events import ReplyEvent
    from .._protocol.backend import ConversationSummary
    from .._protocol.file_refs import FileRef
    from .._protocol.history import History
    from .._protocol.model_list import Model

#: The longest wait in seconds for the first response. A service that does not respond, such as a stopped process, is not used.
_HELLO_TIMEOUT = 20.0


class SharedClient:
    """A client that uses the open browser of another process. It is a context manager.

    While the client is open, it keeps one connection open. Therefore the service is not idle, and does not end after its idle
    time.

    :param key: a digest of the session and the options that the client needs.
    :param send_via: how messages must be sent, or None if the client sends no messages.
    :raises RefusedError: the service has another session or other options.
    :raises OSError: there is no service, or it does not respond.
    """

    def __init__(
        self, key: str, *, send_via: str | None = None, markdown: bool = True, model: str | None = None
    ) -> None:
        self._path = socket_path()
        self._common = {"key": key, "send_via": send_via, "markdown": markdown}
        self._model = model
        self._hello = Connection(self._path, {"name": "hello", **self._common}, timeout=_HELLO_TIMEOUT)
        try:
            status: dict[str, Any] = next(self._hello.lines())["result"]
        except EOFError:
            self._hello.close()
            raise ConnectionResetError("the service has ended") from None
        except BaseException:
            self._hello.close()
            raise
        self._pid: int = status["pid"]
        self._is_logged = False
        #: The name of the service's program, with a capital letter, because it begins a sentence.
        self._program = program_of(status).replace("the ", "The ", 1)

    def __enter__(self) -> SharedClient:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. The browser stays open."""
        self._hello.close()

    @property
    def model(self) -> str:
        """The model that replies to the next messages."""
        return self._model or DEFAULT_MODEL

    @model.setter
    def model(self, model: str) -> None:
        self._model = model

    def start(self) -> None:
        """Start the browser, if it has ended since the service started."""
        self._call("start")

    def list_models(self) -> list[Model]:
        """Return the models that the account may use."""
        models: list[Model] = self._call("list_models")
        return models

    def list_conversations(self, offset: int = 0, limit: int = 20) -> list[ConversationSummary]:
        """Return at most ``limit`` of the account's conversations."""
        found: list[ConversationSummary] = self._call("list_conversations", offset=offset, limit=limit)
        return found

    def iter_conversations(self, page_size: int = 20) -> Iterator[ConversationSummary]:
        """Yield all conversations of the account."""
        with self._open("iter_conversations", page_size=page_size) as connection:
            for line in self._lines(connection):
                if "item" in line:
                    yield decode(line["item"], self._bind)

    def get_history(self, conversation_id: str) -> History:
        """Return a past conversation with its messages."""
        history: History = self._call("get_history", conversation_id=conversation_id)
        return history

    def rename_conversation(self, conversation_id: str, title: str) -> None:
        """Change a conversation's title."""
        self._call("rename_conversation", conversation_id=conversation_id, title=title)

    def delete_conversation(self, conversation_id: str) -> None:
        """Delete a conversation."""
        self._call("delete_conversation", conversation_id=conversation_id)

    def generate_title(self, conversation_id: str, message_id: str | None = None) -> str:
        """Return a title that the site generates."""
        title: str = self._call("generate_title", conversation_id=conversation_id, message_id=message_id)
        return title

    def stream_message(
        self,
        message: str,
        *,
        conversation_id: str | None = None,
        parent_message_id: str | None = None,
        timeout_ms: Milliseconds | None = None,
        abort_signal: AbortSignal | None = None,
        **options: Any,
    ) -> SharedStream:
        """Return a stream of the reply. The message is sent when the ``with`` block of the stream is entered."""
        ids = {"conversation_id": conversation_id, "parent_message_id": parent_message_id}
        arguments = {"message": message, **ids, "timeout_ms": timeout_ms, "model": self.model, **options}
        return SharedStream(self, arguments, abort_signal)

    def get_conversation(
        self, *, conversation_id: str | None = None, parent_message_id: str | None = None
    ) -> SharedConversation:
        """Return an object that sends several messages in one conversation."""
        return SharedConversation(self, conversation_id, parent_message_id)

    def _open(self, name: str, **arguments: Any) -> Connection:
        if not self._is_logged:
            # After this event, the spinner of the command line no longer shows the step "starting the browser".
            logger.info(
                "using the browser of process %d", self._pid, extra={"chatgpt_event": "shared_client"}
            )
            self._is_logged = True
        try:
            return Connection(self._path, {"name": name, "arguments": arguments, **self._common})
        except OSError:
            raise self._ended("has ended") from None

    def _lines(self, connection: Connection) -> Iterator[dict[str, Any]]:
        """Yield the lines of a call.

        :raises BrowserCrashedError: the process of the service has ended, or another service runs now.
        """
        try:
            yield from connection.lines()
        except RefusedError:
            raise self._ended("has ended, and a browser with other options runs now") from None
        except (EOFError, ConnectionError):
            raise BrowserCrashedError(
                f"{self._program} ended during the call. If it was sending a message, the message may have been sent: "
                "check the conversation before you send it again."
            ) from None

    def _ended(self, what: str) -> BrowserCrashedError:
        """Return the error for a call that was not run, because the service has ended."""
        return BrowserCrashedError(f"{self._program} {what}. Nothing was sent. Run the command again.")

    def _call(self, name: str, **arguments: Any) -> Any:
        with self._open(name, **arguments) as connection:
            *_, last = self._lines(connection)
        return decode(last["result"], self._bind)

    def _bind(self, ref: FileRef) -> Any:
        from .files import SharedFile  # few replies have files, and this import is slow

        return SharedFile(ref, self._save)

    def _save(self, ref: FileRef, path: str, overwrite: bool) -> Path:
        return Path(self._call("save_file", file=encode(ref), path=path, overwrite=overwrite))


class SharedStream:
    """A stream of a reply; see `ReplyStream`. It is a context manager, and its only iterator is :meth:`events`."""

    def __init__(
        self, api: SharedClient, arguments: dict[str, Any], abort_signal: AbortSignal | None
    ) -> None:
        self._api = api
        self._arguments = arguments
        self._abort_signal = abort_signal
        self._connection: Connection | None = None
        self._forget_signal: Callable[[], None] | None = None
        #: The text so far.
        self.text: str = ""
        #: The id of the conversation, or None until the site has sent the id.
        self.conversation_id: str | None = None
        #: The id of the reply, or None until the site has sent the id.
        self.message_id: str | None = None
        #: The whole reply, or None until the reply is complete.
        self.reply: Reply[Any] | None = None
        #: A function that is called with this stream when the reply is complete.
        self.on_complete: Callable[[SharedStream], object] = lambda _: None

    def __enter__(self) -> SharedStream:
        if self._abort_signal is not None:
            self._abort_signal.throw_if_aborted()
        self._connection = self._api._open("stream_message", **self._arguments)
        if self._abort_signal is not None:
            self._forget_signal = self._abort_signal.listen(self._connection.shut_down)
        return self

    def __exit__(self, *error: object) -> None:
        if self._forget_signal is not None:
            self._forget_signal()
        if self._connection is not None:
            self._connection.close()

    def events(self) -> Iterator[ReplyEvent]:
        """Yield the reply as typed events.

        :raises AbortError: the signal was aborted.
        :raises ChatGPTError: the message was not sent, or the reply is not complete.
        """
        assert self._connection is not None
        try:
            for line in self._api._lines(self._connection):
                if "item" in line:
                    yield self._read(line)
        except BrowserCrashedError as error:
            if self._abort_signal is not None:
                self._abort_signal.throw_if_aborted()
            error.partial_text = error.partial_text or self.text
            raise

    def _read(self, line: dict[str, Any]) -> ReplyEvent:
        event: ReplyEvent = decode(line["item"], self._api._bind, self.text)
        self.conversation_id, self.message_id = line["ids"]
        if isinstance(event, TextDelta):
            self.text = event.snapshot
        elif isinstance(event, Done):
            self.reply, self.text = event.reply, event.reply.text
            self.on_complete(self)
        return event


class SharedConversation:
    """A conversation; see `ChatGPTConversation`. After each reply, ``conversation_id`` and ``parent_message_id`` are updated."""

    def __init__(self, api: SharedClient, conversation_id: str | None, parent_message_id: str | None) -> None:
        self._api = api
        self.conversation_id = conversation_id
        self.parent_message_id = parent_message_id

    def stream_message(self, message: str, **options: Any) -> SharedStream:
        """Return a stream of the reply to the next message."""
        stream = self._api.stream_message(
            message,
            conversation_id=self.conversation_id,
            parent_message_id=self.parent_message_id,
            **options,
        )
        stream.on_complete = self._advance
        return stream

    def _advance(self, stream: SharedStream) -> None:
        self.conversation_id = stream.conversation_id or self.conversation_id
        self.parent_message_id = stream.message_id or self.parent_message_id
