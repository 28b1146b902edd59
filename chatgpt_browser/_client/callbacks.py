"""What a caller may pass to hear of a reply as it comes."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._core.models import ConversationEvent
    from .._messaging.reply_stream import Update

__all__ = ["OnConversationResponse", "OnProgress", "check_synchronous", "notify", "await_result"]

#: Called for every event that changes the reply, with the whole text so far. An awaitable that it returns is awaited.
OnProgress = Callable[[str], Awaitable[object] | object]
#: Called for every event, with the event as the site sent it. An awaitable that it returns is awaited.
OnConversationResponse = Callable[["ConversationEvent"], Awaitable[object] | object]


def notify(
    update: Update, on_progress: OnProgress | None, on_event: OnConversationResponse | None
) -> list[Awaitable[object] | object]:
    """Call those who want to hear of an update; what they return, where it is anything."""
    answers: list[Awaitable[object] | object] = []
    if on_event is not None and update.event is not None and (answer := on_event(update.event)) is not None:
        answers.append(answer)
    if (
        on_progress is not None
        and update.text is not None
        and (answer := on_progress(update.text)) is not None
    ):
        answers.append(answer)
    return answers


def check_synchronous(**callbacks: OnProgress | OnConversationResponse | None) -> None:
    """See that nobody is to be waited for.

    :raises TypeError: a callback is asynchronous; it is named.
    """
    for name, callback in callbacks.items():
        if inspect.iscoroutinefunction(callback):
            raise TypeError(
                f"{name} must not be asynchronous here: AsyncChatGPTAPI waits for such, ChatGPTAPI can't"
            )


async def await_result(answer: Awaitable[object] | object) -> None:
    """Wait for what a callback has returned, where there is something to wait for."""
    if inspect.isawaitable(answer):
        await answer
