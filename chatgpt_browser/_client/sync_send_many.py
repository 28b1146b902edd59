"""``send_many`` of the synchronous client."""

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

__all__ = ["SendManyMixin"]

Messages = Iterable[str | BatchMessage]


class SendManyMixin:
    """The methods of :class:`ChatGPTAPI` that send many messages; see :class:`AsyncChatGPTAPI`."""

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
        """Send many messages and yield a result for each; see :meth:`AsyncChatGPTAPI.send_many`.

        ``messages`` is iterated in the caller's thread.
        """
        begin = self._core._batch(in_order, timeout_ms, longest_pause, abort_signal)
        return _results(self, begin, messages)


def _results(
    api: SendManyMixin, begin: Callable[[], Awaitable[Batch]], messages: Messages
) -> Iterator[BatchResult]:
    portal = api._portal  # `api` is a parameter here, so that the client is not collected and closed
    batch = portal.call(begin)
    source = iter(messages)
    try:
        while (result := _next(portal, batch, source)) is not None:
            yield result
    finally:
        with suppress(ClientClosedError):  # closing the client has closed the batch already
            portal.call(batch.close)


def _next(portal: Portal, batch: Batch, source: Iterator[str | BatchMessage]) -> BatchResult | None:
    """Fill the window with messages, then wait for a result."""
    portal.call(batch.release_result)
    while batch.has_room:
        _put_one(portal, batch, source)
    return portal.call(batch.get)


def _put_one(portal: Portal, batch: Batch, source: Iterator[str | BatchMessage]) -> None:
    try:
        portal.call(batch.put, next(source))
    except StopIteration:
        portal.call(batch.complete)
    except Exception as exc:  # raised by the caller's iterable
        portal.call(batch.complete, exc)
