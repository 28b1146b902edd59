"""`Injection`: an injected fault, which selects the requests that it is applied to and counts them."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from ..data.paths import CHALLENGE_PREFIX, SESSION_PATH
from .fault import Fault, FaultTarget, Refusal, ReplyFault

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..data.recorded_request import RecordedRequest
    from ..script.steps import Reply, SessionAnswer, Step


class Injection:
    """An injected fault. A context manager that lifts the fault at the end of the block.

    Returned by `FakeChatGPT.inject`, which describes the parameters.
    """

    def __init__(self, fault: Fault, times: int | None, probability: float, seed: int, after: int) -> None:
        if times is not None and times < 1:
            raise ValueError(f"times must be one or more, or None for always, not {times}")
        if not 0 < probability <= 1:
            raise ValueError(f"probability must be more than 0 and at most 1, not {probability}")
        if after < 0:
            raise ValueError(f"after must not be negative: {after}")

        self.fault = fault
        #: The requests that the fault was applied to, oldest first.
        self.struck: list[RecordedRequest] = []
        #: The number of requests that the fault will still be applied to; None: all.
        self.left = times
        self._probability = probability
        self._random = random.Random(seed)
        self._requests_to_skip = after

    def __repr__(self) -> str:
        left = "no limit" if self.left is None else f"{self.left} more"
        return f"<Injection {self.fault.name}, struck {len(self.struck)}, {left}>"

    def lift(self) -> None:
        """End the fault: it is applied to no further request."""
        self.left = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.lift()

    def strikes(self, record: RecordedRequest) -> bool:
        """Return whether the fault is applied to this request, which it concerns, and count the request."""
        if self.left == 0:
            return False
        if self._requests_to_skip:
            self._requests_to_skip -= 1
            return False
        if self._random.random() >= self._probability:
            return False
        if self.left is not None:
            self.left -= 1

        self.struck.append(record)
        record.fault = self.fault.name
        return True


class Injections:
    """All injected faults, oldest first. The first fault that selects a request is applied to it, and no other."""

    def __init__(self) -> None:
        #: All injections so far, oldest first, including ended ones. Any thread may append one.
        self.all: list[Injection] = []

    def refuse(self, site: FaultTarget, record: RecordedRequest) -> SessionAnswer | None:
        """Return the response of a refusal, or None if the site itself responds."""
        for injection in self.all:
            fault = injection.fault
            if not isinstance(fault, Refusal) or not _concerns(fault, record):
                continue
            if fault.applies(site, record) and injection.strikes(record):
                return fault.answer(site, record)

        return None

    def damage(self, reply: Reply, record: RecordedRequest) -> Step:
        """Return the reply, or the step with which a reply fault replaces it."""
        for injection in self.all:
            fault = injection.fault
            if isinstance(fault, ReplyFault) and injection.strikes(record):
                return fault.damage(reply)

        return reply


def at_path(fault: Fault, path: str | None) -> Fault:
    """Return the fault for requests of another path; None: unchanged.

    :raises ValueError: for a reply fault: replies have only one path.
    """
    if path is None:
        return fault
    if isinstance(fault, ReplyFault):
        raise ValueError(f"{fault.name} changes replies, which have only one path: leave out `path`")

    return replace(fault, path=path)


def _concerns(fault: Fault, record: RecordedRequest) -> bool:
    if record.path.startswith(CHALLENGE_PREFIX) or not record.path.endswith(fault.path):
        return False
    if fault.path == SESSION_PATH:
        # A browser also navigates to this URL, only to have a page with the site's origin.
        return record.headers.get("sec-fetch-mode") != "navigate"

    return True
