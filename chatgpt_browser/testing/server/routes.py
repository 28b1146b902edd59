"""`build_app`: creates the Starlette application with its routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from ..data.paths import SESSION_PATH
from ..script.responses import Answer
from . import backend_endpoints as backend
from . import share_endpoints as shares
from .continued_playback import resume_reply
from .downloads import DOWNLOAD_ENDPOINTS, send_content
from .message_endpoint import answer_message
from .static_files import read_static
from .step_playback import play
from .uploads import UPLOAD_ENDPOINTS, process_upload

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from ..data.recorded_request import RecordedRequest
    from ..script.steps import Step
    from .response_writer import ResponseWriter
    from .site import Site

    PlayedEndpoint = Callable[[Site, RecordedRequest, ResponseWriter], Awaitable[None]]
    BackendEndpoint = Callable[[Site, RecordedRequest, Mapping[str, str]], Answer]

#: The key in the ASGI scope under which `RequestMiddleware` stores the `ResponseWriter`.
WRITER_KEY = "chatgpt_browser.response_writer"


_MORE_ENDPOINTS: list[tuple[str, BackendEndpoint, str]] = [
    ("/sentinel/chat-requirements/finalize", backend.issue_message_token, "POST"),
    ("/conversations", backend.change_conversations, "PATCH"),
    ("/conversations", backend.delete_conversations, "DELETE"),
    ("/share/create", shares.create_share, "POST"),
    ("/share/{id}", shares.change_share, "PATCH"),
    ("/share/{id}", shares.delete_share, "DELETE"),
    ("/shared_conversations", shares.list_shares, "GET"),
]


class PlayedResponse(Response):
    """A response that a function sends through the `ResponseWriter` of the request.

    :param send: the function; its argument is the `ResponseWriter`.
    """

    def __init__(self, send: Callable[[ResponseWriter], Any]) -> None:
        super().__init__()
        self._send = send

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response through the `ResponseWriter` of the request."""
        await self._send(scope[WRITER_KEY])


def build_app(site: Site) -> Starlette:
    """Return the inner ASGI application with its routes. `RequestMiddleware` is the outer application."""

    def endpoint(path: str, function: BackendEndpoint, method: str = "GET") -> Route:
        """Return a route of the backend. It calls `function` only if the request has a valid access token."""

        async def respond(request: Request) -> Response:
            record = _record(request)
            parameters = {**request.query_params, **request.path_params}
            with site.lock:
                return _respond(site.session.refuse(record) or function(site, record, parameters))

        return Route(f"/backend-api{path}", respond, methods=[method])

    async def session(request: Request) -> Response:
        with site.lock:
            return _respond(site.session.respond(_record(request), site.session.answer))

    routes = [
        *_pages(site),
        Route(SESSION_PATH, session),
        *(_played(site, path, answer_message) for path in ("/conversation", "/f/conversation")),
        _played(site, "/f/conversation/resume", resume_reply),
        _played(site, "/files/process_upload_stream", process_upload),
        *(endpoint(path, function, "POST") for path, function in UPLOAD_ENDPOINTS.items()),
        *(endpoint(path, function) for path, function in DOWNLOAD_ENDPOINTS.items()),
        _played(site, "/estuary/content", send_content, "GET"),
        endpoint("/celsius/ws/user", backend.get_socket),
        endpoint("/sentinel/chat-requirements", backend.issue_message_token, "POST"),
        endpoint("/sentinel/chat-requirements/prepare", backend.prepare_message_token, "POST"),
        endpoint("/f/conversation/prepare", backend.prepare_message, "POST"),
        endpoint("/conversations", backend.list_conversations),
        endpoint("/conversations/batch", backend.get_conversations, "POST"),
        *(endpoint(*each) for each in _MORE_ENDPOINTS),
        endpoint("/conversations/{id}", backend.get_messages),
        endpoint("/conversation/gen_title/{id}", backend.generate_title, "POST"),
        endpoint("/conversation/{id}", backend.get_conversation),
        endpoint("/conversation/{id}", backend.change_conversation, "PATCH"),
        endpoint("/models", backend.list_models),
        endpoint("/moderations", backend.moderate, "POST"),
    ]
    handlers = {HTTPException: _http_error, Exception: _server_error(site)}
    return Starlette(routes=routes, exception_handlers=handlers)


def _played(site: Site, path: str, play_response: PlayedEndpoint, method: str = "POST") -> Route:
    """Return a route of the backend whose response is sent by `play_response`."""

    async def respond(_request: Request) -> Response:
        return PlayedResponse(lambda writer: play_response(site, writer.record, writer))

    return Route(f"/backend-api{path}", respond, methods=[method])


def _respond(step: Step) -> PlayedResponse:
    return PlayedResponse(lambda writer: play(step, writer))


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _respond(Answer.error(error.status_code, error.detail))


def _server_error(site: Site) -> Callable[[Request, Exception], Any]:
    async def handle(_request: Request, error: Exception) -> Response:
        # The error is stored before the response is sent. So a test that has received the response finds the error in
        # `FakeChatGPT.errors`.
        site.note_error(error)
        return _respond(Answer.error(500, f"FakeChatGPT: {error!r}"))

    return handle


def _pages(site: Site) -> list[Route]:
    """Return the routes of all pages. Without a web application, these are a home page and the pages of shared conversations."""

    async def shared(request: Request) -> Response:
        with site.lock:
            return _respond(shares.page(site, request.path_params["id"]))

    if site.chat_app is None:
        return [Route("/", _home), Route("/share/{id}", shared)]

    chat_app = site.chat_app

    async def page(request: Request) -> Response:
        return _respond(chat_app.page(is_signed_in=site.session.is_signed_in(_record(request))))

    async def project_page(request: Request) -> Response:
        # As on the site, a project's address shows an error page if the address has a query.
        return _respond(Answer.error(404, "Not Found")) if request.url.query else await page(request)

    async def file(request: Request) -> Response:
        return _respond(chat_app.file(request.path_params["name"]))

    return [
        Route("/", page),
        Route("/c/{id}", page),
        Route("/g/{project}/c/{id}", page),
        Route("/g/{project}/project", project_page),
        Route("/app/{name}", file),
        Route("/share/{id}", shared),
    ]


async def _home(_request: Request) -> Response:
    return _respond(Answer(200, read_static("pages/home.html")))


def _record(request: Request) -> RecordedRequest:
    writer: ResponseWriter = request.scope[WRITER_KEY]
    return writer.record
