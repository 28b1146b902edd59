"""`Controls`: the methods and properties with which a test inspects and scripts the site; base class of `FakeChatGPT`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..data.conversations import Conversation, new_conversation
from ..data.paths import SESSION_PATH
from ..faults.catalogue import find_fault
from ..faults.fault import Fault, Refusal
from ..faults.injection import Injection, at_path
from ..recording.replay import read_recording
from ..script.steps import SessionAnswer, Step, check_session_answer

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence
    from os import PathLike

    from ..data.composer_options import ComposerOptions
    from ..data.conversation_view import ConversationView
    from ..data.recorded_request import RecordedRequest
    from ..script.responses import ChallengeKind
    from ..script.scripted import Scripted
    from .chat_app import ChatApp, Dialog, Language, Layout
    from .site import Site


class Controls:
    """The part of `FakeChatGPT` that does not use sockets. Any thread may use it."""

    _site: Site

    # ---- requests and state

    @property
    def requests(self) -> list[RecordedRequest]:
        """All requests so far, oldest first (a copy of the list)."""
        return self._site.requests.all()

    def wait_for_request(
        self, path_suffix: str = "", method: str | None = None, count: int = 1, timeout: float = 5.0
    ) -> RecordedRequest:
        """Block until `count` matching requests have arrived, and return the last of them.

        :param path_suffix: the end of the path.
        :param method: the HTTP method, in any case; None: any method.
        :param timeout: seconds.
        :raises TimeoutError: if fewer matching requests arrive within `timeout`.
        """
        return self._site.requests.wait(path_suffix, method, count, timeout)

    @property
    def conversations(self) -> dict[str, Conversation]:
        """The conversations by ID, including deleted ones. The dict is a copy, its values are not."""
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
        :param conversation_id: None: a random ID.
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
        """The exceptions raised by a callable `reply` or by the server itself; the client received a 500."""
        return [*self._site.errors]

    # ---- scripted responses

    def script(self, *steps: Scripted) -> None:
        """Append steps to the queue. Each authorized, valid message takes one step."""
        self._site.script.extend(steps)

    def when(self, pattern: str | re.Pattern[str], reply: Scripted, *, times: int | None = None) -> None:
        """Add a rule: answer messages that contain a text, or match a compiled pattern, with `reply`.

        Steps in the queue come first; of several matching rules, the newest applies. A callable reply receives the
        match of a compiled pattern as `Turn.match`.

        :param times: the number of messages to answer; None: all.
        :raises ValueError: if `times` is less than one.
        """
        self._site.script.add_rule(pattern, reply, times)

    def script_session(self, *answers: SessionAnswer) -> None:
        """Queue responses for the next GETs of the session endpoint; after those, `session_answer` applies again.

        :raises ValueError: for an unknown word.
        """
        self._site.script.extend_path(SESSION_PATH, [check_session_answer(answer) for answer in answers])

    def script_path(self, suffix: str, *steps: Step) -> None:
        """Queue responses for the next requests whose path ends with `suffix`, with or without authorization."""
        self._site.script.extend_path(suffix, steps)

    def replay(self, path: str | PathLike[str], *, speed: float | None = 1.0) -> None:
        """Answer the next messages with the replies of a recording, in order. The text of the messages is ignored.

        Steps in the queue come first. The replies get IDs of this server, so that clients can continue the conversation.

        :param path: a file written by `Recorder`.
        :param speed: a factor for the speed of the replay; None: without any waiting.
        :raises ValueError: if the file is not a recording, or `speed` is not greater than zero.
        :raises OSError: if the file cannot be read.
        """
        self._site.script.add_recording(read_recording(path, speed).next_step)

    def inject(
        self,
        fault: str | Fault,
        times: int | None = 1,
        *,
        probability: float = 1.0,
        seed: int = 0,
        after: int = 0,
        path: str | None = None,
    ) -> Injection:
        """Apply a fault to the next requests that it concerns; by default to one request.

            >>> with server.inject("rate-limit-header", times=None):
            ...     send_messages()

        :param fault: a name in `FAULTS`, or a fault.
        :param times: the number of requests to apply the fault to; None: all, until it is lifted.
        :param probability: the probability with which the fault applies to each request.
        :param seed: the seed of the random numbers for `probability`.
        :param after: the number of requests that pass before the first fault.
        :param path: the end of the path of the requests, such as `/models`; None: the fault's own path.
        :raises ValueError: for an unknown name, a number out of range, a `path` for a fault of replies, or a fault that
            is not possible with this server's origin.
        """
        found = at_path(find_fault(fault), path)
        if isinstance(found, Refusal):
            found.check(self._site.origin)

        injection = Injection(found, times, probability, seed, after)
        self._site.injections.all.append(injection)
        self._site.changes.notify()
        return injection

    # ---- session, challenge and redirect

    @property
    def session_answer(self) -> SessionAnswer:
        """The response of `GET /api/auth/session`: `alive`, `signed_out`, `refresh_error`, `challenge`, or a step."""
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
        """Make this session token the newest valid one.

        :raises ValueError: if the token is not a valid cookie value.
        """
        with self._site.lock:
            self._site.session.tokens.replace(session_token)

    def expire_access_tokens(self) -> None:
        """Make all access tokens issued so far expired."""
        with self._site.lock:
            self._site.session.access_tokens.expire_all()

    def strike_challenge(self, kind: ChallengeKind | None = "passes") -> None:
        """Revoke all clearances: every client has to pass a challenge of this kind from now on.

        :param kind: None: no challenge.
        :raises ValueError: for an unknown kind.
        """
        with self._site.lock:
            self._site.challenges.strike(kind)

    @property
    def redirect_to(self) -> str | None:
        """The target of a 308 redirect of every request, as from chat.openai.com: an origin, or None for no redirect."""
        return self._site.redirect_to

    @redirect_to.setter
    def redirect_to(self, origin: str | None) -> None:
        self._site.redirect_to = origin

    # ---- the web application

    @property
    def layout(self) -> Layout:
        """The layout of pages opened from now on (only with `form="app"`).

        `usual`; `moved`: without the attributes for tests; `foreign`: with labels in another language; `strange`: both;
        `crowded`: with additional text boxes, buttons and a dialog besides the composer.
        `2023`, `2025`, `2026`: as the site's page of that year. `2023`: one text field and one button, without names and labels;
        `2025`: with names; `2026`: with labels only. The last two prepare each message with three requests.
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
        """The dialog in each page opened from now on (only with `form="app"`); None: no dialog.

        `rate-limit`: too many requests; `expired-session` and `signed-out`: the user has to log in; `announcement`: has a button
        that closes it; `survey`: a dialog that clients do not know; `overlay`: the same without a role; `choice`: asks which of
        two answers is better; `choice-in-thread`: asks the same below each reply, and blocks nothing. If a client clicks the main
        button of a dialog, the server receives `GET /backend-api/dialog-answered/…`.
        """
        return self._chat_app.dialog

    @dialog.setter
    def dialog(self, dialog: Dialog | None) -> None:
        self._chat_app.set_dialog(dialog)

    @property
    def ignores_model(self) -> bool:
        """True: pages opened from now on ignore the model in their address (only with `form="app"`)."""
        return self._chat_app.ignores_model

    @ignores_model.setter
    def ignores_model(self, ignores: bool) -> None:
        self._chat_app.ignores_model = ignores

    @property
    def modal(self) -> str | None:
        """The title of a modal dialog in each page opened from now on (only with `form="app"`); None: no dialog."""
        return self._chat_app.modal

    @modal.setter
    def modal(self, title: str | None) -> None:
        self._chat_app.modal = title

    @property
    def wakes_after(self) -> float:
        """The seconds until pages opened from now on are hydrated (only with `form="app"`).

        Until then a page is visible, but ignores input and then discards it.
        """
        return self._chat_app.wakes_after

    @wakes_after.setter
    def wakes_after(self, seconds: float) -> None:
        self._chat_app.wakes_after = seconds

    @property
    def conversation_view(self) -> ConversationView:
        """The way in which pages opened from now on load and show a conversation (only with `form="app"`)."""
        return self._chat_app.conversation_view

    @conversation_view.setter
    def conversation_view(self, view: ConversationView) -> None:
        self._chat_app.conversation_view = view

    @property
    def composer(self) -> ComposerOptions:
        """The behaviour of the composer in pages opened from now on (only with `form="app"`)."""
        return self._chat_app.composer

    @composer.setter
    def composer(self, options: ComposerOptions) -> None:
        self._chat_app.composer = options

    @property
    def _chat_app(self) -> ChatApp:
        if self._site.chat_app is None:
            raise RuntimeError("this FakeChatGPT has no web application: create it with form='app'")

        return self._site.chat_app
