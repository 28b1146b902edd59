"""`Controls`, the base class of `FakeChatGPT`: the methods and properties with which a test inspects and scripts the site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..data.conversations import Conversation, new_conversation
from ..script.steps import SessionAnswer, check_session_answer
from .app_controls import AppControls
from .scripting import Scripting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..data.download_options import DownloadOptions
    from ..data.recorded_request import RecordedRequest
    from ..script.responses import ChallengeKind


class Controls(Scripting, AppControls):
    """The part of `FakeChatGPT` with which a test inspects and scripts the site. Any thread may use it."""

    # ---- requests and state

    def wait_for_request(
        self, path_suffix: str = "", method: str | None = None, count: int = 1, timeout: float = 5.0
    ) -> RecordedRequest:
        """Block until `count` matching requests have arrived, and return the last of them.

        :param path_suffix: a request matches if its path ends with this text.
        :param method: the HTTP method, in upper or lower case. None: any method.
        :param timeout: the maximum time to wait, in seconds.
        :raises TimeoutError: if fewer matching requests arrive within `timeout`.
        """
        return self._site.requests.wait(path_suffix, method, count, timeout)

    @property
    def conversations(self) -> dict[str, Conversation]:
        """A dict from IDs to conversations, including deleted conversations. The dict is a copy, but its values are not."""
        with self._site.lock:
            return {**self._site.conversations}

    def add_conversation(
        self,
        turns: Sequence[tuple[str, str]] = (),
        *,
        title: str = "New chat",
        conversation_id: str | None = None,
    ) -> Conversation:
        """Add a conversation to the site, as if it had taken place earlier, and return it.

        :param turns: (role, text) pairs.
        :param conversation_id: the ID of the conversation. None: a random ID.
        """
        conversation = new_conversation(conversation_id=conversation_id)
        conversation.title = title
        for role, text in turns:
            conversation.add(role, text, conversation.current_node)

        with self._site.lock:
            self._site.conversations[conversation.id] = conversation

        return conversation

    @property
    def active_messages(self) -> int:
        """The number of messages that are being answered now."""
        return self._site.message_counter.active

    @property
    def peak_active_messages(self) -> int:
        """The largest value of `active_messages` so far."""
        return self._site.message_counter.peak

    @property
    def errors(self) -> list[BaseException]:
        """The exceptions that a callable `reply` or the server itself raised. In these cases, the client receives a 500."""
        return [*self._site.errors]

    # ---- files

    @property
    def downloads(self) -> DownloadOptions:
        """The way in which clients can download the files of replies."""
        return self._site.storage.downloads.options

    @downloads.setter
    def downloads(self, options: DownloadOptions) -> None:
        self._site.storage.downloads.options = options

    # ---- session, challenge and redirect

    @property
    def session_answer(self) -> SessionAnswer:
        """The response to `GET /api/auth/session`: `alive`, `signed_out`, `refresh_error`, `challenge`, or a step."""
        return self._site.session.answer

    @session_answer.setter
    def session_answer(self, answer: SessionAnswer) -> None:
        self._site.session.answer = check_session_answer(answer)

    @property
    def session_token(self) -> str:
        """The newest session token."""
        return self._site.session.tokens.current

    def sign_out(self) -> None:
        """Make all session tokens invalid. Access tokens stay valid, as on the site."""
        with self._site.lock:
            self._site.session.tokens.revoke()

    def sign_in(self, session_token: str) -> None:
        """Make this token the newest valid session token.

        :raises ValueError: if the token is not a valid cookie value.
        """
        with self._site.lock:
            self._site.session.tokens.replace(session_token)

    def expire_access_tokens(self) -> None:
        """Make all access tokens that were issued so far expire."""
        with self._site.lock:
            self._site.session.access_tokens.expire_all()

    def strike_challenge(self, kind: ChallengeKind | None = "passes") -> None:
        """Revoke all clearances. From now on, every client must pass a challenge of this kind.

        :param kind: the kind of challenge. None: clients need not pass a challenge.
        :raises ValueError: for an unknown kind.
        """
        with self._site.lock:
            self._site.challenges.strike(kind)

    @property
    def redirect_to(self) -> str | None:
        """The origin to which all requests are redirected (308), as from chat.openai.com to chatgpt.com. None: no redirect."""
        return self._site.redirect_to

    @redirect_to.setter
    def redirect_to(self, origin: str | None) -> None:
        self._site.redirect_to = origin

    def push_to_sockets(self, value: Any) -> None:
        """Send a JSON value to all open WebSockets of the web application, for example an item that belongs to no reply."""
        for socket in [*self._site.turns.sockets]:
            socket.push(value)
