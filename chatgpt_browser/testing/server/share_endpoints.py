"""The endpoints for shared conversations. Each function returns the response to one request."""

from __future__ import annotations

import html
import uuid
from typing import TYPE_CHECKING

from ..script.responses import Answer
from .json_body import json_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..data.recorded_request import RecordedRequest
    from .site import Site

_FIELDS = ("title", "is_public", "is_visible", "is_anonymous", "highlighted_message_id")


def create_share(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `POST /share/create`: share a conversation up to a message.

    If this message is already shared, return the existing share.
    """
    body = json_object(record)
    conversation = site.find_conversation(str(body.get("conversation_id")))
    if conversation is None:
        return Answer.conversation_not_found()
    node = str(body.get("current_node_id"))
    if node not in conversation.messages:
        return Answer.unprocessable([(["body", "current_node_id"], "no such message")])

    existing = next((each for each in site.shares.values() if each["current_node_id"] == node), None)
    if existing is not None:
        return Answer(200, {**existing, "already_exists": True})

    share_id = str(uuid.uuid4())
    site.shares[share_id] = {
        "share_id": share_id,
        "share_url": f"{site.origin}/share/{share_id}",
        "title": conversation.title,
        "conversation_id": conversation.id,
        "current_node_id": node,
        "highlighted_message_id": None,
        "is_public": False,
        "is_visible": True,
        "is_anonymous": bool(body.get("is_anonymous", True)),
        "moderation_state": {"has_been_moderated": False, "has_been_blocked": False},
    }
    return Answer(200, {**site.shares[share_id], "already_exists": False})


def change_share(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `PATCH /share/{id}`: change the title or the visibility, for example make the share public."""
    share = site.shares.get(parameters["id"])
    if share is None:
        return Answer.error(404, "Not Found")

    share |= {name: value for name, value in json_object(record).items() if name in _FIELDS}
    return Answer(200, {**share})


def delete_share(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `DELETE /share/{id}`."""
    if site.shares.pop(parameters["id"], None) is None:
        return Answer.error(404, "Not Found")

    return Answer(200, {"success": True})


def list_shares(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `GET /shared_conversations` with all shared conversations, newest first."""
    items = [{"id": share_id, **share} for share_id, share in site.shares.items()][::-1]
    return Answer(200, {"items": items, "total": len(items), "limit": len(items), "offset": 0})


def page(site: Site, share_id: str) -> Answer:
    """Return the page of a shared conversation, or a 404 if the share does not exist or is not public."""
    share = site.shares.get(share_id)
    if share is None or not (share["is_public"] and share["is_visible"]):
        return Answer.error(404, "Not Found")

    conversation = site.conversations[share["conversation_id"]]
    turns = conversation.history(share["current_node_id"])
    messages = "".join(f"<p><b>{html.escape(role)}:</b> {html.escape(text)}</p>" for role, text in turns)
    title = html.escape(str(share["title"]))
    return Answer(
        200, f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{messages}</body></html>"
    )
