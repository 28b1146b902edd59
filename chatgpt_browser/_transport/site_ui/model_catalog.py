"""The models and presets that the site's page offers, read from the page's own request ``GET /models``."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio
from playwright.async_api import Error as PlaywrightError

from ..._browser.cdp_target import add_listeners
from ..._core.background import BackgroundTasks
from ..._protocol.model_list import ModelList, read_model_list
from ..._protocol.site_json import parse_json

if TYPE_CHECKING:
    from playwright.async_api import CDPSession

#: The path of a request for the models ends with this text.
_PATH = "/backend-api/models"
#: Time limit in seconds for the response, if the page is requesting the models at the moment when they are needed.
_TIMEOUT = 3.0


class ModelCatalog:
    """Stores the models in the newest response that one page has received. The catalog itself sends no request."""

    def __init__(self, cdp: CDPSession) -> None:
        self._cdp = cdp
        self._pending: set[str] = set()
        self._models = ModelList()
        self._changed = anyio.Event()
        self._tasks = BackgroundTasks()
        listeners = {
            "Network.requestWillBeSent": self._on_request,
            "Network.loadingFinished": self._on_finished,
            "Network.loadingFailed": self._on_failed,
        }
        add_listeners(cdp, listeners)

    async def read(self) -> ModelList:
        """Return the models in the newest response. If the page has just requested the models, first wait for this response.

        If the page has received no models, the result is empty.
        """
        with anyio.move_on_after(_TIMEOUT):
            while self._pending:
                await self._changed.wait()
        return self._models

    def _on_request(self, event: dict[str, Any]) -> None:
        request = event["request"]
        if request["method"] == "GET" and request["url"].partition("?")[0].endswith(_PATH):
            self._pending.add(event["requestId"])

    def _on_finished(self, event: dict[str, Any]) -> None:
        if event["requestId"] in self._pending:
            self._tasks.spawn(self._take(event["requestId"]))

    def _on_failed(self, event: dict[str, Any]) -> None:
        self._end(event["requestId"])

    async def _take(self, request_id: str) -> None:
        with suppress(PlaywrightError, ValueError):
            result = await self._cdp.send("Network.getResponseBody", {"requestId": request_id})
            found = read_model_list(parse_json(result["body"]))
            self._models = found if found.models else self._models
        self._end(request_id)

    def _end(self, request_id: str) -> None:
        if request_id in self._pending:
            self._pending.discard(request_id)
            changed, self._changed = self._changed, anyio.Event()
            changed.set()
