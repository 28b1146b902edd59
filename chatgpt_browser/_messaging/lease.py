"""Holds the resources of a message while the message is in flight, and releases them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

from .._core.models import QuestionRef

if TYPE_CHECKING:
    from .._core.models import Prompt
    from .._protocol.reply_reader import ReplyReader
    from .._transport.base import Delivery
    from .._transport.response_stream import ResponseStream
    from .idle_timer import IdleTimer
    from .permits import Permit


class ConversationSlot(Protocol):
    """A message's place in the queue of its conversation. The messages of a conversation are sent one after another."""

    async def acquire(self) -> Prompt:
        """Wait until the earlier messages of the conversation have released their slots. Return the prompt to send."""
        ...

    def release(self, reply: ReplyReader | None) -> None:
        """Allow the next message of the conversation to be sent. ``reply`` is None if the reply is not complete."""
        ...


class StandaloneSlot:
    """The slot of a message that belongs to no conversation object. Such a message does not wait for other messages."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt

    async def acquire(self) -> Prompt:
        """Return the prompt to send, without waiting."""
        return self._prompt

    def release(self, reply: ReplyReader | None) -> None:
        """Do nothing, because no other message waits for this slot."""


class MessageLease:
    """The resources that one message holds: its conversation slot, its permit, its response and its idle timer.

    The resources are acquired in this order. The lease is a context manager. At the end of the block, the slot, the response and
    the idle timer are released in reverse order. The permit is released when the response is over:

    * before the end of the block, if the site finishes the reply before the caller has read all of it;
    * after the end of the block, if the caller stops reading the reply, because the site still has to stop writing it.
    """

    def __init__(self, slot: ConversationSlot) -> None:
        self._slot = slot
        self._permit: Permit | None = None
        self._reply: ReplyReader | None = None
        self._stack = ExitStack()
        #: The response to the last attempt to send the message.
        self.response: ResponseStream | None = None
        #: The progress of the last attempt to send the message. None before the first attempt.
        self.delivery: Delivery | None = None
        #: The time at which the last attempt began, in seconds since the epoch.
        self.sending_at: float = 0.0
        #: The ids of the question that the last attempt has sent.
        self.question: QuestionRef = QuestionRef()
        #: False if the site's page has sent the message in a format that this package cannot read and check.
        self.is_request_checked = True

    def __enter__(self) -> MessageLease:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    @property
    def has_frames(self) -> bool:
        """True if a frame of the response has arrived, and the reply stream has not received this frame yet."""
        return self.response is not None and self.response.has_frames

    async def acquire_slot(self) -> Prompt:
        """Wait for the conversation slot, and return the prompt to send."""
        prompt = await self._slot.acquire()
        self._stack.callback(self._release_slot)
        return prompt

    def hold_permit(self, permit: Permit) -> None:
        """Store the permit. It is released when the response is over."""
        self._permit = permit
        self._stack.callback(self._release_response)

    def start_reading(self, idle_timer: IdleTimer) -> None:
        """Store the idle timer of a response that has begun. As soon as the response is over, the permit is released."""
        self._stack.callback(idle_timer.stop)
        self._release_permit_when_over()

    def release(self, reply: ReplyReader | None = None) -> None:
        """Release all resources. A second call has no effect.

        :param reply: the complete reply, or None if the reply is not complete.
        """
        self._reply = reply
        self._stack.close()

    def _release_response(self) -> None:
        if self.response is not None:
            self.response.leave(finished=self._reply is not None)
        self._release_permit_when_over()

    def _release_permit_when_over(self) -> None:
        permit, self._permit = self._permit, None
        if permit is not None and self.response is not None:
            self.response.when_over(permit.release)
        elif permit is not None:
            permit.release()

    def _release_slot(self) -> None:
        self._slot.release(self._reply)
