"""The site's state: who is signed in, what was said, what is to be answered next."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, get_args

from ..data.recorded_request import RequestLog
from ..faults.injection import Injections
from ..script.responses import Answer
from ..script.script import Script
from ..script.steps import Step
from .challenge import Challenges
from .change_notifier import Changes
from .chat_app import Application
from .tokens import AccessTokens, SessionTokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..data.conversations import Conversation
    from ..data.recorded_request import RecordedRequest
    from ..script.pace import Pace
    from ..script.script import Scripted
    from ..script.steps import Encoding
    from .challenge import ChallengeKind

logger = logging.getLogger("chatgpt_browser.testing")

#: `api`: the endpoints alone. `app`: a web application too, and no message is taken but from its page.
Form = Literal["api", "app"]
SessionState = Literal["alive", "signed_out", "refresh_error", "challenge"]
SessionAnswer = SessionState | Step

USER: dict[str, Any] = {
    "id": "user-fake0000000000000000",
    "name": "Ada Example",
    "email": "ada@example.com",
    "image": "https://example.com/ada.png",
    "picture": "https://example.com/ada.png",
    "groups": [],
    "features": [],
}
MODELS: list[dict[str, Any]] = [
    {
        "slug": "text-davinci-002-render",
        "max_tokens": 4097,
        "title": "Turbo (Default)",
        "description": "The fastest model, great for most everyday tasks.",
        "tags": [],
    },
    {
        "slug": "text-davinci-002-render-paid",
        "max_tokens": 4097,
        "title": "Legacy",
        "description": "An earlier model.",
        "tags": ["plus"],
    },
]


@dataclass(frozen=True)
class Settings:
    """What `FakeChatGPT` was made with."""

    secure: bool
    replies: Sequence[Scripted]
    reply: Scripted | None
    session_token: str | None = field(repr=False)
    access_token_lifetime: float | timedelta
    rotation: bool | Sequence[str] = field(repr=False)
    challenge: ChallengeKind | None
    one_message_at_a_time: bool
    encoding: Encoding
    form: Form
    user: dict[str, Any]
    models: list[dict[str, Any]]
    pace: Pace | None = None


class Site:
    """Everything that requests read and change; any thread may use it, under `lock` where more than one step counts."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.requests = RequestLog()
        self.session_tokens = SessionTokens(settings.session_token, settings.rotation)
        self.access_tokens = AccessTokens(_seconds(settings.access_token_lifetime))
        self.challenges = Challenges(settings.challenge, secure=settings.secure)
        self.changes = Changes()
        self.id = uuid.uuid4().hex
        self.started_at = time.monotonic()
        self.injections = Injections()
        #: The site as a person sees it, where it has that form.
        self.application = Application() if settings.form == "app" else None
        #: Where it serves, once it does.
        self.origin = ""
        self.port = 0
        self.conversations: dict[str, Conversation] = {}
        self.session_answer: SessionAnswer = "alive"
        self.redirect_to: str | None = None
        #: What went wrong in the server or in a callable `reply`.
        self.errors: list[BaseException] = []
        #: How many messages are being answered, and how many ever were at once.
        self.active_messages = 0
        self.peak_active_messages = 0
        self.script = Script(settings.replies, settings.reply)
        self._by_path: list[tuple[str, deque[SessionAnswer]]] = []

    def script_path(self, suffix: str, answers: Sequence[SessionAnswer]) -> None:
        """Queue answers for requests whose path ends with `suffix`."""
        with self.lock:
            self._by_path.append((suffix, deque(answers)))

    def next_for_path(self, path: str) -> SessionAnswer | None:
        """Take the answer that is queued for a path, if one is."""
        with self.lock:
            for suffix, answers in self._by_path:
                if answers and path.endswith(suffix):
                    return answers.popleft()

        return None

    def refuse(self, record: RecordedRequest) -> Answer | None:
        """The 401 for a request without a valid access token; None for one with."""
        state = self.access_tokens.state(record.bearer or "")
        if state == "valid":
            return None

        return Answer.token_expired() if state == "expired" else Answer.invalid_jwt()

    def find_conversation(self, conversation_id: str) -> Conversation | None:
        """The conversation with this id, unless it was deleted."""
        conversation = self.conversations.get(conversation_id)
        return conversation if conversation is not None and conversation.is_visible else None

    def note_error(self, error: BaseException) -> None:
        """Keep an error of the server's own, once, and log it."""
        with self.lock:
            if any(error is noted for noted in self.errors):
                return

            self.errors.append(error)

        logger.error("FakeChatGPT met an error of its own", exc_info=error)

    @contextmanager
    def one_more_message(self) -> Iterator[None]:
        """Count a message as being answered."""
        with self.lock:
            self.active_messages += 1
            self.peak_active_messages = max(self.peak_active_messages, self.active_messages)

        try:
            yield
        finally:
            with self.lock:
                self.active_messages -= 1


def checked_session_answer(answer: SessionAnswer) -> SessionAnswer:
    """Give it back if it is one.

    :raises ValueError: for a word that means nothing.
    """
    if isinstance(answer, str) and answer not in get_args(SessionState):
        raise ValueError(f"a session is a step or one of {get_args(SessionState)}, not {answer!r}")

    return answer


def _seconds(lifetime: float | timedelta) -> float:
    return lifetime.total_seconds() if isinstance(lifetime, timedelta) else lifetime / 1000
