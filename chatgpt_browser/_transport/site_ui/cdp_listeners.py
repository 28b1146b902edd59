"""Event listeners of a CDP session, added and removed together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from playwright.async_api import CDPSession


def add_listeners(
    cdp: CDPSession, listeners: Mapping[str, Callable[[dict[str, Any]], None]]
) -> Callable[[], None]:
    """Add one listener for each event name, and return a function that removes them all."""
    for event, listener in listeners.items():
        cdp.on(event, listener)

    def remove_listeners() -> None:
        for event, listener in listeners.items():
            cdp.remove_listener(event, listener)

    return remove_listeners
