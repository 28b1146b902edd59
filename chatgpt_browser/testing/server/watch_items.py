"""The items of the watch page: JSON objects for the server, its requests, conversations and faults. No secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..data.conversations import Conversation
    from ..data.recorded_request import RecordedRequest
    from ..faults.injection import Injection
    from .site import Site

# The newest items that the page shows: a test may run for hours.
_REQUESTS, _CONVERSATIONS, _MESSAGES, _CHARACTERS = 300, 50, 60, 8000


def watch_items(site: Site) -> list[dict[str, Any]]:
    """Return all items that the page shows; each has a unique pair of `kind` and `id`."""
    requests, started_at = site.requests.all(), site.requests.started_at
    first = max(0, len(requests) - _REQUESTS)
    conversations = [*site.conversations.values()][-_CONVERSATIONS:]
    return [
        _server(site, len(requests)),
        *(_request(number, record, started_at) for number, record in enumerate(requests[first:], first + 1)),
        *(_conversation(conversation) for conversation in conversations),
        *(_injection(number, injection) for number, injection in enumerate(site.injections.all(), 1)),
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


def _request(number: int, record: RecordedRequest, started_at: float) -> dict[str, Any]:
    finished_at = record.finished_at
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
        "at": round(record.received_at - started_at, 3),
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
    }
