"""The isolated world that runs ``reader.js`` and ``page.js``, and the requests that are sent from it.

The site's own scripts can neither access the isolated world nor patch the functions that it uses. It sends its results through a
binding that exists only there. An isolated world lasts as long as its document.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import TYPE_CHECKING, Any

from ..._browser.cdp_target import COMMAND_TIMEOUT, read_head
from ..._browser.playwright_errors import to_library_error
from ..._core.background import BackgroundTasks
from ..._core.errors import BrowserCrashedError, ChatGPTError
from ..._core.javascript import read_script
from ..._core.log import logger
from ..response_stream import ResponseStream
from .document_usage import DocumentUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..._browser.cdp_target import Target
    from ..._core.models import Request


_PACKAGE = __package__ or ""
_SCRIPTS = ("reader.js", "page.js")
_NAME = "chatgpt_browser"
_BINDING = "chatgptBrowserDeliver"
_CALL = "function (method, ...args) { return chatgptBrowser[method](...args); }"


def read_world_scripts() -> list[str]:
    """Return the scripts of the isolated world. Each file is read once."""
    return [read_script(_PACKAGE, name) for name in _SCRIPTS]


class IsolatedWorld:
    """Sends requests from one document. ``when_idle`` is called each time the last request in flight has ended."""

    def __init__(self, target: Target, context_id: int, when_idle: Callable[[], object]) -> None:
        self._target = target
        self._context_id = context_id
        self._when_idle = when_idle
        self._numbers = itertools.count(1)
        self._streams: dict[int, ResponseStream] = {}
        self._pushes = _PushQueue()
        #: The resources that the document uses.
        self.usage = DocumentUsage(is_watched=target.is_watched)
        self._tasks = BackgroundTasks(self._log_failed_call)
        self._retired = False
        #: The error that ended the isolated world, or None while it is alive.
        self.dead: ChatGPTError | None = None
        #: The protocol that transferred the document: "h2", "http/1.1", or "" if it is unknown.
        self.protocol = ""

    @classmethod
    async def enter(
        cls, target: Target, origin: str, protocol: str = "", *, when_idle: Callable[[], object]
    ) -> IsolatedWorld | None:
        """Create an isolated world in the current document and prepare it for requests.

        :param protocol: the protocol of the previous document, for a document that no response has brought.
        :return: None if the document does not belong to the origin, for example because it is in a sandbox.
        """
        params = {"frameId": target.id, "worldName": _NAME}
        context_id = (await target.send("Page.createIsolatedWorld", params))["executionContextId"]
        world = cls(target, context_id, when_idle)
        # Add the binding after the world exists: Chromium 156 adds it to a later world only if the Runtime domain is enabled.
        *_, found = await asyncio.gather(
            target.send("Runtime.addBinding", {"name": _BINDING, "executionContextName": _NAME}),
            *(world._run(script) for script in read_world_scripts()),
            world._call("prepareDocument", origin, protocol),
        )
        if found is None:
            return None
        world.protocol = found
        target.on("Runtime.bindingCalled", world._on_binding_called)
        world._tasks.spawn(world._call("lifetime", wait=True)).add_done_callback(world._on_lifetime_ended)
        return world

    def retire(self) -> None:
        """Prepare for the planned end of the document, which is then not an error."""
        self._retired = True
        self._target.remove_listener("Runtime.bindingCalled", self._on_binding_called)

    def die(self, error: ChatGPTError) -> None:
        """End all requests with this error, or with the first error if the world has ended before."""
        self.dead = self.dead or error
        streams, self._streams = self._streams, {}
        for stream in streams.values():
            stream.fail(self.dead)

    @property
    def is_idle(self) -> bool:
        """True if no request is in flight."""
        return not self._streams

    # ---- requests ----------------------------------------------------------------------------------------------------

    def open(self, request: Request) -> ResponseStream:
        """Send a request and return the stream of its response.

        :raises BrowserCrashedError: the isolated world is gone.
        """
        if self.dead is not None:
            raise self.dead

        number = next(self._numbers)
        stream = self._streams[number] = ResponseStream(_FetchControl(self, number))
        if self.usage.count_request():
            self._tasks.spawn(self._measure_heap())
        opening = self._tasks.spawn(self._call("open", number, vars(request), wait=True))
        opening.add_done_callback(lambda task: self._on_opened(number, task))
        return stream

    async def _measure_heap(self) -> None:
        self.usage.set_heap(await self._target.send("Runtime.getHeapUsage"))

    def abort(self, number: int) -> None:
        """Abort a request, without waiting until the page has done so."""
        if self._streams.pop(number, None) is None:
            return
        if self.dead is None:
            self._tasks.spawn(self._call("abort", number))
        self._check_idle()

    def grant(self, number: int, chars: int) -> None:
        """Return capacity to the window of a request, so that the page reads on."""
        if self.dead is None:
            self._tasks.spawn(self._call("grant", number, chars))

    def _on_binding_called(self, event: dict[str, Any]) -> None:
        if event["name"] == _BINDING and event["executionContextId"] == self._context_id:
            self._receive(event["payload"])

    def _on_opened(self, number: int, task: asyncio.Task[Any]) -> None:
        """Handle the result of ``open``: the request's first push, null, or an error of the call."""
        error = None if task.cancelled() else task.exception()
        if not task.cancelled() and error is None:
            if task.result() is not None:
                self._receive(task.result())
        elif isinstance(error, Exception) and (stream := self._streams.pop(number, None)) is not None:
            stream.fail(to_library_error(error))

    def _receive(self, payload: str) -> None:
        """Deliver the frames of a push, and of pushes that came out of order before it."""
        number, *frames = json.loads(payload)
        for ordered in self._pushes.add(number, frames):
            for frame in ordered:
                self._deliver(*frame)
        self._check_idle()

    def _deliver(self, number: int, *frame: Any) -> None:
        if frame[0] == "head":
            self.usage.bytes_read = frame[1]["bytesRead"]
            frame = ("head", read_head(frame[1]))
        stream = self._streams.get(number)
        if stream is None:
            return  # the request was aborted while this frame was in transit
        stream.deliver(list(frame))
        if stream.is_settled:
            stream.request_ended()
            self._streams.pop(number, None)

    def _check_idle(self) -> None:
        if not self.is_idle or self.dead is not None:
            return
        if self.usage.start_collection():
            self._tasks.spawn(self._target.send("HeapProfiler.collectGarbage"))
        self._when_idle()

    # ---- calls into the isolated world -------------------------------------------------------------------------------

    async def _run(self, script: str) -> None:
        await self._target.send("Runtime.evaluate", {"expression": script, "contextId": self._context_id})

    async def _call(self, method: str, *args: Any, wait: bool = False) -> Any:
        """Call a method of page.js and return its result; ``wait`` awaits the promise that it returns."""
        params = {
            "executionContextId": self._context_id,
            "functionDeclaration": _CALL,
            "arguments": [{"value": value} for value in (method, *args)],
            "returnByValue": True,
            "awaitPromise": wait,
        }
        limit = None if wait else COMMAND_TIMEOUT
        response = await self._target.send("Runtime.callFunctionOn", params, timeout=limit)
        return response["result"].get("value")

    def _log_failed_call(self, error: Exception) -> None:
        if not self._retired:
            logger.debug("a call into the page failed: %s", to_library_error(error))

    def _on_lifetime_ended(self, task: asyncio.Task[Any]) -> None:
        """End all requests: the failure of this call is the one sign that every kind of death gives."""
        if self._retired:
            return
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self.die(to_library_error(error))
        else:
            self.die(BrowserCrashedError("The page was closed or has crashed."))


class _PushQueue:
    """Puts pushes in the order of their numbers. They take two ways out of the page, and either may overtake the other."""

    def __init__(self) -> None:
        self._next = 1
        self._early: dict[int, list[Any]] = {}

    def add(self, number: int, frames: list[Any]) -> Iterator[list[Any]]:
        """Yield the frames of each push that is now in order."""
        self._early[number] = frames
        while (ordered := self._early.pop(self._next, None)) is not None:
            self._next += 1
            yield ordered


class _FetchControl:
    """The control of one request that was sent with ``fetch``. Implements ``RequestControl``."""

    def __init__(self, world: IsolatedWorld, number: int) -> None:
        self._world = world
        self._number = number

    def grant(self, chars: int) -> None:
        """Return capacity to the request's window."""
        self._world.grant(self._number, chars)

    def abort(self) -> bool:
        """Abort the request. No request of ours can end a reply that continues after a hand-off.

        The page receives the abort before any later request, so the message is over at once.
        """
        self._world.abort(self._number)
        return True
