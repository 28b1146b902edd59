"""The method ``send_many`` of both clients, which sends messages and yields their results. The npm API has no such method."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from .._core.errors import ClientClosedError
from .._core.models import BatchMessage, BatchSettings
from .._core.options import to_limit, to_seconds
from .._messaging.deadline import Deadline
from .jobs import AsyncJobsMixin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .._core.abort import AbortSignal
    from .._core.models import BatchResult
    from .._core.options import Milliseconds
    from .batch import Batch
    from .portal import Portal

Messages = Iterable[str | BatchMessage]
AsyncMessages = Messages | AsyncIterable[str | BatchMessage]


#: Flag for pytest, so that its tracebacks omit the frames of this module.
__tracebackhide__ = True


class AsyncSendManyMixin(AsyncJobsMixin):
    """The methods of :class:`AsyncChatGPTAPI` that send many messages."""

    def send_many(
        self,
        messages: AsyncMessages,
        *,
        in_order: bool = True,
        timeout_ms: Milliseconds | None = None,
        longest_pause: Milliseconds | None = None,
        abort_signal: AbortSignal | None = None,
        batch_id: str | None = None,
        retry_failed: bool = False,
        retry_uncertain: bool = False,
    ) -> AsyncIterator[BatchResult]:
        """Send many messages and yield one result for each.

        * At most ``max_concurrent_messages`` messages are in flight. When this number of messages has been read from
          ``messages``, another message is read only after the caller requests the next result.
        * If a message fails, its result contains the error.
        * If the site responds with a rate limit and a delay, no message is sent during the delay. After the delay, the refused
          message is sent again. If ``messages_per_hour`` is reached, no message is sent until the next one is allowed.
        * If the site responds to any message of this client with a report of unusual activity, the batch ends.
        * Each message is a job in the job store. If the process is killed, :meth:`AsyncChatGPTAPI.list_jobs` returns the jobs
          whose results the program has not handled. Without ``batch_id``, the job of a result is deleted when the program
          requests the next result.

        :param messages: Texts and :class:`BatchMessage` objects, in an iterable or an async iterable.
        :param in_order: If True, the results have the order of the messages. If False, they have the order of completion.
        :param timeout_ms: The time limit for each message.
        :param longest_pause: The longest pause after a rate limit of the site. If the site requests a longer pause, the batch
            ends. None means that a pause may have any length; 0 means that the batch never pauses.
        :param abort_signal: A signal that aborts the batch; see :class:`AbortController`.
        :param batch_id: A name for this batch. Its jobs stay in the job store. If the program runs again with the same messages
            and the same ``batch_id``, no message is sent twice. If a message has a reply, the reply is yielded again. If a
            message was in flight, the client looks for it at the site. If the message is not found there, its result contains
            :class:`JobUncertainError`. A message is recognised by its text and its ``id``. Only one program at a time may use a
            ``batch_id``.
        :param retry_failed: If True, messages that failed in an earlier run with this ``batch_id`` are sent again.
        :param retry_uncertain: If True, the client looks again for messages whose result in an earlier run with this
            ``batch_id`` was :class:`JobUncertainError`. If a message is not found at the site, it is sent again.
        :raises ValueError: An option is invalid.
        :raises RateLimitError: After a rate limit, the site requested no delay, or a delay longer than ``longest_pause``.
        :raises ChatGPTError: A message failed with an error that would also occur for every other message: there is no session or
            no browser, a person must pass a challenge, the status was 403, or the client is closed. Before the error is raised,
            the results of the messages in flight are yielded.
        """
        settings = BatchSettings(batch_id, retry_failed, retry_uncertain)
        return _results(self._batch(settings, in_order, timeout_ms, longest_pause, abort_signal), messages)

    def _batch(
        self,
        settings: BatchSettings,
        in_order: bool,
        timeout_ms: Milliseconds | None,
        longest_pause: Milliseconds | None,
        abort_signal: AbortSignal | None,
    ) -> Callable[[], Awaitable[Batch]]:
        """Return a function that creates the batch. Call the function in the event loop that runs the batch."""
        settings.check()
        timeout = to_limit("timeout_ms", timeout_ms)
        pause = math.inf if longest_pause is None else to_seconds("longest_pause", longest_pause)

        async def begin() -> Batch:
            # Imported on first use, because most programs send single messages.
            from .batch import Batch
            from .batch_jobs import BatchJobs

            self._sender.process.check()
            self._sender.pace.use_store()
            batch = Batch(
                BatchJobs(self._jobs, lambda: Deadline(timeout, abort_signal), settings),
                window=self._sender.options.max_concurrent_messages,
                in_order=in_order,
                longest_pause=pause,
                signal=abort_signal,
            )
            self._sender.pace.stop_on_unusual_activity(batch)
            return batch

        return begin


async def _results(
    begin: Callable[[], Awaitable[Batch]], messages: AsyncMessages
) -> AsyncIterator[BatchResult]:
    batch = await begin()
    feeder = asyncio.get_running_loop().create_task(_feed(batch, messages))
    try:
        while (result := await batch.get()) is not None:
            yield result
    finally:
        feeder.cancel()
        await asyncio.wait([feeder])
        await batch.close()


async def _feed(batch: Batch, messages: AsyncMessages) -> None:
    """Read messages from the caller's iterable and add them to the batch. Read each message only when the batch has room."""
    try:
        source = aiter(messages) if isinstance(messages, AsyncIterable) else _each(messages)
        while await batch.wait_for_room():
            await batch.put(await anext(source))
    except StopAsyncIteration:
        await batch.complete()
    except Exception as exc:  # The caller's iterable raised the error.
        await batch.complete(exc)


