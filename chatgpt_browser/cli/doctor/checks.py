"""What an examination is made of: checks that need each other, and what each finds. Pure but for what the checks look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from time import perf_counter
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from chatgpt_browser import (
    BrowserLaunchError,
    BrowserNotFoundError,
    ChallengeError,
    ChatGPTError,
)

from ..exit_codes import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

T = TypeVar("T")


class Status(str, Enum):
    """How a check went. Only a problem makes the whole examination fail."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """What a check found: a line for a person, facts for a program, and what can be done. No part of it is secret.

    ``exit_code`` is that of a problem, and tells its kind.
    """

    status: Status
    summary: str
    remedy: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int = 0


def ok(summary: str, **facts: Any) -> Finding:
    return Finding(Status.OK, summary, facts=facts)


def warning(summary: str, remedy: str, **facts: Any) -> Finding:
    return Finding(Status.WARNING, summary, remedy, facts)


def skipped(summary: str) -> Finding:
    return Finding(Status.SKIPPED, summary)


def problem(error: ChatGPTError, remedy: str = "", /, **facts: Any) -> Finding:
    """A problem of the kind that this error stands for, in its words."""
    return Finding(Status.PROBLEM, str(error), remedy or remedy_of(error), facts, kind_of(error).code)


#: Where an error's kind has no hint of its own.
REMEDIES: tuple[tuple[type[ChatGPTError], str], ...] = (
    (
        ChallengeError,
        "run `chatgpt-browser login` on this machine and pass the check in its window: the profile is kept",
    ),
    (BrowserNotFoundError, "run `chatgpt-browser install`"),
    (
        BrowserLaunchError,
        "end other programs that use the same profile; `chatgpt-browser install` sees to missing libraries",
    ),
    (ChatGPTError, "`chatgpt-browser doctor -vv` logs everything that is done"),
)


def remedy_of(error: ChatGPTError) -> str:
    hint = kind_of(error).hint
    return hint or next(remedy for kind, remedy in REMEDIES if isinstance(error, kind))


@dataclass(frozen=True)
class Check(Generic[T]):
    """One thing to look at. What it needs are the names of checks before it, without a problem."""

    name: str
    look: Callable[[T], Finding]
    needs: tuple[str, ...] = ()


class Result(NamedTuple):
    """What a check of that name found, and how many seconds it took."""

    name: str
    finding: Finding
    seconds: float


def examine(checks: Sequence[Check[T]], patient: T, begin: Callable[[str], object]) -> Iterator[Result]:
    """Go through the checks in order, and say of each what it found; ``begin`` is told which comes next.

    A check whose needs were not met is skipped; an error of the library is the problem that was looked for.
    """
    failed: dict[
        str, str
    ] = {}  # checks without a finding that others can build on, and the problem behind each
    for check in checks:
        begin(check.name)
        began = perf_counter()
        missing = [failed[name] for name in check.needs if name in failed]
        finding = skipped(f"not without {missing[0]}") if missing else _look(check, patient)
        if finding.status in (Status.PROBLEM, Status.SKIPPED):
            failed[check.name] = missing[0] if missing else check.name
        yield Result(check.name, finding, perf_counter() - began)


def _look(check: Check[T], patient: T) -> Finding:
    try:
        return check.look(patient)
    except ChatGPTError as error:
        return problem(error)


def exit_code(results: Sequence[Result]) -> int:
    """That of the first problem, else 0."""
    return next((r.finding.exit_code for r in results if r.finding.status is Status.PROBLEM), 0)
