"""`Injection`: one injected fault. The object selects the requests to which the fault is applied, and stores these requests."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from ..data.paths import CHALLENGE_PREFIX, MESSAGE_PATH, PAGE_MESSAGE_PATH, SESSION_PATH
from ..script.leftover import Leftover, call_site, count, nearest
from .fault import Fault, FaultTarget, Refusal, ReplyFault

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from ..data.recorded_request import RecordedRequest
    from ..script.steps import Reply, SessionAnswer, Step


class Injection:
    """One injected fault. If the injection is used as a context manager, the fault ends at the end of the block.

    `FakeChatGPT.inject` creates injections; its docstring describes the parameters.
    """

    def __init__(
        self,
        fault: Fault,
        times: int | None,
        probability: float,
        seed: int,
        after: int,
        *,
        optional: bool = False,
    ) -> None:
        if times is not None and times < 1:
            raise ValueError(f"times must be one or more, or None for always, not {times}")
        if not 0 < probability <= 1:
            raise ValueError(f"probability must be more than 0 and at most 1, not {probability}")
        if after < 0:
            raise ValueError(f"after must not be negative: {after}")

        self.fault = fault
        #: The requests to which the fault was applied, oldest first.
        self.struck: list[RecordedRequest] = []
        #: The number of further requests to which the fault will be applied. None: no limit.
        self.left = times
        #: True: `FakeChatGPT.assert_all_used` accepts that the fault was applied to no request.
        self.optional = optional
        self._probability = probability
        self._random = random.Random(seed)
        self._after = self._requests_to_skip = after
        self._place = call_site()

    def __repr__(self) -> str:
        left = "no limit" if self.left is None else f"{self.left} more"
        return f"<Injection {self.fault.name}, struck {len(self.struck)}, {left}>"

    def lift(self) -> None:
        """End the fault: it is not applied to any later request."""
        self.left = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.lift()

    def strikes(self, record: RecordedRequest) -> bool:
        """Decide whether the fault is applied to this request, and return the decision.

        Call this method once for each request to which the fault can be applied, because it counts the requests. If the fault is
        applied, the method stores the request in `struck`.
        """
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

    def leftover(self, records: Sequence[RecordedRequest]) -> Leftover | None:
        """If the fault is required, but was never applied to a request, return a report of this. Otherwise return None.

        :param records: all requests, oldest first.
        """
        if self.struck or self.optional:
            return None

        path = self.fault.path
        expected = "a message" if path == MESSAGE_PATH else f"a request to {path or 'any path'}"
        if isinstance(self.fault, ReplyFault):
            expected += " that is answered with a Reply"
        if self._after:
            expected += f", after {count(self._after, 'such request')}"
        if self.left == 0:
            expected += ", before the fault was lifted"
        targets = [f"{record.method} {record.path}" for record in records]
        asked = nearest(targets, lambda target: float(_has_path(target.split()[1], path)), "request")
        if others := [record.fault for record in records if record.fault and _has_path(record.path, path)]:
            asked += f", to which the fault {others[-1]!r} was applied"
        return Leftover(f"inject({self.fault.name!r}) at {self._place}", expected, asked)


class Injections:
    """All injected faults.

    To each request, at most one refusal and at most one reply fault are applied. If several faults of a kind select the request,
    the oldest of them is applied.
    """

    def __init__(self) -> None:
        #: All injections, oldest first, including ended injections. Any thread may append an injection.
        self.all: list[Injection] = []

    def refuse(self, site: FaultTarget, record: RecordedRequest) -> SessionAnswer | None:
        """Return the response of the refusal that is applied to a request. Return None if the site itself must respond."""
        for injection in self.all:
            fault = injection.fault
            if not isinstance(fault, Refusal) or not _concerns(fault, record):
                continue
            if fault.applies(site, record) and injection.strikes(record):
                return fault.answer(site, record)

        return None

    def damage(self, reply: Reply, record: RecordedRequest) -> Step:
        """Return the response to a request: `reply` as a fault has changed it, or `reply` itself if no fault applies."""
        for injection in self.all:
            fault = injection.fault
            if isinstance(fault, ReplyFault) and injection.strikes(record):
                return fault.damage(reply)

        return reply


def at_path(fault: Fault, path: str | None) -> Fault:
    """Return a copy of the fault for requests of another path. If `path` is None, return the fault unchanged.

    :raises ValueError: `path` is given for a reply fault. A reply fault has a fixed path, because only messages have replies.
    """
    if path is None:
        return fault
    if isinstance(fault, ReplyFault):
        raise ValueError(f"{fault.name} changes replies, which have only one path: leave out `path`")

    return replace(fault, path=path)


def _has_path(path: str, wanted: str) -> bool:
    """Return whether a request's path ends with the path of a fault. The two paths for messages are equivalent."""
    return path.endswith(wanted) or (wanted == MESSAGE_PATH and path.endswith(PAGE_MESSAGE_PATH))


def _concerns(fault: Fault, record: RecordedRequest) -> bool:
    if record.path.startswith(CHALLENGE_PREFIX) or not _has_path(record.path, fault.path):
        return False
    if fault.path == SESSION_PATH:
        # The client's page first navigates to this path, only to load a document of the site's origin. The fault is not applied
        # to this navigation, but to the later request for the session.
        return record.headers.get("sec-fetch-mode") != "navigate"

    return True
