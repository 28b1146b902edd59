"""`Controls`, the base class of `FakeChatGPT`: the methods and properties with which a test inspects and scripts the site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..data.conversations import Conversation, new_conversation
from ..data.paths import SESSION_PATH
from ..faults.catalogue import find_fault
from ..faults.fault import Fault, Refusal
from ..faults.injection import Injection, at_path
from ..recording.replay import read_recording
from ..script.steps import SessionAnswer, Step, check_session_answer
from .app_controls import AppControls

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence
    from os import PathLike

    from ..data.download_options import DownloadOptions
    from ..data.recorded_request import RecordedRequest
    from ..script.responses import ChallengeKind
    from ..script.scripted import Scripted


class Controls(AppControls):
    """The part of `FakeChatGPT` that does not use sockets. Any thread may use it."""

    # ---- requests and state

    @property
    def requests(self) -> list[RecordedRequest]:
        """All requests so far, oldest first. The list is a copy."""
        return self._site.requests.all()

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

    # ---- scripted responses

    def script(self, *steps: Scripted) -> None:
        """Append steps to the queue. Each message that is authorized and valid uses one step."""
        self._site.script.extend(steps)

    def when(self, pattern: str | re.Pattern[str], reply: Scripted, *, times: int | None = None) -> None:
        """Add a rule: answer messages that contain a text, or match a compiled pattern, with `reply`.

        Steps in the queue take precedence over rules. If several rules match, the newest rule applies. If the reply is a
        function, its argument contains the match of the pattern as `Turn.match`.

        :param times: the maximum number of messages that the rule answers. None: no limit.
        :raises ValueError: if `times` is less than one.
        """
        self._site.script.add_rule(pattern, reply, times)

    def script_session(self, *answers: SessionAnswer) -> None:
        """Queue responses for the next GETs of the session endpoint. When the queue is empty, `session_answer` applies again.

        :raises ValueError: if an answer is a text that is not a state of the session.
        """
        self._site.script.extend_path(SESSION_PATH, [check_session_answer(answer) for answer in answers])

    def script_path(self, suffix: str, *steps: Step) -> None:
        """Queue responses for the next requests whose path ends with `suffix`, even for requests without authorization."""
        self._site.script.extend_path(suffix, steps)

    def replay(self, path: str | PathLike[str], *, speed: float | None = 1.0) -> None:
        """Answer the next messages with the replies of a recording, in order. The text of the messages is ignored.

        Steps in the queue take precedence. The replies have IDs of this server, so that clients can continue the conversation.

        :param path: a file that a `Recorder` has written.
        :param speed: the speed of the replay: 2 is twice as fast as the recording. If it is None, the replay never waits.
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
        """Apply a fault to the next requests to which it can be applied. By default, apply it to one request.

            >>> with server.inject("rate-limit-header", times=None):
            ...     send_messages()

        :param fault: a name in `FAULTS`, or a fault.
        :param times: the number of requests to which the fault is applied. None: all requests, until `Injection.lift` is called.
        :param probability: the probability with which the fault is applied to each request.
        :param seed: the seed of the random numbers for `probability`.
        :param after: the number of requests that are skipped before the fault is applied.
        :param path: the fault is applied to requests whose path ends with this text, such as `/models`. None: the fault's own
            path.
        :raises ValueError: for an unknown name, a number out of range, a `path` together with a reply fault, or a fault that
            is not possible with this server's origin.
        """
        found = at_path(find_fault(fault), path)
        if isinstance(found, Refusal):
            found.check(self._site.origin)

        injection = Injection(found, times, probability, seed, after)
        self._site.injections.all.append(injection)
        self._site.changes.notify()
        return injection

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
        """The origin to which every request is redirected with status 308, as from chat.openai.com. None: no redirect."""
        return self._site.redirect_to

    @redirect_to.setter
    def redirect_to(self, origin: str | None) -> None:
        self._site.redirect_to = origin

    def push_to_sockets(self, value: Any) -> None:
        """Send a JSON value to all open WebSockets of the web application, for example an item of another topic."""
        for socket in [*self._site.turns.sockets]:
            socket.push(value)
