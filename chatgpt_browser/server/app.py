"""The ASGI application: its routes, and the responses to unknown paths and methods."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from .._client.client import AsyncChatGPTAPI
from .._client.sync_client import ChatGPTAPI
from .._core.base_error import ChatGPTError
from .._store.transcript_store import TranscriptStore
from .access import HEALTH_PATH, AccessCheck
from .chat_completions import ChatCompletion
from .client_thread import InClientThread
from .conversations import Conversations
from .endpoint import ReplyEndpoint, Service, describe
from .errors import APIError, JSONResponse
from .models import ModelEndpoints
from .request_queue import RequestQueue
from .responses import ResponsesCall

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response


def create_app(
    api: AsyncChatGPTAPI | ChatGPTAPI, *, api_key: str, ignore_sampling: bool = False
) -> Starlette:
    """Return the ASGI application of `chatgpt-browser serve`: a server with the interface of OpenAI's API.

    The application does not close the client: close it after the server has ended. Run one process, because each process would
    start another browser. Bind the server to the loopback interface: a request for another host name is refused.

    :param api: the client. An asynchronous client must be used only in the event loop of the server. A synchronous client has
        its own thread. The application then runs in this thread, which makes each event a little slower.
    :param api_key: the bearer key that each request must have.
    :param ignore_sampling: if True, drop ``temperature``, ``top_p``, ``seed``, the penalties and the limits for tokens.
        Otherwise, a request is refused if one of these fields does not have its default value.
    :raises TypeError: ``api`` is not a client.
    :raises ValueError: the key is empty, or contains white space or characters outside of ASCII.
    """
    if not isinstance(api, (AsyncChatGPTAPI, ChatGPTAPI)):
        raise TypeError(f"api must be an AsyncChatGPTAPI or a ChatGPTAPI, not {type(api).__name__}")
    if not api_key or not api_key.isascii() or not api_key.isprintable() or " " in api_key:
        raise ValueError("api_key must be a text of visible ASCII characters that is not empty")
    middleware = [Middleware(AccessCheck, api_key=api_key)]
    if isinstance(api, ChatGPTAPI):
        middleware.append(Middleware(InClientThread, portal=api._portal))
        api = api._core
    store = TranscriptStore(api._options.job_store)
    service = Service(
        Conversations(api, store), RequestQueue(api._options.max_concurrent_messages), ignore_sampling
    )
    models = ModelEndpoints(api)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        store.close()

    return Starlette(
        routes=[
            Route(HEALTH_PATH, _health),
            Route("/v1/models", models.list_all),
            Route("/v1/models/{model:path}", models.retrieve),
            Route("/v1/chat/completions", ReplyEndpoint(service, ChatCompletion), methods=["POST"]),
            Route("/v1/responses", ReplyEndpoint(service, ResponsesCall), methods=["POST"]),
        ],
        middleware=middleware,
        exception_handlers={HTTPException: _respond, APIError: _respond, ChatGPTError: _respond},
        lifespan=lifespan,
    )


async def _health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _respond(request: Request, error: Exception) -> Response:
    """Return the response for an error. Starlette raises `HTTPException` for an unknown path or method."""
    if not isinstance(error, HTTPException):
        return describe(error).response()
    message = f"{error.detail}: {request.method} {request.url.path}"
    return APIError(error.status_code, message, headers=dict(error.headers or {})).response()
