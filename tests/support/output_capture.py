"""Capture of everything that a program may print: log records, warnings, errors in each form, and reprs."""

from __future__ import annotations

import io
import logging
import traceback
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.pretty import pretty_repr
from rich.traceback import Traceback

from tests.support.secret_search import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CapturedOutput", "capture_output"]


class CapturedOutput:
    """Captured text: log records of all loggers, warnings, and the objects that are added."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def add_error(self, error: BaseException) -> None:
        """Add every printed form of an error: traceback, str, repr and attributes."""
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        self.stream.writelines(trace.format())
        rich = Traceback.extract(
            type(error),
            error,
            error.__traceback__,
            show_locals=True,
            locals_max_length=99,
            locals_max_string=9999,
        )
        # As rich prints it, without the lines of source, whose highlighting takes long.
        for stack in rich.stacks:
            self.stream.write(f"{stack.exc_type}: {stack.exc_value}\n")
            for frame in stack.frames:
                for name, value in (frame.locals or {}).items():
                    self.stream.write(f"{name} = {value}\n")
        self.add(error, error.args, {k: v for k, v in vars(error).items() if k != "body"})

    def add(self, *things: object) -> None:
        for thing in things:
            self.stream.write(f"{thing!s}\n{thing!r}\n{pretty_repr(thing, max_length=99)}\n")

    def assert_contains_none_of(self, secrets: list[str]) -> None:
        text = self.stream.getvalue()
        for secret in secrets:
            for part in parts_of(secret):
                at = text.find(part)
                # The report of a failed test must not contain the secret either.
                assert at == -1, "a secret is in: " + text[max(0, at - 300) : at].replace(part, "***")


@contextmanager
def capture_output() -> Iterator[CapturedOutput]:
    output = CapturedOutput()
    handler, root = logging.StreamHandler(output.stream), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield output
        output.add(*[str(warning.message) for warning in caught])
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
