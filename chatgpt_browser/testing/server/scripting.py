"""`Scripting`, a base class of `FakeChatGPT`: the methods with which a test scripts responses and checks that they were used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..data.paths import MESSAGE_PATH, PAGE_MESSAGE_PATH, SESSION_PATH
from ..faults.catalogue import find_fault
from ..faults.fault import Fault, Refusal
from ..faults.injection import Injection, at_path
from ..recording.replay import read_recording
from ..script.leftover import count
from ..script.rule import Rule
from ..script.steps import SessionAnswer, Step, check_session_answer

if TYPE_CHECKING:
    from os import PathLike

    from ..data.recorded_request import RecordedRequest
    from ..script.pattern import Condition, Pattern
    from ..script.scripted import Scripted
    from .site import Site


class Scripting:
    """The part of `FakeChatGPT` that scripts responses. Any thread may use it."""

    _site: Site

    @property
    def requests(self) -> list[RecordedRequest]:
        """All requests so far, oldest first. The list is a copy."""
        return self._site.requests.all()

    def script(self, *steps: Scripted) -> None:
        """Append steps to the queue. Each message that is authorized and valid uses one step.

        :raises TypeError: if a step is neither a text, a `Step` nor a function.
        """
        self._site.script.extend(steps)

    def when(
        self,
        pattern: Condition | Pattern,
        reply: Scripted,
        *,
        times: int | None = None,
        optional: bool = False,
    ) -> Rule:
        """Add a rule and return it: messages that match a pattern are answered with `reply`.

            >>> weather = server.when("weather", "Sunny.")
            >>> client.send_message("How is the weather?")
            >>> assert weather.call_count == 1

        Steps in the queue take precedence over rules. If several rules match, the newest rule applies. If the reply is a
        function, its argument contains the match of the pattern as `Turn.match`.

        :param pattern: a text that the message contains, a compiled pattern, a function of a `Turn` that returns a bool, or a
            `Pattern`, which combines several of these.
        :param times: the maximum number of messages that the rule answers. None: no limit.
        :param optional: True: `assert_all_used` accepts that the rule answers no message.
        :raises ValueError: if `times` is less than one.
        :raises TypeError: if `pattern` has another type, or if `reply` is neither a text, a step nor a function.
        """
        rule = Rule(pattern, reply, times=times, optional=optional)
        self._site.script.add_rule(rule)
        return rule

    def script_session(self, *answers: SessionAnswer) -> None:
        """Queue responses for the next GETs of the session endpoint. When the queue is empty, `session_answer` applies again.

        :raises ValueError: if an answer is a string, but not the name of a state of the session.
        """
        self._site.script.extend_path(
            SESSION_PATH, [check_session_answer(answer) for answer in answers], "script_session"
        )

    def script_path(self, suffix: str, *steps: Step) -> None:
        """Queue responses for the next requests whose path ends with `suffix`.

        The responses also answer requests without an access token.
        """
        self._site.script.extend_path(suffix, steps, "script_path")

    def replay(self, path: str | PathLike[str], *, speed: float | None = 1.0, match: bool = False) -> None:
        """Answer the next messages with the replies of a recording.

        Steps in the queue take precedence. The replies have IDs of this server, so that clients can continue the conversation.

        :param path: a file that a `Recorder` has written.
        :param speed: the speed of the replay: 2 is twice as fast as the recording. If it is None, the replay never waits.
        :param match: False: the replies are used in order, whatever the messages are. True: each message is answered with the
            recorded reply to the same text; other messages are refused with 400, and `assert_all_used` reports them.
        :raises ValueError: if the file is not a recording, or `speed` is not greater than zero.
        :raises OSError: if the file cannot be read.
        """
        recording = read_recording(path, speed, match=match)
        self._site.script.add_recording(recording, f"replay({Path(path).name!r})")

    def _replay_cassette(self, path: Path, name: str, speed: float | None, *, match: bool) -> None:
        """Replay the recording of a test (its cassette), like `replay`. `name` is the name of the cassette in reports."""
        recording = read_recording(path, speed, match=match)
        self._site.script.add_recording(recording, f"the cassette {name}", place="")

    def inject(
        self,
        fault: str | Fault,
        times: int | None = 1,
        *,
        probability: float = 1.0,
        seed: int = 0,
        after: int = 0,
        path: str | None = None,
        optional: bool = False,
    ) -> Injection:
        """Apply a fault to the next requests to which it can be applied. By default, apply it to one request.

            >>> with server.inject("rate-limit-header", times=None):
            ...     send_messages()

        :param fault: a name in `FAULTS`, or a fault.
        :param times: the number of requests to which the fault is applied. None: all requests, until `Injection.lift` is called.
        :param probability: the probability with which the fault is applied to each request.
        :param seed: the seed of the random numbers for `probability`.
        :param after: the number of requests to which the fault can be applied, but which are skipped first.
        :param path: the fault is applied to requests whose path ends with this text, such as `/models`. None: the fault's own
            path.
        :param optional: True: `assert_all_used` accepts that the fault is applied to no request.
        :raises ValueError: for an unknown name, a number out of range, a `path` for a fault that changes replies, or a fault that
            needs another `public_origin`.
        """
        found = at_path(find_fault(fault), path)
        if isinstance(found, Refusal):
            found.check(self._site.origin)

        injection = Injection(found, times, probability, seed, after, optional=optional)
        self._site.injections.all.append(injection)
        self._site.changes.notify()
        return injection

    def assert_all_used(self) -> None:
        """Check that the client has used everything that the test prepared.

        This concerns replies in the queue, recordings, rules, faults and the responses of `script_session` and `script_path`.
        A rule is used if it has answered a message. A fault is used if it was applied to a request. With `strict=True`, the check
        also fails if the server received a message that no part of the script expected.

        :raises AssertionError: if something was not used. The error names each unused part, and the message or request that is
            most similar to it.
        """
        if report := self._unused_report():
            raise AssertionError(report)

    def _unused_report(self) -> str | None:
        """Return the text of the error that `assert_all_used` raises, or None if everything was used."""
        requests = self.requests
        faults = [each.leftover(requests) for each in self._site.injections.all]
        refused = [record.fault for record in requests if record.fault and _is_refused_message(record)]
        leftovers = [*self._site.script.leftovers(refused), *(each for each in faults if each is not None)]
        if not leftovers:
            return None

        heading = "FakeChatGPT: the test and its script do not agree"
        return "\n".join(
            [f"{heading} ({count(len(leftovers), 'difference')}):", *(f"\n  {each}" for each in leftovers)]
        )


def _is_refused_message(record: RecordedRequest) -> bool:
    # An accepted message has a conversation ID here, even if a fault has changed its reply.
    return record.path.endswith((MESSAGE_PATH, PAGE_MESSAGE_PATH)) and record.conversation_id is None
