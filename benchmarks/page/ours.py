"""Our client with `send_via="page"`, as the script in `bare.py`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ..ours import Ours, context_of
from .timing import PressClock, Timing

if TYPE_CHECKING:
    from chatgpt_browser import AsyncChatGPTConversation

    from ..server import Address

__all__ = ["OursByPage"]


class OursByPage:
    """`AsyncChatGPTAPI` with a started browser. The client opens its page of the site for the first message."""

    name = "ours"

    def __init__(self, address: Address) -> None:
        self._ours = Ours(address, send_via="page")
        self._clock = PressClock()
        self._conversation: AsyncChatGPTConversation = self._ours.api.get_conversation()

    async def __aenter__(self) -> OursByPage:
        await self._ours.__aenter__()
        await self._clock.install(context_of(self._ours.api))
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._ours.__aexit__(*exc)

    async def ask(self, message: str, conversation_id: str | None) -> Timing:
        """Send a message in a conversation (None: a new one), and wait until the reply is over."""
        self._conversation = self._ours.api.get_conversation(conversation_id=conversation_id)
        return await self.follow_up(message)

    async def follow_up(self, message: str) -> Timing:
        """Send a message in the conversation of the previous message, and wait until the reply is over."""
        timing = Timing()

        def note(_text: str) -> None:
            timing.first_word = timing.first_word or time.time()
            timing.updates += 1

        timing.text = await self._conversation.send_message(message, on_progress=note)
        timing.ended = time.time()
        timing.pressed = self._clock.pressed
        return timing

    async def collect_garbage(self) -> None:
        """Collect garbage in all pages, so that only reachable memory is measured."""
        await self._ours.collect_garbage()
