"""What the tests of the client stand on: a server that answers each message as its test says, and events in the site's form."""

from __future__ import annotations

import itertools
import json
from collections import deque
from typing import TYPE_CHECKING, Any

from chatgpt_browser.testing import FakeChatGPT, RawBody, RecordedRequest, Step, Turn, remember

if TYPE_CHECKING:
    from chatgpt_browser import ChatGPTAPI

#: The characters that the site's own marks are made of: a reply is shown without them.
MARKS = "".join(map(chr, range(0xE200, 0xE207)))

_numbers = itertools.count(1)


class ScriptedSite:
    """A server shared by many tests. Each scripts messages of its own, so that none can meet what another has left."""

    def __init__(self, **options: Any) -> None:
        self._steps: dict[str, deque[str | Step]] = {}
        self._mark = 0
        self.server = FakeChatGPT(reply=self._answer, **options)

    def answering(self, *steps: str | Step) -> str:
        """A message that nobody else sends; it is answered with these steps, one after another, the last one again and again."""
        message = f"message {next(_numbers)}"
        self._steps[message] = deque(steps)
        return message

    def _answer(self, turn: Turn) -> str | Step:
        steps = self._steps.get(turn.message)
        if not steps:
            return remember(turn)
        return steps.popleft() if len(steps) > 1 else steps[0]

    # ---- what came, since the test began

    def begin(self) -> None:
        self._mark = len(self.server.requests)
        self.server._site.message_counter.peak = 0

    @property
    def peak_active_messages(self) -> int:
        """How many messages were answered at once, at most."""
        return self.server.peak_active_messages

    @property
    def requests(self) -> list[RecordedRequest]:
        return self.server.requests[self._mark :]

    @property
    def posts(self) -> list[RecordedRequest]:
        """The messages, in the order in which they came."""
        return posts_of(self.requests)

    @property
    def refreshes(self) -> list[RecordedRequest]:
        """The in-page requests for the session; the page's own navigation to it is none."""
        return refreshes_of(self.requests)

    def wait_for_post(self, count: int = 1) -> RecordedRequest:
        before = len(posts_of(self.server.requests[: self._mark]))
        return self.server.wait_for_request("/backend-api/conversation", "POST", before + count)


def posts_of(requests: list[RecordedRequest]) -> list[RecordedRequest]:
    return [r for r in requests if r.method == "POST" and r.path == "/backend-api/conversation"]


def refreshes_of(requests: list[RecordedRequest]) -> list[RecordedRequest]:
    return [
        request
        for request in requests
        if request.path == "/api/auth/session" and request.headers.get("sec-fetch-mode") == "cors"
    ]


def base_urls(server: FakeChatGPT) -> dict[str, Any]:
    """The options of a client of that server."""
    return {
        "api_base_url": server.api_base_url,
        "backend_api_base_url": server.backend_api_base_url,
    }


def can_send(api: ChatGPTAPI) -> bool:
    """Whether a client takes one more message and brings its reply."""
    return api.send_message("Still there?", timeout_ms=20_000) == 'You said: "Still there?".'


# ---- events ----------------------------------------------------------------------------------------------------------


def event(text: str, *, role: str = "assistant", **changes: Any) -> dict[str, Any]:
    """One event of a reply, as the site sends it; ``changes`` are about its message."""
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
    """An event on the wire; a str is its data as it stands."""
    data = value if isinstance(value, str) else json.dumps(value, **how)
    return f"data: {data}{newline}{newline}".encode()


DONE = sse("[DONE]")


def body(*items: Any, **options: Any) -> RawBody:
    """A scripted body: bytes as they are, str and dicts as events."""
    chunks = [sse(item) if isinstance(item, (str, dict)) else item for item in items]
    return RawBody(chunks, **options)


def grown(*texts: str) -> RawBody:
    """A whole reply that has these texts, one after another."""
    return body(*map(event, texts), DONE)


def at_once(*texts: str) -> RawBody:
    """The same in one piece: all of it is in the client before it says anything."""
    return RawBody([b"".join([*(sse(event(text)) for text in texts), DONE])])
