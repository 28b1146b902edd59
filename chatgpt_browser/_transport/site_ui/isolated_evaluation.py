"""Evaluates JavaScript in an isolated world of the site's page. The site's own scripts cannot see or change this world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playwright.async_api import Error as PlaywrightError

from ..._core.javascript import read_script

if TYPE_CHECKING:
    from playwright.async_api import CDPSession

_WORLD_NAME = "chatgpt_browser"


class IsolatedEvaluation:
    """Calls functions of this package's JavaScript files in the current document of a page."""

    def __init__(self, cdp: CDPSession) -> None:
        self._cdp = cdp
        self._frame_id: str | None = None

    async def call(self, script_name: str, *arguments: Any) -> Any:
        """Call the function in a script, wait for its promise, and return the result as JSON data.

        :raises PlaywrightError: the document was replaced, or the function failed.
        """
        if self._frame_id is None:
            tree = await self._cdp.send("Page.getFrameTree")
            self._frame_id = tree["frameTree"]["frame"][
                "id"
            ]  # The main frame keeps its id when it navigates.
        # For each document, Chromium creates the world at the first call and returns the same world at later calls.
        params = {"frameId": self._frame_id, "worldName": _WORLD_NAME}
        world = await self._cdp.send("Page.createIsolatedWorld", params)
        result = await self._cdp.send(
            "Runtime.callFunctionOn",
            {
                "functionDeclaration": read_script(__package__ or "", script_name),
                "executionContextId": world["executionContextId"],
                "arguments": [{"value": argument} for argument in arguments],
                "returnByValue": True,
                "awaitPromise": True,
            },
        )
        if "exceptionDetails" in result:
            raise PlaywrightError(f"{script_name}: {result['exceptionDetails'].get('text')}")
        return result["result"].get("value")
