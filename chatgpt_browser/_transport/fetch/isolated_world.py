"""Our half of a document: ``js/reader.js`` and ``js/page.js`` in an isolated world, and the exchanges that run through it.

The site's own scripts can neither see that world nor patch what it uses; what it has to say comes back through a binding that
exists there alone. A world lasts as long as its document.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from typing import TYPE_CHECKING, Any

from ..._browser.playwright_errors import to_library_error
from ..._core.errors import BrowserCrashedError, ChatGPTError
from ..._core.javascript import read_script
from ..response_stream import ResponseStream

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from ..._browser.cdp_target import Target
    from ..._core.models import Request

__all__ = ["IsolatedWorld"]

logger = logging.getLogger("chatgpt_browser")

_PACKAGE = __package__ or ""
_NAME = "chatgpt_browser"
_BINDING = "chatgptBrowserDeliver"
_CALL = "function (verb, ...args) { return chatgptBrowser[verb](...args); }"

#: A document is worn when its scripts hold so much memory, which is looked at every so many requests; or after so many seconds.
_WORN_HEAP = 128 << 20
#: From so much on it is cleaned up, while nobody waits: most of it is garbage, which the engine would let grow to several times
#: that before it looks (5 to 10 ms, once in some 1,500 messages).
_GC_THRESHOLD = 8 << 20
_WEIGHED_EVERY = 16
_WORN_SECONDS = 6 * 3600.0
#: One that Playwright watches is worn after so many requests, or so many bytes, too: of these Chromium keeps, for whoever
#: watches, a record of each request and up to 100 MB of their bodies until the document goes. Of any other it keeps none:
#: measured on Chromium 150, 5,000 requests leave 1 MB in the renderer, and 2.5 GB of bodies nothing.
_WORN_REQUESTS = 128
_WORN_BYTES = 64 << 20


class IsolatedWorld:
    """Carries requests through one document. ``when_idle`` is called each time that the last of them has settled."""

    def __init__(
        self,
        target: Target,
        context_id: int,
        when_idle: Callable[[], object],
    ) -> None:
        self._target = target
        self._context_id = context_id
        self._when_idle = when_idle
        self._numbers = itertools.count(1)
        self._exchanges: dict[int, ResponseStream] = {}
        self._turn = 1  # the number of the next push
        self._early: dict[int, list[Any]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._requests = 0
        self._bytes = 0
        self._heap = 0
        self._born = asyncio.get_running_loop().time()
        self._retired = False
        self.dead: ChatGPTError | None = None
        self.protocol = ""  # by which the document came: "h2", "http/1.1"; "" where that isn't known

    @classmethod
    async def enter(
        cls,
        target: Target,
        origin: str,
        protocol: str = "",
        *,
        when_idle: Callable[[], object],
    ) -> IsolatedWorld | None:
        """A world in the document that is open now, made a place to send from.

        None where that document is of no such origin, as in a sandbox. ``protocol`` is what the document before came by, for one
        that no answer has brought.
        """
        frame = {"frameId": target.id, "worldName": _NAME}
        context_id = (await target.send("Page.createIsolatedWorld", frame))["executionContextId"]
        world = cls(target, context_id, when_idle)
        # After the world: Chromium 156 adds a binding to one that is still to come only where Runtime is enabled.
        *_, found = await asyncio.gather(
            target.send("Runtime.addBinding", {"name": _BINDING, "executionContextName": _NAME}),
            world._run("reader.js"),
            world._run("page.js"),
            world._call("settle", origin, protocol),
        )
        if found is None:
            return None
        world.protocol = found
        target.on("Runtime.bindingCalled", world._delivered)
        world._spawn(world._call("lifetime", wait=True)).add_done_callback(world._ended)
        return world

    def retire(self) -> None:
        """Its document is about to go, as it should."""
        self._retired = True
        self._target.remove_listener("Runtime.bindingCalled", self._delivered)

    def die(self, error: ChatGPTError) -> None:
        """Nothing works here any more, for this reason. The first reason counts."""
        self.dead = self.dead or error
        exchanges, self._exchanges = self._exchanges, {}
        for exchange in exchanges.values():
            exchange.fail(self.dead)

    @property
    def is_idle(self) -> bool:
        return not self._exchanges

    @property
    def needs_recycling(self) -> bool:
        """Whether it holds, or makes Chromium keep, more than a new one would."""
        if self._target.is_watched and (self._requests >= _WORN_REQUESTS or self._bytes >= _WORN_BYTES):
            return True
        age = asyncio.get_running_loop().time() - self._born
        return self._heap >= _WORN_HEAP or age >= _WORN_SECONDS

    # ---- requests ----------------------------------------------------------------------------------------------------

    def open(self, request: Request) -> ResponseStream:
        """Send a request; the answer comes through the exchange.

        :raises BrowserCrashedError: the world is gone.
        """
        if self.dead is not None:
            raise self.dead

        number = next(self._numbers)
        exchange = self._exchanges[number] = ResponseStream(_Line(self, number))
        fields = {
            "url": request.url,
            "method": request.method,
            "headers": request.headers,
            "body": request.body,
            "stream": request.stream,
        }
        self._requests += 1
        if self._requests % _WEIGHED_EVERY == 0:
            self._spawn(self._weigh())
        self._spawn(self._call("open", number, fields, wait=True)).add_done_callback(
            lambda errand: self._opened(number, errand)
        )
        return exchange

    async def _weigh(self) -> None:
        """See how much memory the document's scripts hold, ours and the site's, buffers included."""
        usage = await self._target.send("Runtime.getHeapUsage")
        self._heap = int(usage["usedSize"] + usage.get("backingStorageSize", 0))

    def abort(self, number: int) -> None:
        """End a request, without waiting for it."""
        if self._exchanges.pop(number, None) is None:
            return
        if self.dead is None:
            self._spawn(self._call("abort", number))
        self._rest()

    def grant(self, number: int, chars: int) -> None:
        """Let the document read on."""
        if self.dead is None:
            self._spawn(self._call("grant", number, chars))

    def _delivered(self, event: dict[str, Any]) -> None:
        if event["name"] == _BINDING and event["executionContextId"] == self._context_id:
            self._take(event["payload"])

    def _opened(self, number: int, errand: asyncio.Task[Any]) -> None:
        """A request has brought its first push, or nobody took it."""
        if errand.cancelled() or errand.exception() is not None:
            self._fail(number, errand)
        elif errand.result() is not None:
            self._take(errand.result())

    def _take(self, payload: str) -> None:
        """A push, and those that came before their turn."""
        turn, *frames = json.loads(payload)
        self._early[turn] = frames
        while (frames := self._early.pop(self._turn, None)) is not None:
            self._turn += 1
            for frame in frames:
                self._deliver(*frame)
        self._rest()

    def _deliver(self, number: int, *frame: Any) -> None:
        if frame[0] == "head":
            self._bytes = frame[1]["bytesRead"]
        exchange = self._exchanges.get(number)
        if exchange is None:
            return  # it was ended from here while this was on its way
        exchange.deliver(list(frame))
        if exchange.is_settled:
            self._exchanges.pop(number, None)
            exchange.request_ended()

    def _rest(self) -> None:
        if not self.is_idle or self.dead is not None:
            return
        if self._heap >= _GC_THRESHOLD and not self.needs_recycling:
            self._heap = 0
            self._spawn(self._target.send("HeapProfiler.collectGarbage"))
        self._when_idle()

    # ---- the way there -----------------------------------------------------------------------------------------------

    async def _run(self, name: str) -> None:
        await self._target.send(
            "Runtime.evaluate", {"expression": read_script(_PACKAGE, name), "contextId": self._context_id}
        )

    async def _call(self, verb: str, *args: Any, wait: bool = False) -> Any:
        call = {
            "executionContextId": self._context_id,
            "functionDeclaration": _CALL,
            "arguments": [{"value": value} for value in (verb, *args)],
            "returnByValue": True,
            "awaitPromise": wait,
        }
        answer = await self._target.send("Runtime.callFunctionOn", call)
        return answer["result"].get("value")

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Have something done that nobody waits for."""
        errand = asyncio.get_running_loop().create_task(work)
        self._tasks.add(errand)
        errand.add_done_callback(self._done)
        return errand

    def _done(self, errand: asyncio.Task[Any]) -> None:
        self._tasks.discard(errand)
        if (
            not errand.cancelled()
            and isinstance(error := errand.exception(), Exception)
            and not self._retired
        ):
            logger.debug("the page did not take a message: %s", to_library_error(error))

    def _ended(self, lifetime: asyncio.Task[Any]) -> None:
        """The world is gone, and with it all that was under way: the one sign that every kind of death gives."""
        if self._retired:
            return
        error = None if lifetime.cancelled() else lifetime.exception()
        self.die(
            to_library_error(error)
            if isinstance(error, Exception)
            else BrowserCrashedError("the page is gone")
        )

    def _fail(self, number: int, errand: asyncio.Task[Any]) -> None:
        error = None if errand.cancelled() else errand.exception()
        exchange = self._exchanges.pop(number, None) if isinstance(error, Exception) else None
        if exchange is not None and isinstance(error, Exception):
            exchange.fail(to_library_error(error))


class _Line:
    """An exchange's way back to its world."""

    def __init__(self, world: IsolatedWorld, number: int) -> None:
        self._world = world
        self._number = number

    def grant(self, chars: int) -> None:
        self._world.grant(self._number, chars)

    def abort(self) -> bool:
        """End the request. A reply that continues after a hand-off cannot be ended by a request of ours."""
        self._world.abort(self._number)
        return True  # the page receives an abort before any later request
