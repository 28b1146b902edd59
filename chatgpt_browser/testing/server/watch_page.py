"""The page that shows a server while a test runs: its address, its files, and the stream of what it shows."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..script.pace import Schedule
from ..script.responses import Answer
from .playback import play

if TYPE_CHECKING:
    from ..data.conversations import Conversation
    from ..data.recorded_request import RecordedRequest
    from ..faults.injection import Injection
    from .response_writer import Wire
    from .site import Site

#: The page's own address, and the beginning of its other ones. What goes on here is not recorded, and meets no fault.
WATCH_PATH = "/__watch"

_FILES = {
    "": ("watch.html", "text/html"),
    "/watch.css": ("watch.css", "text/css"),
    "/watch.js": ("watch.js", "text/javascript"),
}
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'"
_HEADERS = [
    ("content-security-policy", _POLICY),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
]
_STREAM = [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-store")]
#: No eye sees more than so many pictures a second, and a fast reply has thousands of events.
_PER_SECOND = 20
#: As much as one screen can make use of; a test may run for hours.
_REQUESTS, _CONVERSATIONS, _MESSAGES, _CHARACTERS = 300, 50, 60, 8000


async def serve_watching(site: Site, wire: Wire) -> None:
    """Answer a request for the page or what belongs to it; for nobody who comes by another name than the server's own."""
    record = wire.record
    name = record.path.removeprefix(WATCH_PATH)
    if record.method != "GET" or not _is_local(site, record):
        await play(Answer.error(404, "Not Found"), wire)
    elif name == "/events":
        await _stream(site, wire)
    elif name in _FILES:
        file, kind = _FILES[name]
        text = (files(__package__) / "pages" / file).read_text(encoding="utf-8")
        await play(Answer(200, text, _HEADERS, f"{kind}; charset=utf-8"), wire)
    else:
        await play(Answer.error(404, "Not Found"), wire)


def _is_local(site: Site, record: RecordedRequest) -> bool:
    """Whether it is asked for as this server: a stranger's page may have let its name stand for this address."""
    host = record.headers.get("host", "")
    return host == urlsplit(site.origin).netloc or urlsplit(f"//{host}").hostname in (
        "127.0.0.1",
        "localhost",
        "::1",
    )


async def _stream(site: Site, wire: Wire) -> None:
    """Everything first, then whatever changes, as server-sent events."""
    shown: dict[str, str] = {}
    with site.changes.watched() as watcher:
        await wire.head(200, _STREAM)
        while True:
            schedule = Schedule()
            news = _news(site, shown)
            if news:
                await wire.chunk(b"data: [" + ",".join(news).encode() + b"]\n\n")

            await watcher.next_change()
            await schedule.wait_until(1 / _PER_SECOND)


def _news(site: Site, shown: dict[str, str]) -> list[str]:
    """What is not as it was shown last, as JSON; `shown` is brought up to date."""
    with site.lock:
        now = {f"{item['kind']} {item['id']}": json.dumps(item) for item in _items(site)}

    news = [text for key, text in now.items() if shown.get(key) != text]
    shown.update(now)
    return news


def _items(site: Site) -> list[dict[str, Any]]:
    requests = site.requests.all()
    first = max(0, len(requests) - _REQUESTS)
    conversations = [*site.conversations.values()][-_CONVERSATIONS:]
    return [
        _server(site, len(requests)),
        *(_request(site, number, record) for number, record in enumerate(requests[first:], first + 1)),
        *(_conversation(conversation) for conversation in conversations),
        *(_injection(number, injection) for number, injection in enumerate(site.injections.all(), 1)),
    ]


def _server(site: Site, requests: int) -> dict[str, Any]:
    return {
        "kind": "server",
        "id": site.id,
        "origin": site.origin,
        "requests": requests,
        "answering": site.active_messages,
        "errors": len(site.errors),
    }


def _request(site: Site, number: int, record: RecordedRequest) -> dict[str, Any]:
    ended = record.finished_at
    return {
        "kind": "request",
        "id": number,
        "method": record.method,
        "path": record.path,
        "status": record.status,
        "events": record.events_sent,
        "state": _state(record),
        "fault": record.fault,
        "conversation": record.conversation_id,
        "at": round(record.received_at - site.started_at, 3),
        "ms": None if ended is None else round((ended - record.received_at) * 1000, 1),
    }


def _state(record: RecordedRequest) -> str:
    if record.dropped:
        return "broken"
    if record.disconnected.is_set():
        return "left"

    return "ended" if record.finished.is_set() else "answering"


def _conversation(conversation: Conversation) -> dict[str, Any]:
    chain = conversation.chain()
    return {
        "kind": "conversation",
        "id": conversation.id,
        "title": conversation.title,
        "deleted": not conversation.is_visible,
        "earlier": max(0, len(chain) - _MESSAGES),
        "messages": [
            {
                "id": each.id,
                "role": each.role,
                "text": each.text[-_CHARACTERS:],
                "cut": len(each.text) > _CHARACTERS,
            }
            for each in chain[-_MESSAGES:]
        ],
    }


def _injection(number: int, injection: Injection) -> dict[str, Any]:
    return {
        "kind": "fault",
        "id": number,
        "name": injection.fault.name,
        "description": injection.fault.description,
        "left": injection.left,
        "struck": len(injection.struck),
    }
