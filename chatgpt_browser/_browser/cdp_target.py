"""A page of the browser, spoken to in the DevTools protocol.

It is spoken to through the browser's own session, and not through a page of Playwright's: Playwright has Chromium report what
goes over the network of each page that it knows, and so every chunk of every reply is told to the browser's process and to the
driver. Measured on Chromium 156, that is more than half of what a long reply costs. So the page is one that Playwright does not
know, unless somebody wants to watch it (:class:`chatgpt_browser._browser.launcher.Browser`).
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from .playwright_errors import to_library_error

if TYPE_CHECKING:
    from playwright.async_api import CDPSession

__all__ = ["GONE", "Target"]

logger = logging.getLogger("chatgpt_browser")

Listener = Callable[[dict[str, Any]], object]

#: The event that says, once, that a page is gone: closed, crashed, or its browser with it.
GONE = "Inspector.detached"

#: What is said of a page that can't be spoken to any more: Playwright's own words, which :mod:`._playwright` knows.
_CLOSED = "Target closed"
_CRASHED = "Target crashed"


class Target:
    """One page: commands, and listeners for its events. All calls come from one event loop."""

    def __init__(self, browser: CDPSession, target_id: str, session_id: str, *, is_watched: bool) -> None:
        self._browser = browser
        #: Of the page, and of its main frame alike.
        self.id = target_id
        #: Whether it is a page of Playwright's, so that Chromium reports on it and keeps what it has reported on.
        self.is_watched = is_watched
        self._session_id = session_id
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._listeners: dict[str, list[Listener]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._gone = ""
        self._subscriptions = {
            "Target.receivedMessageFromTarget": _ready_made(self._received),
            "Target.detachedFromTarget": _ready_made(self._detached),
        }
        for event, listener in self._subscriptions.items():
            browser.on(event, listener)

    @classmethod
    async def attach(cls, browser: CDPSession, target_id: str, *, is_watched: bool) -> Target:
        """Speak to the page with this id."""
        attached = await browser.send("Target.attachToTarget", {"targetId": target_id, "flatten": False})
        return cls(browser, target_id, attached["sessionId"], is_watched=is_watched)

    async def send(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """A command, and its result.

        :raises PlaywrightError: it was refused, or the page is gone.
        """
        if self._gone:
            raise PlaywrightError(f"Protocol error ({method}): {self._gone}")
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        command = json.dumps({"id": number, "method": method, "params": params or {}})
        try:
            envelope = {"sessionId": self._session_id, "message": command}
            await self._browser.send("Target.sendMessageToTarget", envelope)
            said = await answer
        finally:
            del self._answers[number]
            answer.cancel()
        if "error" in said:
            raise PlaywrightError(f"Protocol error ({method}): {said['error'].get('message')}")
        result: dict[str, Any] = said["result"]
        return result

    def tell(self, method: str, params: dict[str, Any]) -> None:
        """A command that nobody waits for: where it fails, there is nobody left to do it for.

        It leaves with the loop's next turn, in the order of these calls; what :meth:`send` is asked for until then leaves first.
        """
        errand = asyncio.get_running_loop().create_task(self.send(method, params))
        self._tasks.add(errand)
        errand.add_done_callback(self._told)

    def _told(self, errand: asyncio.Task[Any]) -> None:
        self._tasks.discard(errand)
        if not errand.cancelled() and isinstance(error := errand.exception(), Exception):
            logger.debug("the page did not take a command: %s", to_library_error(error))

    def on(self, event: str, listener: Listener) -> None:
        """Call ``listener`` with what each event of this name carries."""
        self._listeners.setdefault(event, []).append(listener)

    def remove_listener(self, event: str, listener: Listener) -> None:
        """Call it no more."""
        self._listeners[event].remove(listener)

    async def close(self) -> None:
        """Close the page."""
        await self._browser.send("Target.closeTarget", {"targetId": self.id})

    def end(self, reason: str = _CLOSED) -> None:
        """Nobody answers any more."""
        if self._gone:
            return
        self._gone = reason
        for event, listener in self._subscriptions.items():
            self._browser.remove_listener(event, listener)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result({"error": {"message": reason}})
        self._call(GONE, {"reason": reason})

    def _received(self, event: dict[str, Any]) -> None:
        if event["sessionId"] != self._session_id:
            return
        message = json.loads(event["message"])
        if "method" in message:
            self._call(message["method"], message["params"])
            if message["method"] == "Inspector.targetCrashed":
                self.end(_CRASHED)
            return
        answer = self._answers.get(message["id"])
        if answer is not None and not answer.done():
            answer.set_result(message)

    def _detached(self, event: dict[str, Any]) -> None:
        if event["sessionId"] == self._session_id:
            self.end()

    def _call(self, event: str, params: dict[str, Any]) -> None:
        for listener in tuple(self._listeners.get(event, ())):
            listener(params)


def _ready_made(listener: Callable[[Any], object]) -> Callable[[Any], None]:
    """The same, with its signature at hand: Playwright looks at it for each event, which takes longer than the event itself."""

    def call(event: Any) -> None:
        listener(event)

    call.__signature__ = inspect.signature(call)  # type: ignore[attr-defined]
    return call
