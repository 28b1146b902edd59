"""Evaluates JavaScript in an isolated world of the site's page. The site's own scripts cannot see or change this world."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from ..._browser.cdp_target import add_listeners
from ..._core.javascript import read_script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.async_api import CDPSession

_WORLD_NAME = "chatgpt_browser"


class IsolatedEvaluation:
    """Calls functions of this package's JavaScript files in the current document of a page."""

    def __init__(self, cdp: CDPSession) -> None:
        self._cdp = cdp
        self._frame_id: str | None = None
        #: The id of the isolated world in the current document. None if the id was not requested yet.
        self._world: int | None = None
        #: The names of the scripts whose functions the current world has stored.
        self._stored: set[str] = set()
        add_listeners(cdp, {"Page.frameNavigated": self._on_navigated})

    async def call(
        self, script_name: str, *arguments: Any, constants: Sequence[Any] = (), helpers: Sequence[str] = ()
    ) -> Any:
        """Call the function in a script, wait for its promise, and return the result as JSON data.

        ``helpers`` are the names of other scripts. The arguments of the function are the ``constants``, then the ``arguments``,
        and then the function of each helper. The first call of a script stores its constants and helpers, so all calls of the
        script must pass the same ones.

        :raises PlaywrightError: the document was replaced, or the function failed.
        """
        values = [{"value": argument} for argument in arguments]
        world = self._world or await self._create_world()
        try:
            result = await self._call(world, self._declare(script_name, constants, helpers), values)
        except PlaywrightError as error:
            if world != self._world or "Cannot find context" not in error.message:
                raise
            # The document was replaced before the function was called. So the function is called in the new document.
            world = await self._create_world()
            result = await self._call(world, self._declare(script_name, constants, helpers), values)
        if "exceptionDetails" in result:
            raise PlaywrightError(f"{script_name}: {result['exceptionDetails'].get('text')}")
        if world == self._world:
            self._stored.add(script_name)
        return result["result"].get("value")

    def _declare(self, script_name: str, constants: Sequence[Any], helpers: Sequence[str]) -> str:
        """Return a JavaScript function that calls the script's function.

        In each world, the first call of a script stores the script's function. A later call uses the stored function: without the
        script's text, a call takes half the time.
        """
        stored = f"globalThis[{json.dumps(script_name)}]"
        if script_name in self._stored:
            return f"(...values) => {stored}(...values)"
        return f"(...values) => ({stored} = {_with_helpers(script_name, constants, helpers)})(...values)"

    async def _create_world(self) -> int:
        if self._frame_id is None:
            tree = await self._cdp.send("Page.getFrameTree")
            self._frame_id = tree["frameTree"]["frame"]["id"]
        # Chromium creates this world only once for each document. Later commands return the id of the same world.
        params = {"frameId": self._frame_id, "worldName": _WORLD_NAME}
        world: int = (await self._cdp.send("Page.createIsolatedWorld", params))["executionContextId"]
        self._world = world
        self._stored.clear()
        return world

    async def _call(self, world: int, declaration: str, values: list[dict[str, Any]]) -> dict[str, Any]:
        params = {
            "functionDeclaration": declaration,
            "executionContextId": world,
            "arguments": values,
            "returnByValue": True,
            "awaitPromise": True,
        }
        result: dict[str, Any] = await self._cdp.send("Runtime.callFunctionOn", params)
        return result

    def _on_navigated(self, event: dict[str, Any]) -> None:
        if "parentId" not in event["frame"]:
            self._frame_id, self._world = event["frame"]["id"], None


def _with_helpers(script_name: str, constants: Sequence[Any], helpers: Sequence[str]) -> str:
    """Return a JavaScript function that calls the script's function with further arguments.

    The constants come before the given arguments, and the functions of the helpers come after them.
    """
    main, *others = (
        read_script(__package__ or "", name).strip().removesuffix(";") for name in (script_name, *helpers)
    )
    fixed = "".join(f"{json.dumps(constant)}, " for constant in constants)
    functions = "".join(f", ({other})" for other in others)
    return f"(...values) => ({main})({fixed}...values{functions})"
