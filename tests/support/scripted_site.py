"""A fake server that replies to each message as its test scripts it, and builders for reply events and bodies."""

from __future__ import annotations

import itertools
import json
from collections import deque
from typing import TYPE_CHECKING, Any

from chatgpt_browser.testing import FakeChatGPT, RawBody, RecordedRequest, Step, Turn, remember
from chatgpt_browser.testing.server.model_list import APP_MODELS
from chatgpt_browser.testing.server.model_list import MODELS as DEFAULT_MODELS

if TYPE_CHECKING:
    from chatgpt_browser import ChatGPTAPI

#: The characters that citation marks consist of. They are removed from a reply.
MARKS = "".join(map(chr, range(0xE200, 0xE207)))

#: The paths of messages: of the client's own requests, and of the page that sends as today's site does.
MESSAGE_PATHS = ("/backend-api/conversation", "/backend-api/f/conversation")

#: The names of models that tests use.
OTHER_MODELS = [
    {"slug": name, "title": name} for name in ("another", "gpt-4", "gpt-5", "gpt-5-nonesuch", "gpt-x")
]
#: The models of a server without a web application.
MODELS = [*DEFAULT_MODELS, *APP_MODELS, *OTHER_MODELS]

_numbers = itertools.count(1)


class ScriptedSite:
    """A server that tests share. Each test scripts its own messages, so that tests cannot affect each other."""

    def __init__(self, **options: Any) -> None:
        self._steps: dict[str, deque[str | Step]] = {}
        self._mark = 0
        models = [*APP_MODELS, *OTHER_MODELS] if options.get("form") == "app" else MODELS
        self.server = FakeChatGPT(reply=self._answer, **{"models": models, **options})

    def answering(self, *steps: str | Step) -> str:
        """Return a new unique message. The server replies to it with these steps in order, and then repeats the last one."""
        message = f"message {next(_numbers)}"
        self._steps[message] = deque(steps)
        return message

    def _answer(self, turn: Turn) -> str | Step:
        steps = self._steps.get(turn.message)
        if not steps:
            return remember(turn)
        return steps.popleft() if len(steps) > 1 else steps[0]

    # ---- requests since the test began

    def begin(self) -> None:
        """Start a test: ignore all requests so far."""
        self._mark = len(self.server.requests)
        self.server._site.message_counter.peak = 0

    @property
    def peak_active_messages(self) -> int:
        """The maximum number of messages that were answered at the same time."""
        return self.server.peak_active_messages

    @property
    def requests(self) -> list[RecordedRequest]:
        """All requests since the test began."""
        return self.server.requests[self._mark :]

    @property
    def posts(self) -> list[RecordedRequest]:
        """The requests that posted a message, in order of arrival."""
        return posts_of(self.requests)

    @property
    def refreshes(self) -> list[RecordedRequest]:
        """The in-page requests for the session, without navigations to it."""
        return refreshes_of(self.requests)

    def wait_for_post(self, count: int = 1) -> RecordedRequest:
        """Wait for the message with this number, counted from 1 since the test began. Return its request."""
        before = len(posts_of(self.server.requests[: self._mark]))
        return self.server.wait_for_request("/backend-api/conversation", "POST", before + count, timeout=60)


def posts_of(requests: list[RecordedRequest]) -> list[RecordedRequest]:
    """Return the requests that posted a message."""
    return [r for r in requests if r.method == "POST" and r.path in MESSAGE_PATHS]


def refreshes_of(requests: list[RecordedRequest]) -> list[RecordedRequest]:
    """Return the in-page requests for the session."""
    return [
        request
        for request in requests
        if request.path == "/api/auth/session" and request.headers.get("sec-fetch-mode") == "cors"
    ]


def base_urls(server: FakeChatGPT) -> dict[str, Any]:
    """Return the options with which a client uses that server."""
    return {
        "api_base_url": server.api_base_url,
        "backend_api_base_url": server.backend_api_base_url,
    }


def can_send(api: ChatGPTAPI) -> bool:
    """Return whether a client can still send a message and receive the reply."""
    api._core._sender.pace.forget_limits()
    return api.send_message("Still there?", timeout_ms=60_000) == 'You said: "Still there?".'


# ---- events ----------------------------------------------------------------------------------------------------------


def event(text: str, *, role: str = "assistant", **changes: Any) -> dict[str, Any]:
    """Return one event of a reply, as the site sends it. ``changes`` apply to its message."""
    message = {
        "id": "m-1" if role == "assistant" else f"m-{role}",
        "role": role,
        "content": {"content_type": "text", "parts": [text]},
        "end_turn": None,
        "recipient": "all",
        "metadata": {"model": "text-davinci-002-render"},
    }
    return {"message": message | changes, "conversation_id": "c-1", "error": None}


def sse(value: Any, newline: str = "\n", **how: Any) -> bytes:
    """Return an event as server-sent bytes. A str is used as the data without encoding."""
    data = value if isinstance(value, str) else json.dumps(value, **how)
    return f"data: {data}{newline}{newline}".encode()


DONE = sse("[DONE]")


def body(*items: Any, **options: Any) -> RawBody:
    """Return a scripted body. Bytes are sent unchanged; str and dict are sent as events."""
    chunks = [sse(item) if isinstance(item, (str, dict)) else item for item in items]
    return RawBody(chunks, **options)


def grown(*texts: str) -> RawBody:
    """Return a complete reply whose text takes these values in order."""
    return body(*map(event, texts), DONE)


def at_once(*texts: str) -> RawBody:
    """Return the same reply as one chunk, so that the client receives all of it at the same time."""
    return RawBody([b"".join([*(sse(event(text)) for text in texts), DONE])])
