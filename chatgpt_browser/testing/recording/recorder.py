"""`Recorder`: records the conversations of a client, without secrets. `FakeChatGPT.replay` replays a recording."""

from __future__ import annotations

import inspect
import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TextIO, TypeVar

from .event_log import EventLog, add_session_token, as_text, ending, session_line
from .file_format import FORMAT_VERSION
from .scrubber import Scrubber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self


#: The result of the client's `send_message`: a str, or a coroutine with a str if the client is asynchronous.
ResultT_co = TypeVar("ResultT_co", covariant=True)


class RecordableClient(Protocol[ResultT_co]):
    """A synchronous or asynchronous client, or one of its conversations."""

    @property
    def send_message(self) -> Callable[..., ResultT_co]:
        """The method that sends a message."""


class Recorder(Generic[ResultT_co]):
    """Sends messages through a client, and records the events of the replies with their times, but without secrets.

        >>> with ChatGPTAPI(token) as api, Recorder(api, "hello.jsonl") as recorder:
        ...     conversation = recorder.get_conversation()
        ...     conversation.send_message("Hello!")

    Both the sync and the async client can be recorded. `send_message` and `get_conversation` have the same arguments as the
    client's methods. With the async client, await `send_message`. The file is readable only by its owner. A message is written
    to the file when its reply has ended or has failed. Tokens, cookies, e-mail addresses and the IDs of users and accounts are
    replaced. **The texts of messages and replies are not removed**: read a recording before you publish it.

    :param api: a `ChatGPTAPI` or an `AsyncChatGPTAPI`; the caller closes it.
    :param path: the file. An existing file is replaced. A symbolic link is also replaced, and its target is not changed.
    :raises OSError: if the file cannot be written, or if `path` exists and is not a regular file (for example, it is a FIFO).
    """

    def __init__(self, api: RecordableClient[ResultT_co], path: str | os.PathLike[str]) -> None:
        self._api: Any = api
        self._scrubber = Scrubber()
        self._file = create_private(Path(path))
        self._session_is_scrubbed = False
        self._write({"recording": FORMAT_VERSION, "recorded": time.strftime("%Y-%m-%d", time.gmtime())})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Further calls have no effect."""
        self._file.close()

    def send_message(self, message: str, **options: Any) -> ResultT_co:
        """Send a message through the client and record it.

        The arguments, the result and the errors are the same as for the client's `send_message`.
        """
        result: ResultT_co = self._send_recorded(self._api.send_message, message, options)
        return result

    def get_conversation(self, **options: Any) -> RecordedConversation[ResultT_co]:
        """Return a new or existing conversation of the client. The messages that are sent in it are recorded."""
        return RecordedConversation(self, self._api.get_conversation(**options))

    def _send_recorded(self, send: Callable[..., Any], message: str, options: dict[str, Any]) -> Any:
        """Send a message with `send`, and record it. Return the result, or a coroutine if `send` is a coroutine function."""
        if inspect.iscoroutinefunction(send):
            return self._send_recorded_async(send, message, options)

        if not self._session_is_scrubbed:
            self._scrub_session(self._api.get_session())
        with self._recording(message, options) as recorder:
            return send(message, **options, on_conversation_response=recorder)

    async def _send_recorded_async(
        self, send: Callable[..., Any], message: str, options: dict[str, Any]
    ) -> Any:
        if not self._session_is_scrubbed:
            self._scrub_session(await self._api.get_session())
        with self._recording(message, options) as recorder:
            return await send(message, **options, on_conversation_response=recorder)

    def _scrub_session(self, session: Any) -> None:
        """Add the secrets of the session to the scrubber, and write the session without its values to the file."""
        line = session_line(self._scrubber, session.access_token, session.raw)
        self._session_is_scrubbed = True
        self._write(line)

    @contextmanager
    def _recording(self, message: str, options: dict[str, Any]) -> Iterator[_EventCallback]:
        """Yield a callback for the events of one reply. At the end of the block, write the lines of the message."""
        add_session_token(self._scrubber, self._api.session_token)
        log = EventLog()
        end: dict[str, Any] = {"end": "done"}
        try:
            yield _EventCallback(log, options.pop("on_conversation_response", None))
        except BaseException as error:
            end = ending(error, self._scrubber)
            raise
        finally:
            # If there is no event, and the end is "left" (the call was cancelled, or `_ENDS` does not contain its error), the
            # message may not have reached the site. Then nothing is written.
            if end != {"end": "left"} or log:
                first = {"message": self._scrubber.text(message)}
                # The list of lines is complete before the first line is written. So if scrubbing fails, nothing is written.
                last = {**end, **log.final(self._scrubber), "at": log.seconds}
                for line in [first, *log.lines(self._scrubber), last]:
                    self._write(line)
            self._file.flush()

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(as_text(line) + "\n")


class RecordedConversation(Generic[ResultT_co]):
    """A conversation whose messages are recorded. `Recorder.get_conversation` returns it."""

    def __init__(self, recorder: Recorder[ResultT_co], conversation: Any) -> None:
        self._recorder = recorder
        self._conversation = conversation

    @property
    def conversation_id(self) -> str | None:
        """The ID of the conversation. None until the first reply of a new conversation."""
        given: str | None = self._conversation.conversation_id
        return given

    @property
    def parent_message_id(self) -> str | None:
        """The ID of the message that will be the parent of the next message."""
        given: str | None = self._conversation.parent_message_id
        return given

    def send_message(self, message: str, **options: Any) -> ResultT_co:
        """Send a message in the conversation and record it.

        The arguments, the result and the errors are the same as for `send_message` of the client's conversation.
        """
        send = self._conversation.send_message
        result: ResultT_co = self._recorder._send_recorded(send, message, options)
        return result


class _EventCallback:
    """The event callback that is passed to the client. It stores each event, and then calls the callback of the caller."""

    def __init__(self, log: EventLog, callback: Callable[[Any], Any] | None) -> None:
        self._log = log
        self._callback = callback

    def __call__(self, event: dict[str, Any]) -> Any:
        """Store an event, call the caller's callback, and return the result of that callback."""
        self._log.add(event)
        return None if self._callback is None else self._callback(event)


def create_private(path: Path) -> TextIO:
    """Create and open a file with mode 0600. An existing file or link is replaced; the target of a link is unchanged."""
    if path.exists() and not path.is_file():
        raise OSError(None, "it is not a regular file", str(path))
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".recording-", suffix=".tmp")
    os.close(descriptor)  # Windows cannot move an open file.
    try:
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
    descriptor = os.open(path, os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0))
    return os.fdopen(descriptor, "w", encoding="utf-8")
