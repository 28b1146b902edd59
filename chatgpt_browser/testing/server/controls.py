"""What a test asks of the running site, and tells it to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..data.conversations import Conversation, new_conversation
from ..faults.catalogue import find_fault
from ..faults.fault import Refusal
from ..faults.injection import Injection, at_path
from ..recording.replay import read_recording
from .site import checked_session_answer

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence
    from os import PathLike

    from ..data.recorded_request import RecordedRequest
    from ..faults.fault import Fault
    from ..script.script import Scripted
    from ..script.steps import Step
    from .challenge import ChallengeKind
    from .chat_app import Application, Layout
    from .site import SessionAnswer, Site


class Controls:
    """The half of `FakeChatGPT` that has nothing to do with sockets. Any thread may use it."""

    _site: Site

    # ---- what it was sent, and has

    @property
    def requests(self) -> list[RecordedRequest]:
        """Every request so far, oldest first."""
        return self._site.requests.all()

    def wait_for_request(
        self, path_suffix: str = "", method: str | None = None, count: int = 1, timeout: float = 5.0
    ) -> RecordedRequest:
        """Block until `count` requests with this method and end of path have come; give the last of those.

        :raises TimeoutError: if they have not after `timeout` seconds.
        """
        return self._site.requests.wait(path_suffix, method, count, timeout)

    @property
    def conversations(self) -> dict[str, Conversation]:
        """The conversations by id, deleted ones too; the records are live."""
        with self._site.lock:
            return {**self._site.conversations}

    def add_conversation(
        self,
        turns: Sequence[tuple[str, str]] = (),
        *,
        title: str = "New chat",
        conversation_id: str | None = None,
    ) -> Conversation:
        """Put a conversation there as if it had been held before; `turns` are (role, text)."""
        conversation = new_conversation(conversation_id=conversation_id)
        conversation.title = title
        for role, text in turns:
            conversation.add(role, text, conversation.current_node)

        with self._site.lock:
            self._site.conversations[conversation.id] = conversation

        return conversation

    @property
    def active_messages(self) -> int:
        """How many messages are being answered right now."""
        return self._site.active_messages

    @property
    def peak_active_messages(self) -> int:
        """The largest number of messages that were ever being answered at once."""
        return self._site.peak_active_messages

    @property
    def errors(self) -> list[BaseException]:
        """What was raised by a callable `reply` or by the server itself; the client got a 500."""
        return [*self._site.errors]

    # ---- what it is to do

    def script(self, *steps: Scripted) -> None:
        """Append to the queue: each authorized, well-formed message takes one step."""
        self._site.script.extend(steps)

    def when(self, pattern: str | re.Pattern[str], reply: Scripted, *, times: int | None = None) -> None:
        """Answer messages that hold a text, or in which a compiled pattern is found, with this.

        The newest rule that fits counts; what is scripted for the next messages comes first. A callable reply finds
        what the pattern found in `Turn.match`.

        :param times: how many messages are answered so; None: all.
        :raises ValueError: for `times` below one.
        """
        self._site.script.add_rule(pattern, reply, times)

    def script_session(self, *answers: SessionAnswer) -> None:
        """Answer the next GETs of the session like this, then as `session_answer` says again."""
        self._site.script_path("/api/auth/session", [checked_session_answer(answer) for answer in answers])

    def script_path(self, suffix: str, *steps: Step) -> None:
        """Answer the next requests whose path ends with `suffix` like this, whoever sends them."""
        self._site.script_path(suffix, steps)

    def replay(self, path: str | PathLike[str], *, speed: float | None = 1.0) -> None:
        """Answer the next messages as a recording of a `Recorder` has it, one after another, whatever they say.

        What is scripted comes first. Ids are this server's own, so that the conversation can be gone on with.

        :param speed: how many times faster than it was; None: without any waiting.
        :raises ValueError: if the file is no recording, or `speed` is not above nought.
        :raises OSError: if it can't be read.
        """
        self._site.script.add_replay(read_recording(path, speed))

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
        """Let a fault of the site's strike, by its name in `FAULTS`: the next request that it is about, by default.

            >>> with server.inject("rate-limit-header", times=None):
            ...     talk_to_it_and_see()

        :param times: how many requests it strikes; None: all, until it is lifted.
        :param probability: with which it strikes each; `seed` makes the draws the same in each run.
        :param after: how many requests that it is about are let through first.
        :param path: the end of the paths that it is about in place of its own, such as `/models`.
        :raises ValueError: for a name that there is not, a number that makes no sense, a `path` for a fault of
            replies, or a fault that this server's origin can't have.
        """
        found = at_path(find_fault(fault), path)
        if isinstance(found, Refusal):
            found.check(self._site.origin)

        injection = Injection(found, times, probability, seed, after)
        self._site.injections.add(injection)
        self._site.changes.note()
        return injection

    @property
    def session_answer(self) -> SessionAnswer:
        """What `GET /api/auth/session` answers: `alive`, `signed_out`, `refresh_error`, `challenge`, or a step."""
        return self._site.session_answer

    @session_answer.setter
    def session_answer(self, answer: SessionAnswer) -> None:
        self._site.session_answer = checked_session_answer(answer)

    @property
    def redirect_to(self) -> str | None:
        """An origin that every request is sent on to by a 308, as chat.openai.com does; None: none."""
        return self._site.redirect_to

    @redirect_to.setter
    def redirect_to(self, origin: str | None) -> None:
        self._site.redirect_to = origin

    @property
    def layout(self) -> Layout:
        """How the page is laid out (`form="app"`): `usual`; `moved`, without its names for tests; `foreign`, with labels in
        another language; `strange`, both; `crowded`, with more to write into, to send and to answer than the composer."""
        return self._application.layout

    @layout.setter
    def layout(self, layout: Layout) -> None:
        self._application.set_layout(layout)

    @property
    def modal(self) -> str | None:
        """The title of a dialog that stands in the way of each page opened from now on (`form="app"`); None: none."""
        return self._application.modal

    @modal.setter
    def modal(self, title: str | None) -> None:
        self._application.modal = title

    @property
    def wakes_after(self) -> float:
        """Seconds after which each page opened from now on comes alive (`form="app"`): until then it is drawn, takes no notice of
        what is done to it, and loses it."""
        return self._application.wakes_after

    @wakes_after.setter
    def wakes_after(self, seconds: float) -> None:
        self._application.wakes_after = seconds

    @property
    def _application(self) -> Application:
        if self._site.application is None:
            raise RuntimeError("this server has no pages: make it with form='app'")

        return self._site.application

    @property
    def session_token(self) -> str:
        """The newest session token."""
        return self._site.session_tokens.current

    def sign_out(self) -> None:
        """Take no session token any more. Access tokens live on, as on the site."""
        with self._site.lock:
            self._site.session_tokens.revoke()

    def sign_in(self, session_token: str) -> None:
        """Take this session token from now on."""
        with self._site.lock:
            self._site.session_tokens.replace(session_token)

    def expire_access_tokens(self) -> None:
        """Let all access tokens issued so far be expired."""
        with self._site.lock:
            self._site.access_tokens.expire_all()

    def strike_challenge(self, kind: ChallengeKind | None = "passes") -> None:
        """Take back all clearances: everyone has to pass a challenge from now on. None: nobody has."""
        with self._site.lock:
            self._site.challenges.strike(kind)
