"""A page of the browser that is controlled through the DevTools protocol (CDP), and functions for the protocol's events.

Commands are sent through the DevTools session of the browser, not through a Playwright page. For each page that it manages,
Playwright enables the Network domain. Chromium then reports every chunk of every reply to the browser process and to the driver.
On Chromium 156, these reports take more than half of the CPU time of a long reply. Therefore Playwright does not manage the page,
unless the page must be observable (see :class:`chatgpt_browser._browser.browser.Browser`).
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from .._core.background import BackgroundTasks
from .._core.log import logger
from .._core.models import Head
from .playwright_errors import to_library_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.async_api import CDPSession


Listener = Callable[[dict[str, Any]], object]

#: Time limit in seconds within which a page must respond to a command. An idle page needs milliseconds. On an overloaded machine,
#: a page may need some seconds.
COMMAND_TIMEOUT = 30.0

#: The name of the event that a target emits once, when its page is gone. A page is gone if it was closed, if it has crashed, or
#: if the browser has ended.
GONE = "Inspector.detached"

#: The reasons why a page is gone. Playwright's errors contain the same texts, and ``playwright_errors.to_library_error``
#: recognises these texts.
_CLOSED = "Target closed"
_CRASHED = "Target crashed"


class Target:
    """Sends commands to one page, and passes the page's events to listeners. All calls must come from one event loop."""

    def __init__(self, browser: CDPSession, target_id: str, session_id: str, *, is_watched: bool) -> None:
        self._browser = browser
        #: The id of the page, which is also the id of its main frame.
        self.id = target_id
        #: True if Playwright manages the page. Then Chromium reports the page's network events, and stores the response bodies.
        self.is_watched = is_watched
        self._session_id = session_id
        self._numbers = itertools.count(1)
        self._responses: dict[int, asyncio.Future[Any]] = {}
        self._listeners: dict[str, list[Listener]] = {}
        self._tasks = BackgroundTasks(_log_failed_command)
        #: The reason why the page is gone. Empty while the page exists.
        self._gone = ""
        listeners = {
            "Target.receivedMessageFromTarget": self._on_message,
            "Target.detachedFromTarget": self._on_detached,
        }
        self._remove_listeners = add_listeners(browser, listeners)

    @classmethod
    async def attach(cls, browser: CDPSession, target_id: str, *, is_watched: bool) -> Target:
        """Attach to the page with this target id, and return its :class:`Target`."""
        attached = await browser.send("Target.attachToTarget", {"targetId": target_id, "flatten": False})
        return cls(browser, target_id, attached["sessionId"], is_watched=is_watched)

    async def send(
        self, method: str, params: dict[str, Any] | None = None, *, timeout: float | None = COMMAND_TIMEOUT
    ) -> dict[str, Any]:
        """Send a command and return its result.

        :param timeout: the time limit in seconds; None: no limit. The limit includes the time for which a script of the page
            runs, because the page does not respond during this time.
        :raises PlaywrightError: Chromium refused the command, the page is gone, or the page did not respond in time.
        """
        if self._gone:
            raise PlaywrightError(f"Protocol error ({method}): {self._gone}")
        number = next(self._numbers)
        response = self._responses[number] = asyncio.get_running_loop().create_future()
        command = json.dumps({"id": number, "method": method, "params": params or {}})
        try:
            envelope = {"sessionId": self._session_id, "message": command}
            await self._browser.send("Target.sendMessageToTarget", envelope)
            if timeout is not None:
                await asyncio.wait([response], timeout=timeout)
                if not response.done():
                    raise PlaywrightTimeoutError(f"Protocol error ({method}): the page does not respond")
            message = await response
        finally:
            del self._responses[number]
            response.cancel()
        if "error" in message:
            raise PlaywrightError(f"Protocol error ({method}): {message['error'].get('message')}")
        result: dict[str, Any] = message["result"]
        return result

    def send_soon(self, method: str, params: dict[str, Any]) -> None:
        """Send a command without waiting for its result. A failure is logged.

        Commands of several calls are sent in the order of the calls, in the next iteration of the event loop. If :meth:`send` is
        called before that iteration, its command is sent before these commands.
        """
        self._tasks.spawn(self.send(method, params))

    def on(self, event: str, listener: Listener) -> None:
        """Call ``listener`` with the parameters of each event of this name."""
        self._listeners.setdefault(event, []).append(listener)

    def remove_listener(self, event: str, listener: Listener) -> None:
        """Stop calling ``listener`` for this event."""
        self._listeners[event].remove(listener)

    async def close(self) -> None:
        """Close the page."""
        await self._browser.send("Target.closeTarget", {"targetId": self.id})

    def mark_gone(self, reason: str = _CLOSED) -> None:
        """Fail all pending commands and emit :data:`GONE`. Only the first call has an effect."""
        if self._gone:
            return
        self._gone = reason
        self._remove_listeners()
        for response in self._responses.values():
            if not response.done():
                response.set_result({"error": {"message": reason}})
        self._dispatch(GONE, {"reason": reason})

    def _on_message(self, event: dict[str, Any]) -> None:
        if event["sessionId"] != self._session_id:
            return
        message = json.loads(event["message"])
        if "method" in message:
            self._dispatch(message["method"], message["params"])
            if message["method"] == "Inspector.targetCrashed":
                self.mark_gone(_CRASHED)
            return
        response = self._responses.get(message["id"])
        if response is not None and not response.done():
            response.set_result(message)

    def _on_detached(self, event: dict[str, Any]) -> None:
        if event["sessionId"] == self._session_id:
            self.mark_gone()

    def _dispatch(self, event: str, params: dict[str, Any]) -> None:
        for listener in tuple(self._listeners.get(event, ())):
            listener(params)


def add_listeners(
    source: CDPSession | Target, listeners: Mapping[str, Callable[[dict[str, Any]], None]]
) -> Callable[[], None]:
    """Add one listener for each event name, and return a function that removes them all."""
    added = {event: _with_signature(listener) for event, listener in listeners.items()}
    for event, listener in added.items():
        source.on(event, listener)

    def remove_listeners() -> None:
        for event, listener in added.items():
            source.remove_listener(event, listener)

    return remove_listeners


def read_head(response: Mapping[str, Any]) -> Head:
    """Return the head of a response. Header names are in lower case. ``Set-Cookie`` is omitted, because it may contain a token.

    ``response`` is a DevTools `Network.Response`_, or a mapping with the same fields ``status``, ``statusText`` and ``headers``.
    The field ``redirected`` is optional. Other fields are ignored.

    .. _Network.Response: https://chromedevtools.github.io/devtools-protocol/tot/Network/#type-Response
    """
    headers = {name.lower(): value for name, value in response["headers"].items()}
    headers.pop("set-cookie", None)
    return Head(response["status"], response["statusText"], headers, response.get("redirected", False))


def _log_failed_command(error: Exception) -> None:
    logger.debug("a command to the page failed: %s", to_library_error(error))


def _with_signature(listener: Callable[[Any], object]) -> Callable[[Any], None]:
    """Return a function that calls the listener and has the attribute ``__signature__``.

    For each event, Playwright inspects the signature of the listener. Without this attribute, the inspection takes longer than
    the rest of the event's processing.
    """

    def call(event: Any) -> None:
        listener(event)

    call.__signature__ = _LISTENER_SIGNATURE  # type: ignore[attr-defined]
    return call


#: The signature of a listener: one argument, the event.
_LISTENER_SIGNATURE = inspect.signature(_log_failed_command)
