"""The framework of `doctor`: checks, their dependencies and their findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from time import perf_counter
from typing import Any, Generic, NamedTuple, TypeVar

from chatgpt_browser import BrowserLaunchError, BrowserNotFoundError, ChallengeError, ChatGPTError

from ..exit_codes import kind_of
from ..output.option_names import message_of

T = TypeVar("T")


class Status(str, Enum):
    """The status of a finding. Only a problem makes `doctor` fail."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """The result of a check, without secrets.

    ``summary`` is a line for the user, ``remedy`` what the user can do, ``facts`` the same as data. ``exit_code`` is set if the
    status is a problem.
    """

    status: Status
    summary: str
    remedy: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int = 0


def ok(summary: str, **facts: Any) -> Finding:
    """Return a finding without a problem."""
    return Finding(Status.OK, summary, facts=facts)


def warning(summary: str, remedy: str, **facts: Any) -> Finding:
    """Return a finding that may cause problems later."""
    return Finding(Status.WARNING, summary, remedy, facts)


def skipped(summary: str) -> Finding:
    """Return the finding of a check that did not run."""
    return Finding(Status.SKIPPED, summary)


def problem(error: ChatGPTError, remedy: str = "", /, **facts: Any) -> Finding:
    """Return a problem with the message, exit code and default remedy of an error."""
    return Finding(Status.PROBLEM, message_of(error), remedy or remedy_of(error), facts, kind_of(error).code)


#: The remedies of errors that have no hint in the table of exit codes.
REMEDIES: tuple[tuple[type[ChatGPTError], str], ...] = (
    (
        ChallengeError,
        "run `chatgpt-browser login` on this machine and pass the check in the window; the profile remembers it",
    ),
    (BrowserNotFoundError, "run `chatgpt-browser install`"),
    (
        BrowserLaunchError,
        "close other programs that use the same profile; `chatgpt-browser install` installs missing libraries",
    ),
    (ChatGPTError, "run `chatgpt-browser doctor -vv` for a detailed log"),
)


def remedy_of(error: ChatGPTError) -> str:
    """Return the default remedy for an error."""
    hint = kind_of(error).hint
    return hint or next(remedy for kind, remedy in REMEDIES if isinstance(error, kind))


@dataclass(frozen=True)
class Check(Generic[T]):
    """A check; ``requires`` names the earlier checks that must have passed."""

    name: str
    run: Callable[[T], Finding]
    requires: tuple[str, ...] = ()


class Result(NamedTuple):
    """The finding of a check and its duration in seconds."""

    name: str
    finding: Finding
    seconds: float


def run_checks(checks: Sequence[Check[T]], context: T, on_start: Callable[[str], object]) -> Iterator[Result]:
    """Run the checks in order and yield each result; ``on_start(name)`` is called before each check.

    A check is skipped if a required check has a problem or was skipped. A library error becomes a problem.
    """
    failed: dict[str, str] = {}  # each check that failed or was skipped, with the failed check that caused it
    for check in checks:
        on_start(check.name)
        started = perf_counter()
        missing = [failed[name] for name in check.requires if name in failed]
        finding = skipped(f"requires {missing[0]}") if missing else _run(check, context)
        if finding.status in (Status.PROBLEM, Status.SKIPPED):
            failed[check.name] = missing[0] if missing else check.name
        yield Result(check.name, finding, perf_counter() - started)


def _run(check: Check[T], context: T) -> Finding:
    try:
        return check.run(context)
    except ChatGPTError as error:
        return problem(error)


def exit_code(results: Sequence[Result]) -> int:
    """Return the exit code of the first problem, or 0."""
    return next((r.finding.exit_code for r in results if r.finding.status is Status.PROBLEM), 0)
