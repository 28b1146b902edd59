"""The callbacks that a caller may pass to observe a reply while the client receives the reply."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._core.models import ConversationEvent
    from .._messaging.reply_assembler import Update

#: Flag for pytest, so that its tracebacks omit the frames of this module.
__tracebackhide__ = True

#: A callback for every event that changes the reply. Its argument is the whole text so far. An awaitable result is awaited.
OnProgress = Callable[[str], Awaitable[object] | object]
#: A callback for every event. Its argument is the event as the site sent it. An awaitable result is awaited.
OnConversationResponse = Callable[["ConversationEvent"], Awaitable[object] | object]


def notify(
    update: Update, on_progress: OnProgress | None, on_event: OnConversationResponse | None
) -> list[Awaitable[object] | object]:
    """Call the callbacks for an update, and return a list of their return values."""
    results: list[Awaitable[object] | object] = []
    if on_event is not None and update.event is not None:
        results.append(on_event(update.event))
    if on_progress is not None and update.text is not None:
        results.append(on_progress(update.text))
    return results


def check_synchronous(**callbacks: OnProgress | OnConversationResponse | None) -> None:
    """Check that no callback is asynchronous.

    :raises TypeError: A callback is a coroutine function. The error message contains the name of the parameter.
    """
    for name, callback in callbacks.items():
        if inspect.iscoroutinefunction(callback):
            raise TypeError(f"{name} must not be asynchronous: only AsyncChatGPTAPI awaits callbacks")
