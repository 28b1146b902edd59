"""A :class:`.ConversationSlot` for the message of a job. The job store is updated directly before the message is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .._core.models import Prompt
    from .._messaging.lease import ConversationSlot
    from .._protocol.reply_reader import ReplyReader


class JournaledSlot:
    """Wraps the slot of a message, and adds the function ``before_send``, which is called directly before the message is sent."""

    def __init__(
        self, slot: ConversationSlot, before_send: Callable[[Prompt, str | None], Awaitable[None]]
    ) -> None:
        self._slot = slot
        self._before_send = before_send

    async def acquire(self) -> Prompt:
        """Wait for the slot, and return its prompt with the function ``before_send``."""
        prompt = await self._slot.acquire()

        async def before_send(message_id: str | None) -> None:
            await self._before_send(prompt, message_id)

        return replace(prompt, before_send=before_send)

    def release(self, reply: ReplyReader | None) -> None:
        """Release the slot."""
        self._slot.release(reply)
