"""`Controls`, the base class of `FakeChatGPT`: the methods and properties with which a test inspects and scripts the site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..data.conversations import Conversation, new_conversation
from ..script.steps import SessionAnswer, check_session_answer
from .scripting import Scripting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..data.composer_options import ComposerOptions
    from ..data.conversation_view import ConversationView
    from ..data.recorded_request import RecordedRequest
    from ..script.responses import ChallengeKind
    from .chat_app import ChatApp, Dialog, Language, Layout


class Controls(Scripting):
    """The part of `FakeChatGPT` that does not use sockets. Any thread may use it."""

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
        """Add an existing conversation to the site and return it.

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
        """The origin to which every request is redirected with status 308, as from chat.openai.com. None: no redirect."""
        return self._site.redirect_to

    @redirect_to.setter
    def redirect_to(self, origin: str | None) -> None:
        self._site.redirect_to = origin

    def push_to_sockets(self, value: Any) -> None:
        """Send a JSON value to all open WebSockets of the web application, for example an item of another topic."""
        for socket in [*self._site.turns.sockets]:
            socket.push(value)

    # ---- the web application

    @property
    def layout(self) -> Layout:
        """The layout of a page (only with `form="app"`). A change has no effect on pages that are already open.

        `usual`: English labels, and attributes for tests. `moved`: without the attributes for tests. `foreign`: with labels in
        another language. `strange`: both `moved` and `foreign`. `crowded`: with text boxes, buttons and a dialog that do not
        belong to the composer. `2023`, `2025` and `2026` are similar to the site's page of that year. `2023`: one text field and
        one button, without names and labels. `2025`: with names and labels. `2026`: only with labels. Pages with the layouts
        `2025` and `2026` prepare each message with three requests.
        """
        return self._chat_app.layout

    @layout.setter
    def layout(self, layout: Layout) -> None:
        self._chat_app.set_layout(layout)

    @property
    def language(self) -> Language:
        """The language of the layouts `2023`, `2025` and `2026` (only with `form="app"`): `en`, `de`, `fr`, `ja` or `zh`."""
        return self._chat_app.language

    @language.setter
    def language(self, language: Language) -> None:
        self._chat_app.set_language(language)

    @property
    def dialog(self) -> Dialog | None:
        """The dialog that a page shows (only with `form="app"`). None: no dialog. A change has no effect on open pages.

        `rate-limit`: reports too many requests. `expired-session` and `signed-out`: ask the user to log in. `announcement`: has
        a close button. `survey`: a kind that clients do not know. `overlay`: like `survey`, but without an ARIA role. `choice`:
        asks which of two answers the user prefers. `choice-in-thread`: asks the same below each reply, and blocks nothing. If a
        client clicks the main button of a dialog, the server receives the request `GET /backend-api/dialog-answered/…`.
        """
        return self._chat_app.dialog

    @dialog.setter
    def dialog(self, dialog: Dialog | None) -> None:
        self._chat_app.set_dialog(dialog)

    @property
    def ignores_model(self) -> bool:
        """True: a page ignores the model in its address (only with `form="app"`). A change has no effect on open pages."""
        return self._chat_app.ignores_model

    @ignores_model.setter
    def ignores_model(self, ignores: bool) -> None:
        self._chat_app.ignores_model = ignores

    @property
    def modal(self) -> str | None:
        """The title of the modal dialog that a page shows (only with `form="app"`). None: no dialog.

        A change has no effect on pages that are already open.
        """
        return self._chat_app.modal

    @modal.setter
    def modal(self, title: str | None) -> None:
        self._chat_app.modal = title

    @property
    def wakes_after(self) -> float:
        """A page is hydrated this many seconds after it was opened (only with `form="app"`).

        Before that, the page is visible but ignores input. When it is hydrated, it discards this input. A change has no effect on
        pages that are already open.
        """
        return self._chat_app.wakes_after

    @wakes_after.setter
    def wakes_after(self, seconds: float) -> None:
        self._chat_app.wakes_after = seconds

    @property
    def conversation_view(self) -> ConversationView:
        """Options that select how a page loads and shows a conversation (only with `form="app"`).

        A change has no effect on pages that are already open.
        """
        return self._chat_app.conversation_view

    @conversation_view.setter
    def conversation_view(self, view: ConversationView) -> None:
        self._chat_app.conversation_view = view

    @property
    def composer(self) -> ComposerOptions:
        """Options for the composer of a page (only with `form="app"`). A change has no effect on open pages."""
        return self._chat_app.composer

    @composer.setter
    def composer(self, options: ComposerOptions) -> None:
        self._chat_app.composer = options

    @property
    def _chat_app(self) -> ChatApp:
        if self._site.chat_app is None:
            raise RuntimeError("this FakeChatGPT has no web application: create it with form='app'")

        return self._site.chat_app
