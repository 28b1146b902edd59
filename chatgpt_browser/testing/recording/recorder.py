"""`Recorder`: records conversations of a client, without their secrets, for `FakeChatGPT.replay`."""

from __future__ import annotations

import inspect
import json
import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ..data.cookies import CHUNK_SIZE
from .file_format import FORMAT_VERSION, appended_text, text_of
from .scrubber import Scrubber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Self

# The `end` of a reply by the name of the exception's class.
_ENDS = {
    "ChallengeError": "challenge",
    "ChatGPTTimeoutError": "stalled",
    "MalformedEventError": "garbled",
    "StreamInterruptedError": "broken",
    # Any other error of the stream is an event of the reply, so the recording contains it.
    "StreamError": "done",
}


class Recorder:
    """Sends messages through a client, and records the events of the replies and their times, without secrets.

        >>> with ChatGPTAPI(token) as api, Recorder(api, "hello.jsonl") as recorder:
        ...     conversation = recorder.get_conversation()
        ...     conversation.send_message("Hello!")

    It accepts the sync and the async client. `send_message` and `get_conversation` take the client's arguments; with the
    async client, await them where the client's methods are awaited. The file is readable only by its owner; a message is
    written when its reply has ended, successfully or not. Tokens, cookies, e-mail addresses and the IDs of users and
    accounts are replaced. **The texts of messages and replies stay**: read a recording before you publish it.

    :param api: a `ChatGPTAPI` or an `AsyncChatGPTAPI`; the caller closes it.
    :param path: the file; an existing file is replaced, and so is a link: the file that it leads to is not changed.
    :raises OSError: if the file cannot be written, or `path` is something that is not a file, such as a FIFO.
    """

    def __init__(self, api: Any, path: str | os.PathLike[str]) -> None:
        self._api = api
        self._scrubber = Scrubber()
        self._file = _create_private(Path(path))
        self._session_is_scrubbed = False
        self._write({"recording": FORMAT_VERSION, "recorded": time.strftime("%Y-%m-%d", time.gmtime())})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._file.close()

    def send_message(self, message: str, **options: Any) -> Any:
        """Send a message through the client and record it. Arguments, result and errors are the client's."""
        return self._send_recorded(self._api.send_message, message, options)

    def get_conversation(self, **options: Any) -> RecordedConversation:
        """Return a conversation of the client whose messages are recorded."""
        return RecordedConversation(self, self._api.get_conversation(**options))

    def _send_recorded(self, send: Callable[..., Any], message: str, options: dict[str, Any]) -> Any:
        """Send and record a message; return its result, or a coroutine if `send` is a coroutine function."""
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
        """Register the secrets of the session, and write the session without its values."""
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
        """Record one message, its reply and its end."""
        token = self._api.session_token
        # A long token is stored in several cookies.
        parts = [token[start : start + CHUNK_SIZE] for start in range(0, len(token), CHUNK_SIZE)]
        # Not the first part of a JOSE token: it is a header that other tokens share.
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
            if end != {"end": "left"} or recorder.events:  # else the message may not have reached the site
                first = {"message": self._scrubber.text(message)}
                # A list: nothing is written if a line cannot be scrubbed.
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
            # A reply may be cut in the middle of a character. The replay needs that half, and JSON can escape it.
            text = json.dumps(line)
        self._file.write(text + "\n")


class RecordedConversation:
    """A conversation whose messages are recorded. Returned by `Recorder.get_conversation`."""

    def __init__(self, recorder: Recorder, conversation: Any) -> None:
        self._recorder = recorder
        self._conversation = conversation

    @property
    def conversation_id(self) -> str | None:
        """The conversation's ID; None before the first reply."""
        given: str | None = self._conversation.conversation_id
        return given

    @property
    def parent_message_id(self) -> str | None:
        """The ID of the message that the next message answers."""
        given: str | None = self._conversation.parent_message_id
        return given

    def send_message(self, message: str, **options: Any) -> Any:
        """Send a message in the conversation and record it. Arguments, result and errors are the conversation's."""
        return self._recorder._send_recorded(self._conversation.send_message, message, options)


class _EventRecorder:
    """The event callback of a client: stores each event and then calls the caller's own callback.

    The events stay in memory until the reply has ended, because only the complete text shows which parts are secret.
    """

    def __init__(self, scrubber: Scrubber, callback: Callable[[Any], Any] | None) -> None:
        #: (seconds since the message was sent, event) pairs.
        self.events: list[tuple[float, dict[str, Any]]] = []
        self._scrubber = scrubber
        self._callback = callback
        self._started_at = time.monotonic()

    @property
    def seconds(self) -> float:
        """The seconds since the message was sent."""
        return round(time.monotonic() - self._started_at, 4)

    def __call__(self, event: dict[str, Any]) -> Any:
        """Store an event."""
        # For the delta format: the message that results from the deltas so far.
        whole = getattr(event, "whole", None)
        self.events.append((self.seconds, dict(event if whole is None else whole)))
        return None if self._callback is None else self._callback(event)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield the lines of the recording, without secrets."""
        self._find_secrets()
        previous: dict[str, Any] = {}
        for at, event in self.events:
            scrubbed = self._scrubber.event(event)
            appended = appended_text(previous, scrubbed)
            yield {**({"event": scrubbed} if appended is None else {"append": appended}), "at": at}
            previous = scrubbed

    def _find_secrets(self) -> None:
        """Search the complete texts for secrets, so that earlier events do not contain their beginnings."""
        texts = [text_of(event) for _, event in self.events]
        for text, following in zip(texts, [*texts[1:], ""], strict=False):
            if not following.startswith(text):
                self._scrubber.find_secrets(text)


def _create_private(path: Path) -> TextIO:
    """Put a new file with mode 0600 in place of what has this name, without following a link, and open it."""
    if path.exists() and not path.is_file():
        raise OSError(None, "it is not a regular file", str(path))
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".recording-", suffix=".tmp")
    os.close(descriptor)  # Windows does not move an open file
    try:
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
    descriptor = os.open(path, os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0))
    return os.fdopen(descriptor, "w", encoding="utf-8")


def _without_values(value: Any) -> Any:
    """Return the structure of a session: its keys, and the types of its values."""
    if isinstance(value, dict):
        return {key: _without_values(item) for key, item in value.items()}
    if isinstance(value, list):
        return []

    return value if value is None or isinstance(value, bool) else f"[{type(value).__name__}]"


def _headers(error: BaseException) -> dict[str, str]:
    delay = getattr(error, "retry_after", None)
    has_header = delay and getattr(error, "retry_after_from", "") == "header"
    return {"retry-after": f"{delay:g}"} if has_header else {}
