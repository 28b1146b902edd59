"""Finds the conversation that a request continues. For this, it stores the conversation id and the message id of each answer."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from .._core.errors import (
    APIStatusError,
    ConversationNotFoundError,
    JobStoreError,
    OptionNotAppliedError,
    PageError,
)
from .._core.log import logger
from .._core.text_hash import hash_text
from .._store.transcript_store import StoredPosition
from .._transport.base import DeliveryState
from .errors import APIError
from .messages import InputMessage
from .transcript import attachments, compose, split_at_newest_answer, transcript_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from .._client.client import AsyncChatGPTAPI
    from .._messaging.reply_stream import AsyncReplyStream
    from .._store.transcript_store import TranscriptStore
    from .call import Call


@dataclass(frozen=True)
class _Placement:
    """The messages to send, and the answer that they follow. If ``position`` is None, they start a new conversation.

    The store marks an answer when a request continues the conversation after it. ``is_marked_here`` is True if this request has
    set the mark. If the messages are then not sent, the request removes its mark, but never the mark of an earlier request.
    """

    messages: Sequence[InputMessage]
    position: StoredPosition | None = None
    is_marked_here: bool = False

    @property
    def was_continued_before(self) -> bool:
        """True if an earlier request has already continued the conversation after the answer."""
        return self.position is not None and not self.is_marked_here


class Conversations:
    """Sends the messages of each request in the conversation that the request continues.

    * A request with ``previous_response_id`` continues the conversation of that response.
    * If the messages up to the newest answer are equal to a stored transcript, the request continues the conversation of that
      transcript. This happens once for each transcript: a second request with the same messages starts a new conversation.
    * In all other cases, all messages are sent as one message in a new conversation.
    """

    def __init__(self, api: AsyncChatGPTAPI, store: TranscriptStore) -> None:
        self._api = api
        self._store = store
        self._origin = api._options.site.origin

    @asynccontextmanager
    async def open_reply(self, call: Call) -> AsyncIterator[AsyncReplyStream]:
        """Send the messages of a request, and yield the stream of the reply.

        The conversation of a stored transcript cannot be continued if the user has deleted it, or has continued it at the site.
        Then all messages are sent in a new conversation.

        :raises APIError: no response has the id ``previous_response_id``; or this response is no longer the newest message of its
            conversation, and the messages are sent through the site's page, which can reply only to the newest message.
        :raises ChatGPTError: the messages could not be sent.
        """
        placement = await self._place(call)
        is_matched = placement.position is not None and call.previous_response_id is None
        stream = self._stream(call, placement)
        try:
            await self._open(stream, placement)
        except (ConversationNotFoundError, PageError) as error:
            if not _cannot_continue(error, stream):
                raise
            if placement.was_continued_before and isinstance(error, PageError):
                raise _already_continued(call.previous_response_id) from error
            if not is_matched:
                raise
            await self._forget(placement)
            stream = self._stream(call, _Placement(call.transcript))
            await stream.__aenter__()
        async with stream:
            yield stream

    async def store(self, call: Call, stream: AsyncReplyStream, answer: str) -> None:
        """Store the position of a complete answer, so that a later request can continue the conversation.

        :param answer: the text of the answer as this server returns it. Later requests repeat this text, and the store finds the
            position by it.
        """
        if stream.conversation_id is None or stream.message_id is None:
            return
        hashed = None if call.instructions is None else hash_text(call.instructions)
        position = StoredPosition(stream.conversation_id, stream.message_id, hashed)
        transcript = [*call.transcript, InputMessage("assistant", answer)]
        keys = [] if call.previous_response_id else [transcript_key(self._origin, transcript)]
        if call.response_id is not None:
            keys.append(self._response_key(call.response_id))
        try:
            await anyio.to_thread.run_sync(self._store.add, keys, position)
        except JobStoreError as error:
            logger.warning("a later request cannot continue this conversation: %s", error)

    async def _place(self, call: Call) -> _Placement:
        if call.previous_response_id is not None:
            return await self._place_after_response(call, call.previous_response_id)
        before, after = split_at_newest_answer(call.transcript)
        if not before:
            return _Placement(call.transcript)
        key = transcript_key(self._origin, before)
        try:
            position = await anyio.to_thread.run_sync(self._store.claim, key)
        except JobStoreError as error:
            logger.warning("the whole conversation is sent as one message: %s", error)
            position = None
        if position is None:
            return _Placement(call.transcript)
        return _Placement(after, position, is_marked_here=True)

    async def _place_after_response(self, call: Call, response_id: str) -> _Placement:
        position = await anyio.to_thread.run_sync(self._store.find, self._response_key(response_id))
        if position is None:
            raise APIError(
                404,
                f"Previous response with id '{response_id}' not found.",
                code="previous_response_not_found",
                param="previous_response_id",
            )
        is_marked_here = await anyio.to_thread.run_sync(_mark_continued, self._store, position)
        has_instructions = call.instructions is not None and position.instructions == hash_text(
            call.instructions
        )
        messages = call.messages if has_instructions else call.transcript
        return _Placement(messages, position, is_marked_here)

    def _response_key(self, response_id: str) -> str:
        return f"response:{self._origin}:{response_id}"

    def _stream(self, call: Call, placement: _Placement) -> AsyncReplyStream:
        options: dict[str, Any] = dict(call.options)
        if files := attachments(placement.messages):
            options["files"] = files
        if (position := placement.position) is not None:
            options |= {
                "conversation_id": position.conversation_id,
                "parent_message_id": position.message_id,
            }
        try:
            return self._api.stream_message(compose(placement.messages), **options)
        except ValueError as error:  # for example, an effort is given, but send_via is "fetch"
            self._release(placement)
            # The text of the error names the option.
            option = next((name for name in options if name in str(error)), "")
            raise OptionNotAppliedError(str(error), option=option) from None

    async def _open(self, stream: AsyncReplyStream, placement: _Placement) -> None:
        """Send the messages. If it is certain that the site has not accepted them, a later request can use the position again."""
        try:
            await stream.__aenter__()
        except BaseException as error:
            if _was_not_sent(stream, error):
                self._release(placement)
            raise

    def _release(self, placement: _Placement) -> None:
        """Remove the mark of the position, if this request has set the mark."""
        if placement.position is None or not placement.is_marked_here:
            return
        # The transaction is not run in a thread: if this task was cancelled, an `await` for the thread could be interrupted
        # before the mark is removed.
        try:
            self._store.mark(placement.position, is_continued=False)
        except JobStoreError as error:
            logger.warning("a later request cannot continue this conversation: %s", error)

    async def _forget(self, placement: _Placement) -> None:
        assert placement.position is not None
        try:
            await anyio.to_thread.run_sync(self._store.forget, placement.position)
        except JobStoreError as error:
            logger.warning("a conversation that cannot be continued is still stored: %s", error)


def _mark_continued(store: TranscriptStore, position: StoredPosition) -> bool:
    return store.mark(position, is_continued=True)


def _already_continued(response_id: str | None) -> APIError:
    message = (
        f"Another request has already continued the conversation after the response '{response_id}'. The site's page can reply "
        "only to the newest message. Nothing was sent. Use the id of the newest response of this conversation."
    )
    return APIError(400, message, code="previous_response_not_newest", param="previous_response_id")


def _cannot_continue(error: Exception, stream: AsyncReplyStream) -> bool:
    """Return whether the conversation cannot be continued and nothing was sent. Then the messages can start a new conversation.

    The conversation cannot be continued if it does not exist, or if the page cannot reply at the position. In the second case,
    the error is a :class:`PageError` itself. Its subclasses have other causes, which a new conversation does not remove.
    """
    is_about_position = isinstance(error, ConversationNotFoundError) or type(error) is PageError
    return is_about_position and _was_not_sent(stream, error)


def _was_not_sent(stream: AsyncReplyStream, error: BaseException) -> bool:
    """Return whether it is certain that the site has not accepted the message of a stream."""
    delivery = stream._lease.delivery
    is_refused = isinstance(error, APIStatusError)
    return is_refused or delivery is None or delivery.state is DeliveryState.NOT_STARTED
