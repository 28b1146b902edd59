"""The two types of faults: a `Refusal` replaces the site's response, and a `ReplyFault` changes a reply.

The module `catalogue` contains the faults of the real site. Tests can define other faults.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ..data.paths import MESSAGE_PATH
from ..script.steps import Reply, SessionAnswer, Step

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest
    from ..script.responses import ChallengeKind

#: The value of `Fault.path` for a fault that can be applied to requests of any path.
ANY_PATH = ""
#: An HTML page that is neither a challenge nor an error page of the edge server (the proxy in front of the backend).
HTML_PAGE = "<!DOCTYPE html><html><head><title>Sorry</title></head><body><h1>Sorry</h1></body></html>"


class ChallengeControl(Protocol):
    """Starts and ends challenges."""

    def strike(self, kind: ChallengeKind | None) -> None:
        """From now on, respond to all requests with a challenge of this kind. If `kind` is None, end the challenge."""
        ...


class FaultTarget(Protocol):
    """The fake site, which is passed to the functions of a fault."""

    #: The origin (scheme, host and port) in the site's URLs.
    origin: str
    #: The port on which the server listens.
    port: int

    @property
    def challenges(self) -> ChallengeControl:
        """The object that starts and ends challenges of the site."""
        ...


AnswerFunction = Callable[[FaultTarget, "RecordedRequest"], "SessionAnswer | None"]
DamageFunction = Callable[[Reply], "Step"]


def _applies_always(site: FaultTarget, record: RecordedRequest) -> bool:
    return True


def _allows_any_origin(origin: str) -> None:
    pass


@dataclass(frozen=True)
class Fault:
    """A fault that can be injected."""

    name: str
    #: A sentence that describes what the site does.
    description: str
    #: The fault can be applied to requests whose path ends with this text. `MESSAGE_PATH` also stands for the path to which the
    #: page of the web application sends messages.
    path: str = MESSAGE_PATH


@dataclass(frozen=True)
class Refusal(Fault):
    """A fault that replaces the site's response.

    If the request is a message, the message is not stored, and the next reply of the test's script stays for a later message.
    """

    #: A function that takes (site, request), and returns the response. If the function returns None, for example after it has
    #: changed the site, the site itself responds to the request.
    answer: AnswerFunction = field(repr=False, kw_only=True)
    #: A function that takes (site, request), and returns whether the fault can be applied to the request. The parameters `times`
    #: and `after` of `FakeChatGPT.inject` do not count a request for which this function returns False.
    applies: Callable[[FaultTarget, RecordedRequest], bool] = field(
        default=_applies_always, repr=False, kw_only=True
    )
    #: A function that takes the server's origin, and raises a `ValueError` if the fault does not work with this origin.
    check: Callable[[str], None] = field(default=_allows_any_origin, repr=False, kw_only=True)


@dataclass(frozen=True)
class ReplyFault(Fault):
    """A fault that changes the reply to an accepted message. It is applied only if the script answers with a `Reply`."""

    #: A function that takes a `Reply`, and returns the step that the server plays instead of this reply.
    damage: DamageFunction = field(repr=False, kw_only=True)


def refusal(
    path: str = MESSAGE_PATH,
    *,
    applies: Callable[[FaultTarget, RecordedRequest], bool] = _applies_always,
    check: Callable[[str], None] = _allows_any_origin,
) -> Callable[[AnswerFunction], Refusal]:
    """Return a decorator that makes a `Refusal` from a function that returns the refusal's answer.

    The refusal's name is the name of the function, with hyphens. Its description is the docstring of the function.
    """

    def make(answer: AnswerFunction) -> Refusal:
        return Refusal(*_name_and_description(answer), path, answer=answer, applies=applies, check=check)

    return make


def reply_fault(damage: DamageFunction) -> ReplyFault:
    """Make a `ReplyFault` from a function, for use as a decorator.

    The fault's name is the name of the function, with hyphens. Its description is the docstring of the function.
    """
    return ReplyFault(*_name_and_description(damage), damage=damage)


def _name_and_description(function: Callable[..., object]) -> tuple[str, str]:
    return function.__name__.replace("_", "-"), " ".join((inspect.getdoc(function) or "").split())
