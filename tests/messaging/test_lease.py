"""The lease of a message: what it holds is released once, in the reverse order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser._core.models import Prompt
from chatgpt_browser._messaging.lease import MessageLease
from chatgpt_browser._protocol.reply_reader import ReplyReader
from chatgpt_browser._transport.response_stream import ResponseStream

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.anyio


class Resources:
    """A slot, a permit, a request control and an idle timer that record their releases."""

    def __init__(self, *, ends_at_once: bool = True) -> None:
        self._ends_at_once = ends_at_once
        self.released: list[str] = []
        self.replies: list[ReplyReader | None] = []

    async def acquire(self) -> Prompt:
        return Prompt("Hi")

    def release(self, reply: ReplyReader | None) -> None:
        self.released.append("slot")
        self.replies.append(reply)

    def recorder(self, name: str, method: str) -> Any:
        """Return an object whose ``method`` records ``name``."""
        record: Callable[[], None] = lambda: self.released.append(name)  # noqa: E731
        return type(name, (), {method: staticmethod(record)})()

    def grant(self, chars: int) -> None:
        """Do nothing: no frame is read."""

    def abort(self) -> bool:
        self.released.append("request")
        return self._ends_at_once


async def lease_all(resources: Resources) -> tuple[MessageLease, ResponseStream]:
    """Return a lease of all four resources, and the response in it."""
    lease = MessageLease(resources)
    await lease.acquire_slot()
    lease.hold_permit(resources.recorder("permit", "release"))
    lease.response = response = ResponseStream(resources)
    lease.start_reading(resources.recorder("timer", "stop"))
    return lease, response


async def test_lease_with_block_left_releases_all_once_in_reverse_order() -> None:
    resources = Resources()
    lease, _ = await lease_all(resources)
    with lease:
        assert resources.released == []
    lease.release()
    assert resources.released == ["timer", "request", "permit", "slot"]
    assert resources.replies == [None]


async def test_lease_response_over_releases_the_permit_before_the_rest() -> None:
    resources = Resources()
    lease, response = await lease_all(resources)
    response.end()
    assert resources.released == ["permit"]
    reply = ReplyReader()
    lease.release(reply)
    assert resources.released == ["permit", "timer", "slot"]
    assert resources.replies == [reply]


async def test_lease_request_still_ending_keeps_the_permit_until_it_is_over() -> None:
    resources = Resources(ends_at_once=False)
    lease, response = await lease_all(resources)
    lease.release()
    assert resources.released == ["timer", "request", "slot"]
    response.end()
    assert resources.released == ["timer", "request", "slot", "permit"]


async def test_lease_second_attempt_holds_the_permit_until_its_own_response_is_over() -> None:
    resources = Resources()
    lease = MessageLease(resources)
    await lease.acquire_slot()
    lease.hold_permit(resources.recorder("permit", "release"))
    lease.response = refused = ResponseStream(resources)
    refused.end()
    lease.response = second = ResponseStream(resources)
    lease.start_reading(resources.recorder("timer", "stop"))
    assert resources.released == []
    second.end()
    assert resources.released == ["permit"]


async def test_lease_released_before_sending_releases_permit_and_slot() -> None:
    resources = Resources()
    lease = MessageLease(resources)
    lease.release()
    assert resources.released == []
    await lease.acquire_slot()
    lease.hold_permit(resources.recorder("permit", "release"))
    lease.release()
    assert resources.released == ["permit", "slot"]
