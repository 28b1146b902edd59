"""The log of a smoke test: the result and duration of each step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import NamedTuple

from ..output.step_lines import Mark, StepLines


class StepResult(NamedTuple):
    """The result of a step. ``skipped`` is True if the step did not run because an earlier step failed."""

    name: str
    seconds: float = 0.0
    failure: Exception | None = None
    skipped: bool = False


class StepLog:
    """Records the results of a fixed list of steps, and prints each result.

    Attributes: ``started`` is the time at which the log was created, ``results`` contains the results of the finished steps, and
    ``properties`` contains other values for the report.
    """

    def __init__(self, steps: StepLines, names: Sequence[str]) -> None:
        self.started: datetime = datetime.now(timezone.utc)
        self.properties: dict[str, str] = {}
        self.results: list[StepResult] = []
        self._steps = steps
        self._names = list(names)

    @property
    def current(self) -> str | None:
        """The name of the current step, or None after the last step."""
        return self._names[len(self.results)] if len(self.results) < len(self._names) else None

    def done(self, detail: str = "") -> None:
        """Record the success of the current step, and start the next step."""
        if self.current is not None:
            seconds = self._steps.done(self.current, detail)
            self.results.append(StepResult(self.current, seconds))
            self._steps.show(self.current or "")

    def failed(self, error: Exception, *, until: str | None = None) -> None:
        """Record the failure of the current step, and mark the following steps as skipped.

        A log contains at most one failure: if it already contains one, the current step is marked as skipped instead of failed.

        :param until: the first step that is not marked. It becomes the current step. None: all following steps are marked.
        """
        if self.current is not None and not any(result.failure for result in self.results):
            seconds = self._steps.done(self.current, type(error).__name__, Mark.FAILED)
            self.results.append(StepResult(self.current, seconds, error))
        while self.current not in (None, until):
            assert self.current is not None
            self._steps.done(self.current, "", Mark.SKIPPED)
            self.results.append(StepResult(self.current, skipped=True))
        self._steps.show("closing the browser")
