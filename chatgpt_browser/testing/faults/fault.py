"""The types of faults: a `Refusal` replaces the site's response, a `ReplyFault` changes a reply.

`catalogue` contains the faults of the real site; tests may define more.
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

#: The `path` of a fault that concerns all requests.
ANY_PATH = ""
#: An HTML page that is neither a challenge nor a page of the edge.
HTML_PAGE = "<!DOCTYPE html><html><head><title>Sorry</title></head><body><h1>Sorry</h1></body></html>"


class ChallengeControl(Protocol):
    """Starts and ends challenges."""

    def strike(self, kind: ChallengeKind | None) -> None:
        """Require a challenge of this kind from now on; None: no challenge."""
        ...


class FaultTarget(Protocol):
    """The site, as passed to the functions of a fault."""

    #: The scheme, host and port in the site's URLs.
    origin: str
    #: The port that the server listens on.
    port: int

    @property
    def challenges(self) -> ChallengeControl:
        """The challenges of the site."""
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
    #: A sentence that describes the behaviour of the site.
    description: str
    #: The end of the paths of the requests that the fault concerns.
    path: str = MESSAGE_PATH


@dataclass(frozen=True)
class Refusal(Fault):
    """A fault that replaces the site's response. The message is not stored and takes no step from the script."""

    #: Returns the response for (site, request), or changes the site and returns None: the site then responds as usual.
    answer: AnswerFunction = field(repr=False, kw_only=True)
    #: Returns whether the fault concerns a request (site, request) at all. Other requests are not counted.
    applies: Callable[[FaultTarget, RecordedRequest], bool] = field(
        default=_applies_always, repr=False, kw_only=True
    )
    #: Raises a `ValueError` if the fault is not possible for a server with this origin.
    check: Callable[[str], None] = field(default=_allows_any_origin, repr=False, kw_only=True)


@dataclass(frozen=True)
class ReplyFault(Fault):
    """A fault that changes the response to an accepted message. It concerns only responses that are a `Reply`."""

    #: Returns the step that is played instead of a `Reply`.
    damage: DamageFunction = field(repr=False, kw_only=True)


def refusal(
    path: str = MESSAGE_PATH,
    *,
    applies: Callable[[FaultTarget, RecordedRequest], bool] = _applies_always,
    check: Callable[[str], None] = _allows_any_origin,
) -> Callable[[AnswerFunction], Refusal]:
    """Return a decorator that makes a refusal; its name and description are those of the function."""

    def make(answer: AnswerFunction) -> Refusal:
        return Refusal(*_name_and_description(answer), path, answer=answer, applies=applies, check=check)

    return make


def reply_fault(damage: DamageFunction) -> ReplyFault:
    """Make a reply fault; its name and description are those of the function."""
    return ReplyFault(*_name_and_description(damage), damage=damage)


def _name_and_description(function: Callable[..., object]) -> tuple[str, str]:
    return function.__name__.replace("_", "-"), " ".join((inspect.getdoc(function) or "").split())
