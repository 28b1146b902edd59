"""The synchronous face of :mod:`chatgpt_browser._client.send_many`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from .._core.errors import ClientClosedError
from .._core.models import BatchMessage

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .._core.abort import AbortSignal
    from .._core.models import BatchResult
    from .._core.options import Milliseconds
    from .batch import Batch
    from .client import AsyncChatGPTAPI
    from .portal import Portal

__all__ = ["Many"]

Messages = Iterable[str | BatchMessage]


class Many:
    """The part of :class:`ChatGPTAPI` that sends many messages; see :class:`AsyncChatGPTAPI`."""

    _core: AsyncChatGPTAPI
    _portal: Portal

    def send_many(
        self,
        messages: Messages,
        *,
        in_order: bool = True,
        timeout_ms: Milliseconds | None = None,
        longest_pause: Milliseconds | None = None,
        abort_signal: AbortSignal | None = None,
    ) -> Iterator[BatchResult]:
        """Send many messages, and give what became of each as it is known; see :meth:`AsyncChatGPTAPI.send_many`.

        ``messages`` is read in the caller's own thread.
        """
        begin = self._core._batch(in_order, timeout_ms, longest_pause, abort_signal)
        return _results(self, begin, messages)


def _results(api: Many, begin: Callable[[], Awaitable[Batch]], messages: Messages) -> Iterator[BatchResult]:
    portal = api._portal  # the client is kept: one that nobody holds any more is closed
    batch = portal.call(begin)
    source = iter(messages)
    try:
        while (result := _next(portal, batch, source)) is not None:
            yield result
    finally:
        with suppress(ClientClosedError):  # a client that is closed has ended it
            portal.call(batch.close)


def _next(portal: Portal, batch: Batch, source: Iterator[str | BatchMessage]) -> BatchResult | None:
    """Put in as many messages as there is room for, then wait for a result."""
    portal.call(batch.let_go)
    while batch.has_room:
        _put_one(portal, batch, source)
    return portal.call(batch.get)


def _put_one(portal: Portal, batch: Batch, source: Iterator[str | BatchMessage]) -> None:
    try:
        portal.call(batch.put, next(source))
    except StopIteration:
        portal.call(batch.complete)
    except Exception as exc:  # the caller's own iterable
        portal.call(batch.complete, exc)
