"""Records real conversations, without their secrets, for `FakeChatGPT.replay`."""

from __future__ import annotations

import inspect
import json
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..data.cookies import CHUNK_SIZE
from .scrubber import Scrubber, text_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from typing_extensions import Self

#: The form of the file; a reader takes no other.
FORM = 1
_ENDS = {
    "ChallengeError": "challenge",
    "ChatGPTTimeoutError": "stalled",
    "MalformedEventError": "garbled",
    # The last event said so itself, unless the connection broke: that is a kind of its own.
    "StreamInterruptedError": "broken",
    "StreamError": "done",
}


class Recorder:
    """Sends messages through a client, and writes down what the site answers, when, and without secrets.

        >>> with ChatGPTAPI(token) as api, Recorder(api, "hello.jsonl") as recorder:
        ...     conversation = recorder.get_conversation()
        ...     conversation.send_message("Hello!")

    Of a client of either face: its `send_message` and `get_conversation` are here under the same names, and are to be
    awaited where the client's are. The file is made readable for its owner alone; a message is written to it when its
    reply has ended, well or not. Tokens, cookies, e-mail addresses and the ids of users and accounts are replaced; **what
    was said stays**: look at a recording before you give it away.
    """

    def __init__(self, api: Any, path: str | os.PathLike[str]) -> None:
        """
        :param api: a `ChatGPTAPI` or an `AsyncChatGPTAPI`, which stays the caller's to close.
        :param path: the file; what was there before is lost.
        :raises OSError: if it can't be written.
        """
        self._api = api
        self._scrubber = Scrubber()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        if hasattr(os, "fchmod"):  # an older file keeps its mode
            os.fchmod(descriptor, 0o600)

        self._file = os.fdopen(descriptor, "w", encoding="utf-8")
        self._knows_the_session = False
        self._write({"recording": FORM, "recorded": time.strftime("%Y-%m-%d", time.gmtime())})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._file.close()

    def send_message(self, message: str, **options: Any) -> Any:
        """The client's own, recorded."""
        return self._recorded(self._api.send_message, message, options)

    def get_conversation(self, **options: Any) -> RecordedConversation:
        """The client's own, whose messages are recorded."""
        return RecordedConversation(self, self._api.get_conversation(**options))

    def _recorded(self, send: Callable[..., Any], message: str, options: dict[str, Any]) -> Any:
        """Send it: now, or when what is given back is awaited."""
        if inspect.iscoroutinefunction(send):
            return self._recorded_later(send, message, options)

        if not self._knows_the_session:
            self._learn(self._api.get_session())
        with self._take(message, options) as take:
            return send(message, **options, on_conversation_response=take)

    async def _recorded_later(self, send: Callable[..., Any], message: str, options: dict[str, Any]) -> Any:
        if not self._knows_the_session:
            self._learn(await self._api.get_session())
        with self._take(message, options) as take:
            return await send(message, **options, on_conversation_response=take)

    def _learn(self, session: Any) -> None:
        """Learn from the session what is secret, and write down the form of it alone."""
        raw: dict[str, Any] = session.raw
        self._scrubber.learn("access-token", [session.access_token])
        for whose in ("user", "account"):
            about = raw.get(whose)
            texts = (
                [value for value in about.values() if isinstance(value, str)]
                if isinstance(about, dict)
                else []
            )
            self._scrubber.learn(whose, texts)

        self._knows_the_session = True
        self._write({"session": _form_of(raw)})

    @contextmanager
    def _take(self, message: str, options: dict[str, Any]) -> Iterator[Take]:
        """Record one message and what becomes of it."""
        token = self._api.session_token
        # A cookie holds no more than a part of a long one.
        parts = [token[start : start + CHUNK_SIZE] for start in range(0, len(token), CHUNK_SIZE)]
        # The first part of a JOSE token is its header: other tokens begin with it too.
        parts += [part for part in token.split(".") if len(part) > 15 and not part.startswith("eyJ")]
        self._scrubber.learn("session-token", [token, *parts])
        take = Take(self._scrubber, options.pop("on_conversation_response", None))
        end: dict[str, Any] = {"end": "done"}
        try:
            yield take
        except BaseException as error:
            end = self._ending(error)
            raise
        finally:
            if end != {"end": "left"} or take.events:  # else the site never got to see it
                for line in [
                    {"message": self._scrubber.said(message)},
                    *take.lines(),
                    {**end, "at": take.seconds},
                ]:
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
            return self._scrubber.any(json.loads(body))
        except ValueError:
            return self._scrubber.any(body)

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")


