"""``/v1/models``: the models of the account."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .._core.single_flight import SingleFlight
from .errors import APIError, JSONResponse
from .fields import AUTO

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from .._client.client import AsyncChatGPTAPI

#: The site is asked for the list again after this number of seconds. Some programs request the list every few seconds.
_LIFETIME = 300.0


class ModelEndpoints:
    """The endpoints for the list of models and for one model. The list begins with ``auto``, the client's default."""

    def __init__(self, api: AsyncChatGPTAPI) -> None:
        self._api = api
        self._created = int(time.time())
        self._slugs: list[str] = []
        self._read_at = -_LIFETIME
        self._refresh = SingleFlight(self._read)

    async def list_all(self, _request: Request) -> Response:
        """Return all models."""
        models = [self._object(slug) for slug in await self._load()]
        return JSONResponse({"object": "list", "data": models})

    async def retrieve(self, request: Request) -> Response:
        """Return one model.

        :raises APIError: the account has no such model.
        """
        slug = request.path_params["model"]
        if slug not in await self._load():
            raise APIError(404, f"The model '{slug}' does not exist.", code="model_not_found", param="model")
        return JSONResponse(self._object(slug))

    async def _load(self) -> list[str]:
        if time.monotonic() - self._read_at >= _LIFETIME:
            await self._refresh()
        return self._slugs

    async def _read(self) -> None:
        models = await self._api.list_models()
        slugs = (model.slug for model in models if not model.is_work_mode)
        self._slugs = list(dict.fromkeys((AUTO, *slugs)))
        self._read_at = time.monotonic()

    def _object(self, slug: str) -> dict[str, Any]:
        return {"id": slug, "object": "model", "created": self._created, "owned_by": "chatgpt"}