async def _each(messages: Messages) -> AsyncIterator[str | BatchMessage]:
    for message in messages:
        yield message


class SendManyMixin:
    """The methods of :class:`ChatGPTAPI` that send many messages; see :class:`AsyncChatGPTAPI`."""

    _core: AsyncSendManyMixin
    _portal: Portal

    def send_many(
        self,
        messages: Messages,
        *,
        in_order: bool = True,
        timeout_ms: Milliseconds | None = None,
        longest_pause: Milliseconds | None = None,
        abort_signal: AbortSignal | None = None,
        batch_id: str | None = None,
        retry_failed: bool = False,
        retry_uncertain: bool = False,
    ) -> Iterator[BatchResult]:
        """Send many messages and yield one result for each; see :meth:`AsyncChatGPTAPI.send_many`.

        ``messages`` is iterated in the caller's thread.
        """
        settings = BatchSettings(batch_id, retry_failed, retry_uncertain)
        begin = self._core._batch(settings, in_order, timeout_ms, longest_pause, abort_signal)
        return _sync_results(self, begin, messages)


def _sync_results(
    api: SendManyMixin, begin: Callable[[], Awaitable[Batch]], messages: Messages
) -> Iterator[BatchResult]:
    # The parameter `api` keeps a reference to the client during the iteration. Without a reference, the client would be
    # garbage-collected, which closes it.
    portal = api._portal
    batch = portal.call(begin)
    source = iter(messages)
    try:
        while (result := _next_result(portal, batch, source)) is not None:
            yield result
    finally:
        with suppress(ClientClosedError):  # If the client is closed, the batch has already ended.
            portal.call(batch.close)


def _next_result(portal: Portal, batch: Batch, source: Iterator[str | BatchMessage]) -> BatchResult | None:
    """Add messages until the batch has no room. Then wait for the next result and return it, or None after the last result."""
    portal.call(batch.release_result)
    while batch.has_room:
        _put_one(portal, batch, source)
    return portal.call(batch.get)


def _put_one(portal: Portal, batch: Batch, source: Iterator[str | BatchMessage]) -> None:
    try:
        portal.call(batch.put, next(source))
    except StopIteration:
        portal.call(batch.complete)
    except Exception as exc:  # The caller's iterable raised the error.
        portal.call(batch.complete, exc)
