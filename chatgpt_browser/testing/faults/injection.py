"""Faults that have been injected: which requests they strike, and how often they have."""

from __future__ import annotations

import random
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from ..server.challenge import PREFIX
from .fault import SESSION_PATH, Refusal, Spoiling

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..data.recorded_request import RecordedRequest
    from ..script.steps import Reply, Step
    from ..server.site import SessionAnswer, Site
    from .fault import Fault


class Injection:
    """A fault that waits for its requests. A context manager that lifts it at its end."""

    def __init__(self, fault: Fault, times: int | None, probability: float, seed: int, after: int) -> None:
        if times is not None and times < 1:
            raise ValueError(f"times must be one or more, or None for always, not {times}")
        if not 0 < probability <= 1:
            raise ValueError(f"probability must be more than 0 and at most 1, not {probability}")
        if after < 0:
            raise ValueError(f"after must not be negative: {after}")

        self.fault = fault
        #: The requests that it has struck, oldest first.
        self.struck: list[RecordedRequest] = []
        self._left = times
        self._probability = probability
        self._random = random.Random(seed)
        self._spared = after

    def __repr__(self) -> str:
        left = "for ever" if self._left is None else f"{self._left} more"
        return f"<Injection {self.fault.name}, struck {len(self.struck)}, {left}>"

    @property
    def left(self) -> int | None:
        """How often it will strike yet; None: always."""
        return self._left

    def lift(self) -> None:
        """Strike nothing any more."""
        self._left = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.lift()

    def strikes(self, record: RecordedRequest) -> bool:
        """Whether it strikes this request, which it could; counts it if so."""
        if self._left == 0:
            return False
        if self._spared:
            self._spared -= 1
            return False
        if self._random.random() >= self._probability:
            return False
        if self._left is not None:
            self._left -= 1

        self.struck.append(record)
        record.fault = self.fault.name
        return True


class Injections:
    """All of them, in the order in which they were injected; the first that strikes a request has it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: list[Injection] = []

    def add(self, injection: Injection) -> None:
        """Let one more wait for its requests."""
        with self._lock:
            self._all.append(injection)

    def all(self) -> list[Injection]:
        """Those that were ever injected, oldest first."""
        with self._lock:
            return [*self._all]

    def refuse(self, site: Site, record: RecordedRequest) -> SessionAnswer | None:
        """What answers a request in the site's place; None where the site itself does."""
        for injection in self.all():
            fault = injection.fault
            if (
                not isinstance(fault, Refusal)
                or not _is_for(fault, record)
                or not fault.applies(site, record)
            ):
                continue
            if injection.strikes(record):
                return fault.answer(site, record)

        return None

    def spoil(self, reply: Reply, record: RecordedRequest) -> Step:
        """The reply, or what a fault makes of it."""
        for injection in self.all():
            fault = injection.fault
            if isinstance(fault, Spoiling) and injection.strikes(record):
                return fault.spoil(reply)

        return reply


def at_path(fault: Fault, path: str | None) -> Fault:
    """The fault, for requests of another path.

    :raises ValueError: if it is about replies, which come from one path alone.
    """
    if path is None:
        return fault
    if isinstance(fault, Spoiling):
        raise ValueError(f"{fault.name} spoils replies: it has no other path")

    return replace(fault, path=path)


def _is_for(fault: Fault, record: RecordedRequest) -> bool:
    if record.path.startswith(PREFIX) or not record.path.endswith(fault.path):
        return False
    if fault.path == SESSION_PATH:
        # A browser also goes to this address to have a page of the site: what comes there is of no account.
        return record.headers.get("sec-fetch-mode") != "navigate"

    return True
