"""The watch page (`/__watch`). While a test runs, it shows the conversations, requests and faults of the server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..script.responses import Answer
from .copied_test import source_of_test
from .schedule import Schedule
from .static_files import read_static
from .step_playback import play

if TYPE_CHECKING:
    from ..data.conversations import Conversation
    from ..data.recorded_request import RecordedRequest
    from ..faults.injection import Injection
    from .request_log import RequestLog
    from .response_writer import ResponseWriter
    from .site import Site

#: The path of the page, which is also the prefix of the paths of its files and its event stream. Requests for these paths are
#: not recorded, and no fault applies to them.
WATCH_PATH = "/__watch"

# The prefix of the paths at which the page gets the source of a test (see `source_of_test`). The ID of the conversation follows.
_TEST_PATH = "/test/"
_FILES = {
    "": ("pages/watch.html", "text/html"),
    "/watch.css": ("pages/watch.css", "text/css"),
    "/watch.js": ("pages/watch.js", "text/javascript"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = [
    ("content-security-policy", _POLICY),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
]
_STREAM = [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-store")]
# The maximum number of updates of the page per second. A fast reply has thousands of events, too many for a person to see each.
_UPDATES_PER_SECOND = 20
# The maximum numbers of requests, conversations, messages per conversation and characters per message on the page. If there are
# more, only the newest are shown; a long message is shown without its beginning. Without these limits, the page would become too
# large in a test that runs for hours.
_REQUESTS, _CONVERSATIONS, _MESSAGES, _CHARACTERS = 300, 50, 60, 8000


async def serve_watch_page(site: Site, writer: ResponseWriter) -> None:
    """Respond to a request for the watch page, its files or its event stream. For all other paths, respond with 404."""
    record = writer.record
    name = record.path.removeprefix(WATCH_PATH)
    if record.method != "GET":
        await play(Answer.error(404, "Not Found"), writer)
    elif name.startswith(_TEST_PATH):
        await play(_test(site, name.removeprefix(_TEST_PATH)), writer)
    elif name == "/events":
        await _stream(site, writer)
    elif name in _FILES:
        file, kind = _FILES[name]
        await play(Answer(200, read_static(file), _HEADERS, f"{kind}; charset=utf-8"), writer)
    else:
        await play(Answer.error(404, "Not Found"), writer)


def _test(site: Site, conversation_id: str) -> Answer:
    """Return the source of a test that repeats a conversation."""
    with site.lock:
        conversation = site.conversations.get(conversation_id)
        chain = [] if conversation is None else conversation.chain()
        source = source_of_test(chain)
    if not chain:
        return Answer.error(404, "Not Found")
    return Answer(200, source, _HEADERS, "text/plain; charset=utf-8")


async def _stream(site: Site, writer: ResponseWriter) -> None:
    """Send a server-sent event with all items of the page (see `_items`). After each change, send one with the changed items."""
    sent: dict[str, str] = {}
    with site.changes.watched() as change:
        await writer.head(200, _STREAM)
        while True:
            schedule = Schedule()
            changed = _changed_items(site, sent)
            if changed:
                await writer.chunk(b"data: [" + ",".join(changed).encode() + b"]\n\n")

            await change.wait()
            change.clear()
            await schedule.wait_until(1 / _UPDATES_PER_SECOND)


def _changed_items(site: Site, sent: dict[str, str]) -> list[str]:
    """Return the new and the changed items as JSON texts, and store them in `sent`.

    :param sent: the items that the page has already received. The dict maps an item's kind and ID to the item's JSON text.
    """
    with site.lock:
        now = {f"{item['kind']} {item['id']}": json.dumps(item) for item in _items(site)}

    changed = [text for key, text in now.items() if sent.get(key) != text]
    sent.update(now)
    return changed


def _items(site: Site) -> list[dict[str, Any]]:
    """Return the items that the page shows, as JSON objects. They contain no secrets.

    `kind` and `id` together identify an item.
    """
    requests = site.requests.all()
    first = max(0, len(requests) - _REQUESTS)
    conversations = [*site.conversations.values()][-_CONVERSATIONS:]
    return [
        _server(site, len(requests)),
        *(
            _request(number, record, site.requests)
            for number, record in enumerate(requests[first:], first + 1)
        ),
        *(_conversation(conversation) for conversation in conversations),
        *(_injection(number, injection) for number, injection in enumerate(site.injections.all, 1)),
    ]


def _server(site: Site, requests: int) -> dict[str, Any]:
    return {
        "kind": "server",
        "id": site.changes.source_id,
        "origin": site.origin,
        "requests": requests,
        "answering": site.message_counter.active,
        "errors": len(site.errors),
    }


def _request(number: int, record: RecordedRequest, log: RequestLog) -> dict[str, Any]:
    finished_at, seconds = record.finished_at, record.received_at - log.started_at
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
        "rule": record.rule,
        "at": round(seconds, 3),
        "clock": round((log.started_on + seconds) * 1000),
        "ms": None if finished_at is None else round((finished_at - record.received_at) * 1000, 1),
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
                "id": message.id,
                "role": message.role,
                "text": message.text[-_CHARACTERS:],
                "cut": len(message.text) > _CHARACTERS,
            }
            for message in chain[-_MESSAGES:]
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
        "last": _last_struck(injection),
    }


def _last_struck(injection: Injection) -> str | None:
    """Return the last request to which the fault was applied, for example `POST /backend-api/conversation`."""
    return f"{injection.struck[-1].method} {injection.struck[-1].path}" if injection.struck else None
