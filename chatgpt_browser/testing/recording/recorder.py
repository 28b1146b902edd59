"""`Recorder`: records the conversations of a client, without secrets. `FakeChatGPT.replay` replays a recording."""

from __future__ import annotations

import inspect
import json
import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TextIO, TypeVar

from ..data.cookies import CHUNK_SIZE
from .file_format import FORMAT_VERSION, appended_text, text_of
from .scrubber import Scrubber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

# Maps the class name of the exception that ended the reply to the value of `end` in the recording.
_ENDS = {
    "ChallengeError": "challenge",
    "ChatGPTTimeoutError": "stalled",
    "MalformedEventError": "garbled",
    "StreamInterruptedError": "broken",
    # Any other StreamError means that the site sent an event with an error. The recording already contains this event.
    "StreamError": "done",
}


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
    :raises OSError: if the file cannot be written, or `path` exists but is not a file, such as a FIFO.
    """

    def __init__(self, api: RecordableClient[ResultT_co], path: str | os.PathLike[str]) -> None:
        self._api: Any = api
        self._scrubber = Scrubber()
        self._file = _create_private(Path(path))
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
        raw: dict[str, Any] = session.raw
        self._scrubber.add_secrets("access-token", [session.access_token])
        for key in ("user", "account"):
            value = raw.get(key)
            texts = value.values() if isinstance(value, dict) else ()
            self._scrubber.add_secrets(key, [text for text in texts if isinstance(text, str)])

        self._session_is_scrubbed = True
        self._write({"session": _without_values(raw)})

    @contextmanager
    def _recording(self, message: str, options: dict[str, Any]) -> Iterator[_EventRecorder]:
        """Yield a callback for the events of one reply. At the end of the block, write the message, the events and the end."""
        token = self._api.session_token
        # A long token is stored in several cookies, so the chunk in each cookie is also a secret.
        parts = [token[start : start + CHUNK_SIZE] for start in range(0, len(token), CHUNK_SIZE)]
        # The parts of a JOSE token are secrets too, except the first part: it is a header, which is the same in other tokens.
        parts += [part for part in token.split(".") if len(part) > 15 and not part.startswith("eyJ")]
        self._scrubber.add_secrets("session-token", [token, *parts])
        recorder = _EventRecorder(self._scrubber, options.pop("on_conversation_response", None))
        end: dict[str, Any] = {"end": "done"}
        try:
            yield recorder
        except BaseException as error:
            end = self._ending(error)
            raise
        finally:
            # The end is "left" if the call was cancelled or failed with an unlisted error. If this happened before the first
            # event, the message may not have reached the site, so nothing is written.
            if end != {"end": "left"} or recorder.events:
                first = {"message": self._scrubber.text(message)}
                # The list of lines is complete before the first line is written. So if scrubbing fails, nothing is written.
                for line in [first, *recorder.lines(), {**end, "at": recorder.seconds}]:
                    self._write(line)
            self._file.flush()

    def _ending(self, error: BaseException) -> dict[str, Any]:
        names = [kind.__name__ for kind in type(error).__mro__]
        status, body = getattr(error, "status_code", None), getattr(error, "body", None)
        if isinstance(status, int) and isinstance(body, str):
            return {"answer": {"status": status, "body": self._body(body), "headers": _headers(error)}}

        return {"end": next((_ENDS[name] for name in names if name in _ENDS), "left")}

    def _body(self, body: str) -> Any:
        try:
            return self._scrubber.value(json.loads(body))
        except ValueError:
            return self._scrubber.value(body)

    def _write(self, line: dict[str, Any]) -> None:
        text = json.dumps(line, ensure_ascii=False)
        try:
            text.encode()
        except UnicodeEncodeError:
            # A reply may be cut in the middle of a surrogate pair. The replay needs the first half, and JSON can escape it.
            text = json.dumps(line)
        self._file.write(text + "\n")


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


class _EventRecorder:
    """The event callback that is passed to the client. It stores each event, and then calls the callback of the caller.

    The events are written only after the reply has ended, because a secret can be recognized only in the complete text.
    """

    def __init__(self, scrubber: Scrubber, callback: Callable[[Any], Any] | None) -> None:
        #: The events of the reply, each with its time in seconds since the message was sent.
        self.events: list[tuple[float, dict[str, Any]]] = []
        self._scrubber = scrubber
        self._callback = callback
        self._started_at = time.monotonic()

    @property
    def seconds(self) -> float:
        """The time since the message was sent, in seconds."""
        return round(time.monotonic() - self._started_at, 4)

    def __call__(self, event: dict[str, Any]) -> Any:
        """Store an event, call the caller's callback, and return the result of that callback."""
        # In the delta format, `whole` is the complete event that results from all deltas so far.
        whole = getattr(event, "whole", None)
        self.events.append((self.seconds, dict(event if whole is None else whole)))
        return None if self._callback is None else self._callback(event)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the recording's lines for the events, without secrets."""
        self._find_secrets()
        previous: dict[str, Any] = {}
        for at, event in self.events:
            scrubbed = self._scrubber.event(event)
            appended = appended_text(previous, scrubbed)
            yield {**({"event": scrubbed} if appended is None else {"append": appended}), "at": at}
            previous = scrubbed

    def _find_secrets(self) -> None:
        """Search the complete texts for secrets, and add the secrets to the scrubber.

        The text of an earlier event may end with only the beginning of such a secret. The scrubber then removes this beginning.
        """
        texts = [text_of(event) for _, event in self.events]
        for text, following in zip(texts, [*texts[1:], ""], strict=False):
            if not following.startswith(text):
                self._scrubber.find_secrets(text)


def _create_private(path: Path) -> TextIO:
    """Create a new file with mode 0600 and open it. It replaces an existing file or link; the target of a link is unchanged."""
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


def _without_values(value: Any) -> Any:
    """Return a copy of a JSON value without contents: each number and text becomes the name of its type; lists become empty."""
    if isinstance(value, dict):
        return {key: _without_values(item) for key, item in value.items()}
    if isinstance(value, list):
        return []

    return value if value is None or isinstance(value, bool) else f"[{type(value).__name__}]"


def _headers(error: BaseException) -> dict[str, str]:
    delay = getattr(error, "retry_after", None)
    has_header = delay and getattr(error, "retry_after_from", "") == "header"
    return {"retry-after": f"{delay:g}"} if has_header else {}
