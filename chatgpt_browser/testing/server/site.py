"""`Site`: the state of the fake site. The endpoints read and change this state."""

from __future__ import annotations

import functools
import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..faults.injection import Injections
from ..script.script import Script
from .challenge import Challenges
from .change_notifier import ChangeNotifier
from .chat_app import ChatApp
from .request_log import RequestLog
from .session import Session
from .storage import Storage
from .turn_log import TurnLogs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..data.conversations import Conversation
    from .settings import Settings

logger: logging.Logger = logging.getLogger("chatgpt_browser.testing")


class MessageCounter:
    """Counts the messages that are being answered. Only the server's thread changes the count; any thread may read it."""

    def __init__(self) -> None:
        #: The number of messages that are being answered now.
        self.active: int = 0
        #: The largest value of `active` so far.
        self.peak: int = 0

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count one more message as active until the end of the block."""
        self.active += 1
        self.peak = max(self.peak, self.active)
        try:
            yield
        finally:
            self.active -= 1


class Site:
    """The state of the fake site. Any thread may use it, but must hold `lock` during several accesses that belong together."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lock: threading.RLock = threading.RLock()
        self.requests: RequestLog = RequestLog()
        self.session: Session = Session(settings)
        self.challenges: Challenges = Challenges(settings.challenge, secure=settings.secure)
        self.changes: ChangeNotifier = ChangeNotifier()
        self.injections: Injections = Injections()
        self.script: Script = Script(settings.replies, settings.reply, strict=settings.strict)
        self.message_counter: MessageCounter = MessageCounter()
        #: The web application. None with `form="api"`.
        self.chat_app: ChatApp | None = ChatApp(self.storage) if settings.form == "app" else None
        #: The origin and the port of the server. Before the first start, the port is 0, and the origin is `public_origin`
        #: or empty.
        self.origin = ""
        self.port = 0
        #: Maps an ID to its conversation. Deleted conversations are included.
        self.conversations: dict[str, Conversation] = {}
        #: The origin to which the server redirects all requests. None: no redirect.
        self.redirect_to: str | None = None
        #: The exceptions of the server itself, and the exceptions that a callable `reply` raised.
        self.errors: list[BaseException] = []

    @functools.cached_property
    def shares(self) -> dict[str, dict[str, Any]]:
        """A dict from the ID of each share to the share's JSON object. A share is a shared conversation."""
        return {}

    @functools.cached_property
    def storage(self) -> Storage:
        """The file storage, which is at a separate origin."""
        return Storage()

    @functools.cached_property
    def turns(self) -> TurnLogs:
        """The logs of the replies with a `Rest`, and the open WebSockets of pages."""
        return TurnLogs()

    def find_conversation(self, conversation_id: str) -> Conversation | None:
        """Return the conversation with this ID, or None if it does not exist or was deleted."""
        conversation = self.conversations.get(conversation_id)
        return conversation if conversation is not None and conversation.is_visible else None

    def note_error(self, error: BaseException) -> None:
        """Store and log an exception of the server or of a callable `reply`. Each exception object is stored only once."""
        with self.lock:
            if any(error is noted for noted in self.errors):
                return

            self.errors.append(error)

        logger.error("FakeChatGPT: internal error", exc_info=error)
