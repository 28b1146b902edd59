"""What a fault is: something that the site does wrong, or to one's disadvantage, under a name.

A `Refusal` answers in the site's place, or changes the site before it answers; a `Spoiling` changes the reply that
would have come. `catalogue` has those that the site is known for; a test may make more.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..script.steps import Reply

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest
    from ..script.steps import Step
    from ..server.site import SessionAnswer, Site

MESSAGE_PATH = "/backend-api/conversation"
SESSION_PATH = "/api/auth/session"
#: As the path of a fault: every request.
ANY_PATH = ""

Answering = Callable[["Site", "RecordedRequest"], "SessionAnswer | None"]
Spoil = Callable[[Reply], "Step"]


def _always(site: Site, record: RecordedRequest) -> bool:
    return True


def _whatever(origin: str) -> None:
    pass


@dataclass(frozen=True)
class Fault:
    """A fault that can be injected; `path` is the end of the paths that it strikes."""

    name: str
    #: What the site does.
    description: str
    path: str = MESSAGE_PATH


@dataclass(frozen=True)
class Refusal(Fault):
    """The site's place is taken: a message is not, and nothing of the script is used up.

    `answer` may change the site, and give None: then the site answers by itself.
    """

    answer: Answering = field(repr=False, kw_only=True)
    #: Whether a request is one for it at all; one that is not does not count.
    applies: Callable[[Site, RecordedRequest], bool] = field(default=_always, repr=False, kw_only=True)
    #: Raises a `ValueError` if a server at this origin can't have it.
    check: Callable[[str], None] = field(default=_whatever, repr=False, kw_only=True)


@dataclass(frozen=True)
class Spoiling(Fault):
    """The message is taken, and what would have answered it is changed, if that is a `Reply`."""

    spoil: Spoil = field(repr=False, kw_only=True)


def refusal(
    path: str = MESSAGE_PATH,
    *,
    applies: Callable[[Site, RecordedRequest], bool] = _always,
    check: Callable[[str], None] = _whatever,
) -> Callable[[Answering], Refusal]:
    """Make a refusal of a function, by its name and docstring."""

    def make(answer: Answering) -> Refusal:
        return Refusal(*_named(answer), path, answer=answer, applies=applies, check=check)

    return make


def spoiling(spoil: Spoil) -> Spoiling:
    """Make a spoiling of a function, by its name and docstring."""
    return Spoiling(*_named(spoil), spoil=spoil)


def _named(function: Callable[..., object]) -> tuple[str, str]:
    return function.__name__.replace("_", "-"), " ".join((inspect.getdoc(function) or "").split())
