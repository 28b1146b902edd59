"""The resources that a message holds while it is in flight, and their release."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Protocol

from .._core.models import QuestionRef

if TYPE_CHECKING:
    from .._core.models import Prompt
    from .._protocol.reply_reader import ReplyReader
    from .._transport.response_stream import ResponseStream
    from .idle_timer import IdleTimer
    from .permits import Permit


class ConversationSlot(Protocol):
    """The position of a message in a conversation. The messages of a conversation are sent one after another."""

    async def acquire(self) -> Prompt:
        """Wait until the messages before this one are finished, and return what to send."""
        ...

    def release(self, reply: ReplyReader | None) -> None:
        """Let the next message be sent. ``reply`` is the complete reply, or None if there is none."""
        ...


class StandaloneSlot:
    """The slot of a message that belongs to no conversation object: there is nothing to wait for."""

    def __init__(self, prompt: Prompt) -> None:
        self._prompt = prompt

    async def acquire(self) -> Prompt:
        """Return what to send."""
        return self._prompt

    def release(self, reply: ReplyReader | None) -> None:
        """Do nothing."""


class MessageLease:
    """Everything that one message holds: its conversation slot, its permit, its response, and the idle timer.

    They are acquired in this order. A context manager: at its end they are released once, in the reverse order. The permit is
    released earlier if the site has finished the reply before the caller has read it, and later if the site has to stop it.
    """

    def __init__(self, slot: ConversationSlot) -> None:
        self._slot = slot
        self._permit: Permit | None = None
        self._reply: ReplyReader | None = None
        self._stack = ExitStack()
        #: The response to the newest attempt to send the message.
        self.response: ResponseStream | None = None
        #: The question of the newest attempt to send the message.
        self.question = QuestionRef()

    def __enter__(self) -> MessageLease:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    async def acquire_slot(self) -> Prompt:
        """Wait for the conversation slot, and return what to send."""
        prompt = await self._slot.acquire()
        self._stack.callback(self._release_slot)
        return prompt

    def hold_permit(self, permit: Permit) -> None:
        """Take over a permit."""
        self._permit = permit
        self._stack.callback(self._release_response)

    def start_reading(self, idle_timer: IdleTimer) -> None:
        """Take over the timer of a response that has begun. The permit is held until the response is over, and no longer."""
        self._stack.callback(idle_timer.stop)
        self._release_permit_when_over()

    def release(self, reply: ReplyReader | None = None) -> None:
        """Release everything. May be called twice. ``reply`` is the complete reply, or None if there is none."""
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
