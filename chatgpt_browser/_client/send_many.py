"""Beyond the document: many messages, each with its own outcome."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import TYPE_CHECKING

from .._core.models import BatchMessage
from .._core.options import to_limit, to_seconds
from .._messaging.deadline import Deadline
from .._messaging.lease import StandaloneSlot
from .._messaging.reply_stream import AsyncReplyStream
from .batch import Batch, ReplyResult

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .._core.abort import AbortSignal
    from .._core.models import BatchResult, Prompt
    from .._core.options import Milliseconds
    from .._messaging.sender import MessageSender

__all__ = ["AsyncMany"]

AsyncMessages = Iterable[str | BatchMessage] | AsyncIterable[str | BatchMessage]


class AsyncMany:
    """The part of :class:`AsyncChatGPTAPI` that sends many messages."""

    _sender: MessageSender

    def send_many(
        self,
        messages: AsyncMessages,
        *,
        in_order: bool = True,
        timeout_ms: Milliseconds | None = None,
        longest_pause: Milliseconds | None = None,
        abort_signal: AbortSignal | None = None,
    ) -> AsyncIterator[BatchResult]:
        """Send many messages, and give what became of each as it is known.

        At most ``max_concurrent_messages`` are under way, and no more are taken from ``messages`` than that: the next one is
        taken when you ask for the next result. A message that fails is a result with its error. Where the site sets a rate
        limit and says for how long, nothing is sent for that long; then it goes on with the message that was refused.

        :param messages: texts and :class:`BatchMessage`, in an iterable or an async iterable.
        :param in_order: results in the order of the messages; False: as they come.
        :param timeout_ms: how long each message may take.
        :param longest_pause: a pause that would be longer ends it all. None: as long as the site asks; 0: no pause at all.
        :param abort_signal: ends it all; see :class:`AbortController`.
        :raises ValueError: an option makes no sense.
        :raises RateLimitError: a rate limit for which the site names no end, or too late a one.
        :raises ChatGPTError: what no other message would get past: no session, a challenge for a person, a 403, no browser,
            a closed client. The results of what was under way come first.
        """
        return _results(self._batch(in_order, timeout_ms, longest_pause, abort_signal), messages)

    def _batch(
        self,
        in_order: bool,
        timeout_ms: Milliseconds | None,
        longest_pause: Milliseconds | None,
        abort_signal: AbortSignal | None,
    ) -> Callable[[], Awaitable[Batch]]:
        """What begins a batch, in the loop that it is to run in."""
        timeout = to_limit("timeout_ms", timeout_ms)
        pause = math.inf if longest_pause is None else to_seconds("longest_pause", longest_pause)

        async def send(prompt: Prompt) -> ReplyResult:
            deadline = Deadline(timeout, abort_signal)
            async with AsyncReplyStream(self._sender, StandaloneSlot(prompt), deadline) as stream:
                while await stream._next_updates() is not None:
                    pass
            return ReplyResult(stream.text, stream.conversation_id, stream.message_id)

        async def begin() -> Batch:
            window = self._sender.options.max_concurrent_messages
            return Batch(send, window=window, in_order=in_order, longest_pause=pause, signal=abort_signal)

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
    """Put messages in as there is room for them: none is taken that can't be sent."""
    try:
        source = aiter(messages) if isinstance(messages, AsyncIterable) else _each(messages)
        while await batch.room():
            await batch.put(await anext(source))
    except StopAsyncIteration:
        await batch.complete()
    except Exception as exc:  # the caller's own iterable
        await batch.complete(exc)


async def _each(messages: Iterable[str | BatchMessage]) -> AsyncIterator[str | BatchMessage]:
    for message in messages:
        yield message
