"""A CDP session in memory: tests emit the browser's events and decide when a command gets its result."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from playwright.async_api import CDPSession

__all__ = ["CDPEventSource"]


class CDPEventSource:
    """Records listeners and commands. A command waits until :meth:`complete` is called with its method."""

    def __init__(self) -> None:
        self.listeners: list[tuple[str, Callable[..., Awaitable[None] | None]]] = []
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self._results: dict[str, asyncio.Future[dict[str, Any]]] = {}

    @property
    def session(self) -> CDPSession:
        """This object, with the type of the session that it stands for."""
        return cast("CDPSession", self)

    def on(self, event: str, f: Callable[..., Awaitable[None] | None]) -> None:
        """Add a listener."""
        self.listeners.append((event, f))

    def remove_listener(self, event: str, f: Callable[..., Awaitable[None] | None]) -> None:
        """Remove a listener."""
        self.listeners.remove((event, f))

    def emit(self, event: str, **params: Any) -> None:
        """Call the listeners of an event."""
        for name, listener in tuple(self.listeners):
            if name == event:
                listener(params)

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Record a command and wait for its result."""
        self.commands.append((method, params or {}))
        return await self._result(method)

    def complete(self, method: str, result: dict[str, Any] | Exception) -> None:
        """Give a command its result, now or when it is sent."""
        if isinstance(result, Exception):
            self._result(method).set_exception(result)
        else:
            self._result(method).set_result(result)

    def _result(self, method: str) -> asyncio.Future[dict[str, Any]]:
        return self._results.setdefault(method, asyncio.get_running_loop().create_future())