class RecordedConversation:
    """A conversation whose messages are recorded; its ids are the conversation's own."""

    def __init__(self, recorder: Recorder, conversation: Any) -> None:
        self._recorder = recorder
        self._conversation = conversation

    @property
    def conversation_id(self) -> str | None:
        """The conversation's id, once it has one."""
        given: str | None = self._conversation.conversation_id
        return given

    @property
    def parent_message_id(self) -> str | None:
        """The message that the next one answers."""
        given: str | None = self._conversation.parent_message_id
        return given

    def send_message(self, message: str, **options: Any) -> Any:
        """The conversation's own, recorded."""
        return self._recorder._recorded(self._conversation.send_message, message, options)


class Take:
    """Takes the events of one reply, as its client's callback, and hands them on to the caller's own.

    They are in memory until the reply has ended: only the whole of it tells what is secret.
    """

    def __init__(self, scrubber: Scrubber, callback: Callable[[Any], Any] | None) -> None:
        self.events: list[tuple[float, dict[str, Any]]] = []
        self._scrubber = scrubber
        self._callback = callback
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the message was handed over."""
        return round(time.monotonic() - self._began, 4)

    def __call__(self, event: dict[str, Any]) -> Any:
        """Take an event."""
        # Of the newer form of the stream, the message that its changes have added up to.
        whole = getattr(event, "whole", None)
        self.events.append((self.seconds, dict(event if whole is None else whole)))
        return None if self._callback is None else self._callback(event)

    def lines(self) -> Iterator[dict[str, Any]]:
        """The events without secrets; of one that only adds to the text of the one before, what it adds."""
        self._look_for_secrets()
        newest: dict[str, Any] = {}
        for at, event in self.events:
            scrubbed = self._scrubber.event(event)
            more = _more_text(newest, scrubbed)
            yield {**({"event": scrubbed} if more is None else {"append": more}), "at": at}
            newest = scrubbed

    def _look_for_secrets(self) -> None:
        """Before any text is written down: what turns out to be one in the end has begun in the events before."""
        texts = ["".join(filter(_is_text, text_parts(event) or ())) for _, event in self.events]
        for text, following in zip(texts, [*texts[1:], ""], strict=False):
            if not following.startswith(text):
                self._scrubber.look_for(text)


def _is_text(part: Any) -> bool:
    return isinstance(part, str)


def _more_text(before: dict[str, Any], after: dict[str, Any]) -> str | None:
    """What an event adds to the text of the one before, if that is all it does."""
    old, new = text_parts(before), text_parts(after)
    if not old or not new or len(old) != 1 or len(new) != 1 or not isinstance(old[0], str):
        return None
    if not isinstance(new[0], str) or not new[0].startswith(old[0]):
        return None

    same = with_text(before, "") == with_text(after, "")
    return new[0][len(old[0]) :] if same else None


def with_text(event: dict[str, Any], text: str) -> dict[str, Any]:
    """The event with another text in its only part."""
    message = event["message"]
    return {**event, "message": {**message, "content": {**message["content"], "parts": [text]}}}


def _form_of(value: Any) -> Any:
    """The shape of a session: its keys, and no text of it."""
    if isinstance(value, dict):
        return {key: _form_of(item) for key, item in value.items()}
    if isinstance(value, list):
        return []

    return value if value is None or isinstance(value, bool) else f"[{type(value).__name__}]"


def _headers(error: BaseException) -> dict[str, str]:
    delay = getattr(error, "retry_after", None)
    return (
        {"retry-after": f"{delay:g}"} if delay and getattr(error, "retry_after_from", "") == "header" else {}
    )
