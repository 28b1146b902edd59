"""The framework of `doctor`: defines checks and findings, and runs checks in the order of their dependencies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from time import perf_counter
from typing import Any, Generic, NamedTuple, TypeVar

from chatgpt_browser import BrowserLaunchError, BrowserNotFoundError, ChallengeError, ChatGPTError

from ..exit_codes import hint_of, kind_of
from ..output.option_names import message_of

T = TypeVar("T")


class Status(str, Enum):
    """The status of a finding. `doctor` fails only if a finding has the status PROBLEM."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """The result of a check, without secrets.

    ``summary`` is a line for the user. ``remedy`` is advice for the user. ``facts`` contains the details of the summary as data.
    ``exit_code`` is 0 unless the status is PROBLEM.
    """

    status: Status
    summary: str
    remedy: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int = 0


def ok(summary: str, **facts: Any) -> Finding:
    """Return a finding with the status OK."""
    return Finding(Status.OK, summary, facts=facts)


def warning(summary: str, remedy: str, **facts: Any) -> Finding:
    """Return a finding with the status WARNING: messages work now, but may fail later."""
    return Finding(Status.WARNING, summary, remedy, facts)


def skipped(summary: str) -> Finding:
    """Return a finding with the status SKIPPED: the check did not run or could not measure anything."""
    return Finding(Status.SKIPPED, summary)


def problem(error: ChatGPTError, remedy: str = "", /, **facts: Any) -> Finding:
    """Return a finding with the status PROBLEM, and the error's message and exit code. Default remedy: `remedy_of(error)`."""
    return Finding(Status.PROBLEM, message_of(error), remedy or remedy_of(error), facts, kind_of(error).code)


#: Remedies for errors without a hint in the table of exit codes. The first row whose class matches the error applies.
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
    """Return the remedy for an error: its hint in the table of exit codes, or else its row in `REMEDIES`."""
    hint = hint_of(error)
    return hint or next(remedy for kind, remedy in REMEDIES if isinstance(error, kind))


@dataclass(frozen=True)
class Check(Generic[T]):
    """A check. ``requires`` names earlier checks. If one of these checks failed or was skipped, this check is skipped."""

    name: str
    run: Callable[[T], Finding]
    requires: tuple[str, ...] = ()


class Result(NamedTuple):
    """The name of a check, its finding, and its duration in seconds."""

    name: str
    finding: Finding
    seconds: float


def run_checks(checks: Sequence[Check[T]], context: T, on_start: Callable[[str], object]) -> Iterator[Result]:
    """Run the checks in order and yield each result. Call ``on_start(name)`` before each check.

    A check is skipped if a check that it requires found a problem or was skipped. If a check raises an error of the library, its
    finding is a problem.
    """
    # Maps the name of each check that found a problem or was skipped to the name of the check that is the reason. This may be the
    # same check.
    failed: dict[str, str] = {}
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
    """Return the exit code of the first problem, or 0 if there is no problem."""
    return next((r.finding.exit_code for r in results if r.finding.status is Status.PROBLEM), 0)
