"""Event listeners of a CDP session, added and removed together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

__all__ = ["CDPEvents", "add_listeners"]


class CDPEvents(Protocol):
    """The part of a CDP session that reports events."""

    def on(self, event: str, f: Callable[..., Awaitable[None] | None]) -> None:
        """Call ``f`` with the parameters of each event with this name."""

    def remove_listener(self, event: str, f: Callable[..., Awaitable[None] | None]) -> None:
        """Remove a listener that :meth:`on` added."""


def add_listeners(
    cdp: CDPEvents, listeners: Mapping[str, Callable[[dict[str, Any]], None]]
) -> Callable[[], None]:
    """Add one listener for each event name, and return a function that removes them all."""
    for event, listener in listeners.items():
        cdp.on(event, listener)

    def remove_listeners() -> None:
        for event, listener in listeners.items():
            cdp.remove_listener(event, listener)

    return remove_listeners
