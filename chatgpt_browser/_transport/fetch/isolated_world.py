"""The isolated world that runs ``reader.js`` and ``page.js``. Requests are sent from this world.

The site's own scripts can neither access the isolated world nor patch the functions that are used in it. The isolated world sends
its results through a binding, which exists only in this world. An isolated world ends together with its document.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from typing import TYPE_CHECKING, Any

from ..._browser.cdp_target import COMMAND_TIMEOUT, read_head
from ..._browser.playwright_errors import map_playwright_errors, to_library_error
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
    """Return the texts of the isolated world's scripts. Each file is read only once."""
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
        self.usage: DocumentUsage = DocumentUsage(is_watched=target.is_watched)
        self._tasks = BackgroundTasks(self._log_failed_call)
        self._retired = False
        #: The error that ended the isolated world, or None if the world has not ended.
        self.dead: ChatGPTError | None = None
        #: The protocol over which the document was transferred: "h2", "http/1.1", or "" if it is unknown.
        self.protocol = ""

    @classmethod
    async def enter(
        cls, target: Target, origin: str, protocol: str = "", *, when_idle: Callable[[], object]
    ) -> IsolatedWorld | None:
        """Create an isolated world in the current document, prepare it for requests, and return it.

        :param protocol: the protocol of the previous document, if the current document was not loaded from the network.
        :return: the isolated world, or None if the document does not belong to the origin. For example, a document in a sandbox
            belongs to no origin.
        """
        params = {"frameId": target.id, "worldName": _NAME}
        context_id = (await target.send("Page.createIsolatedWorld", params))["executionContextId"]
        world = cls(target, context_id, when_idle)
        # The binding is added after the world was created. In the other order, Chromium 156 would add the binding only if the
        # Runtime domain is enabled.
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
        """Prepare for the planned replacement of the document. After this call, the end of this world is not an error."""
        self._retired = True
        self._target.remove_listener("Runtime.bindingCalled", self._on_binding_called)

    def die(self, error: ChatGPTError) -> None:
        """End this world and all its requests with this error, or with the error that has already ended the world."""
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

        :raises ChatGPTError: the isolated world has ended; usually a ``BrowserCrashedError``.
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

    async def check_alive(self) -> None:
        """Wait for a response to an empty command.

        :raises ChatGPTError: the isolated world has ended; usually a ``BrowserCrashedError``.
        """
        if self.dead is not None:
            raise self.dead
        with map_playwright_errors():
            await self._run("0")

    async def _measure_heap(self) -> None:
        self.usage.set_heap(await self._target.send("Runtime.getHeapUsage"))

    def abort(self, number: int) -> None:
        """Abort a request. Do not wait until the page has aborted it."""
        if self._streams.pop(number, None) is None:
            return
        if self.dead is None:
            self._tasks.spawn(self._call("abort", number))
        self._check_idle()

    def grant(self, number: int, chars: int) -> None:
        """Allow the page to deliver this many more characters of a response. If the page has stopped reading, it continues."""
        if self.dead is None:
            self._tasks.spawn(self._call("grant", number, chars))

    def _on_binding_called(self, event: dict[str, Any]) -> None:
        if event["name"] == _BINDING and event["executionContextId"] == self._context_id:
            self._receive(event["payload"])

    def _on_opened(self, number: int, task: asyncio.Task[Any]) -> None:
        """Handle the result of the method ``open`` of page.js: the first push of the request, null, or an error of the call.

        A push is a list of frames. The result is null if earlier pushes have already contained all frames of the request.
        """
        error = None if task.cancelled() else task.exception()
        if not task.cancelled() and error is None:
            if task.result() is not None:
                self._receive(task.result())
        elif isinstance(error, Exception) and (stream := self._streams.pop(number, None)) is not None:
            stream.fail(to_library_error(error))

    def _receive(self, payload: str) -> None:
        """Deliver the frames of a push. Then deliver the frames of later pushes that have already arrived.

        If an earlier push has not arrived yet, store this push until the earlier push has arrived.
        """
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
        """Call a method of page.js and return its result. If ``wait`` is True, await the promise that the method returns."""
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
        """End all requests, because the isolated world has ended. The call of ``lifetime`` ends only together with its world."""
        if self._retired:
            return
        error = None if task.cancelled() else task.exception()
        if isinstance(error, Exception):
            self.die(to_library_error(error))
        else:
            self.die(BrowserCrashedError("The page was closed or has crashed."))


class _PushQueue:
    """Sorts pushes by their numbers. A push is a list of frames that the page sends together.

    Pushes leave the page through two channels, the result of ``open`` and the binding. Pushes on different channels may arrive in
    the wrong order.
    """

    def __init__(self) -> None:
        self._next = 1
        self._early: dict[int, list[Any]] = {}

    def add(self, number: int, frames: list[Any]) -> Iterator[list[Any]]:
        """Add a push. Yield the frames of each push that can be delivered now, because all earlier pushes have arrived."""
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
        """Allow the page to deliver this many more characters of the response."""
        self._world.grant(self._number, chars)

    def abort(self) -> bool:
        """Abort the request. Always return True, because the caller need not wait: the page runs commands in order.

        After a hand-off, the site continues the reply outside the response. This transport cannot stop such a reply.
        """
        self._world.abort(self._number)
        return True
