"""The steps of a smoke test: what each took, which one failed, and which were not come to."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

from ..output.steps import Mark

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..output.steps import Steps


class Failure(NamedTuple):
    """Why a step failed."""

    kind: str
    message: str


class Result(NamedTuple):
    """A step that is over; ``skipped`` where one before it had failed."""

    name: str
    seconds: float = 0.0
    failure: Failure | None = None
    skipped: bool = False


class Journal:
    """Goes through steps that were named beforehand, and shows each as it ends. ``facts`` is what was learnt on the way."""

    def __init__(self, steps: Steps, names: Sequence[str]) -> None:
        self.began = datetime.now(timezone.utc)
        self.facts: dict[str, str] = {}
        self.results: list[Result] = []
        self._steps = steps
        self._names = list(names)

    @property
    def current(self) -> str | None:
        """The step that is under way, or None after the last."""
        return self._names[len(self.results)] if len(self.results) < len(self._names) else None

    def done(self, detail: str = "") -> None:
        """The current step is over, and the next is under way."""
        if self.current is not None:
            seconds = self._steps.done(self.current, detail)
            self.results.append(Result(self.current, seconds))
            self._steps.show(self.current or "")

    def failed(self, error: Exception) -> None:
        """The current step has failed: those that were still to come are skipped. Only the first failure counts."""
        name = self.current
        if name is None:
            return
        seconds = self._steps.done(name, type(error).__name__, Mark.FAILED)
        self.results.append(Result(name, seconds, Failure(type(error).__name__, str(error))))
        while self.current is not None:
            self._steps.done(self.current, "", Mark.SKIPPED)
            self.results.append(Result(self.current, skipped=True))
        self._steps.show("closing the browser")
