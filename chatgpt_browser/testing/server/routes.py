"""The site's paths."""

from __future__ import annotations

import uuid
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from ..script.responses import Answer
from .message_endpoint import answer_message
from .playback import play
from .session_endpoint import answer_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from ..data.conversations import Conversation
    from ..data.recorded_request import RecordedRequest
    from .response_writer import Wire
    from .site import Site

#: The key under which `Front` hands the response's `Wire` down.
WIRE_KEY = "chatgpt_browser.wire"
_LARGEST_PAGE = 100


class Played(Response):
    """A response that writes to the wire itself."""

    def __init__(self, playing: Callable[[Wire], Any]) -> None:
        super().__init__()
        self._playing = playing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await self._playing(scope[WIRE_KEY])


def build_app(site: Site) -> Starlette:
    """The application, without what `Front` does for every request."""
    backend = _Backend(site)
    routes = [
        *_pages(site),
        Route("/api/auth/session", _session(site)),
        Route("/backend-api/conversation", _message(site), methods=["POST"]),
        Route("/backend-api/f/conversation", _message(site), methods=["POST"]),
        Route("/backend-api/sentinel/chat-requirements", backend(_requirements), methods=["POST"]),
        Route("/backend-api/conversations", backend(_conversations)),
        Route("/backend-api/conversation/gen_title/{id}", backend(_generate_title), methods=["POST"]),
        Route("/backend-api/conversation/{id}", backend(_conversation)),
        Route("/backend-api/conversation/{id}", backend(_change_conversation), methods=["PATCH"]),
        Route("/backend-api/models", backend(_models)),
        Route("/backend-api/moderations", backend(_moderate), methods=["POST"]),
    ]
    handlers = {HTTPException: _http_error, Exception: _server_error(site)}
    return Starlette(routes=routes, exception_handlers=handlers)


def _played(answer: Answer) -> Played:
    return Played(lambda wire: play(answer, wire))


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _played(Answer.error(error.status_code, error.detail))


def _server_error(site: Site) -> Callable[[Request, Exception], Any]:
    async def handle(_request: Request, error: Exception) -> Response:
        # Before the answer, so that a client which has that finds the error noted.
        site.note_error(error)
        return _played(Answer.error(500, f"FakeChatGPT: {error!r}"))

    return handle


def _pages(site: Site) -> list[Route]:
    """What a person may open."""
    if site.application is None:
        return [Route("/", _home)]

    application = site.application

    async def page(request: Request) -> Response:
        return _played(application.page(site, _record(request)))

    async def file(request: Request) -> Response:
        return _played(application.file(request.path_params["name"]))

    return [Route("/", page), Route("/c/{id}", page), Route("/app/{name}", file)]


async def _home(_request: Request) -> Response:
    page = (files(__package__) / "pages" / "home.html").read_text(encoding="utf-8")
    return _played(Answer(200, page))


def _session(site: Site) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        record = _record(request)
        step = answer_session(site, record, site.session_answer)
        return Played(lambda wire: play(step, wire))

    return endpoint


def _message(site: Site) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        return Played(lambda wire: answer_message(site, _record(request), wire))

    return endpoint


def _record(request: Request) -> RecordedRequest:
    wire: Wire = request.scope[WIRE_KEY]
    return wire.record


class _Backend:
    """Makes endpoints of functions that give an `Answer` to an authorized request."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def __call__(self, answer: Callable[[Site, Request], Answer]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            with self._site.lock:
                refusal = self._site.refuse(_record(request))
                return _played(refusal or answer(self._site, request))

        return endpoint


def _conversations(site: Site, request: Request) -> Answer:
    try:
        offset, limit = (
            int(request.query_params.get(name, least)) for name, least in (("offset", 0), ("limit", 20))
        )
    except ValueError:
        return Answer.unprocessable([(["query", "offset"], "value is not a valid integer")])

    if offset < 0 or not 0 < limit <= _LARGEST_PAGE:
        return Answer.unprocessable(
            [(["query", "limit"], f"offset from 0 and limit from 1 to {_LARGEST_PAGE}")]
        )

    found = sorted((each for each in site.conversations.values() if each.is_visible), key=_newest_first)
    items = [each.to_item() for each in found[offset : offset + limit]]
    return Answer(200, {"items": items, "total": len(found), "limit": limit, "offset": offset})


def _newest_first(conversation: Conversation) -> float:
    return -conversation.update_time


def _conversation(site: Site, request: Request) -> Answer:
    conversation = site.find_conversation(request.path_params["id"])
    if conversation is None:
        return Answer.conversation_not_found()

    conversation.messages[conversation.current_node].say_more()
    return Answer(200, conversation.to_detail())


def _change_conversation(site: Site, request: Request) -> Answer:
    conversation = site.find_conversation(request.path_params["id"])
    change = _json(request)
    if conversation is None:
        return Answer.conversation_not_found()
    if not isinstance(change.get("title", ""), str) or not isinstance(change.get("is_visible", True), bool):
        return Answer.unprocessable([(["body", "title"], "str type expected")])
    if not change.keys() & {"title", "is_visible"}:
        return Answer.unprocessable([(["body"], "title or is_visible required")])

    conversation.title = change.get("title", conversation.title)
    conversation.is_visible = change.get("is_visible", True)
    return Answer(200, {"success": True})


def _generate_title(site: Site, request: Request) -> Answer:
    conversation = site.find_conversation(request.path_params["id"])
    if conversation is None:
        return Answer.conversation_not_found()
    if _json(request).get("message_id") not in conversation.messages:
        return Answer.unprocessable([(["body", "message_id"], "no such message")])

    first = next((text for role, text in conversation.history() if role == "user"), "")
    conversation.title = " ".join(first.split()[:5]) or "New chat"
    return Answer(200, {"title": conversation.title})


def _models(site: Site, _request: Request) -> Answer:
    return Answer(200, {"models": site.settings.models})


def _requirements(site: Site, _request: Request) -> Answer:
    return Answer.error(404, "Not Found") if site.application is None else site.application.issue()


def _moderate(_site: Site, _request: Request) -> Answer:
    return Answer(200, {"flagged": False, "blocked": False, "moderation_id": f"modr-{uuid.uuid4().hex}"})


def _json(request: Request) -> dict[str, Any]:
    try:
        body = _record(request).json
    except ValueError:
        return {}

    return body if isinstance(body, dict) else {}
