"""The JSON endpoints of the backend, for conversations, titles, models, moderation and message tokens.

Each function returns the response to one request. `parameters` are the parameters of the path and of the query.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from ..script.responses import Answer
from .continued_playback import socket_url
from .json_body import json_object
from .model_list import versions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..data.recorded_request import RecordedRequest
    from .site import Site

_LARGEST_PAGE = 100
_LARGEST_BATCH = 10


def list_conversations(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `GET /conversations` with a page of the list of conversations, newest first."""
    try:
        offset, limit = int(parameters.get("offset", 0)), int(parameters.get("limit", 20))
    except ValueError:
        return Answer.unprocessable([(["query", "offset"], "value is not a valid integer")])

    if offset < 0 or not 0 < limit <= _LARGEST_PAGE:
        problem = f"offset from 0 and limit from 1 to {_LARGEST_PAGE}"
        return Answer.unprocessable([(["query", "limit"], problem)])

    found = [each for each in site.conversations.values() if each.is_visible]
    found.sort(key=lambda each: each.update_time, reverse=True)
    items = [each.to_item() for each in found[offset : offset + limit]]
    return Answer(200, {"items": items, "total": len(found), "limit": limit, "offset": offset})


def get_conversation(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `GET /conversation/{id}` with the conversation.

    If the newest message has pieces of text that were not sent yet (see `Reply.handoff_after`), each request first appends one of
    these pieces to the text of the message.
    """
    conversation = site.find_conversation(parameters["id"])
    if conversation is None:
        return Answer.conversation_not_found()

    conversation.messages[conversation.current_node].say_more()
    conversation.make_later_images()
    has_widget_state = parameters.get("include_widget_state") == "true"
    return Answer(200, conversation.to_detail(has_widget_state=has_widget_state))


def get_messages(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `GET /conversations/{id}` with the messages of the newest turns."""
    conversation = site.find_conversation(parameters["id"])
    if conversation is None:
        return Answer.conversation_not_found()
    try:
        turns = int(parameters.get("num_turns", 10))
    except ValueError:
        return Answer.unprocessable([(["query", "num_turns"], "value is not a valid integer")])

    return Answer(200, conversation.to_messages(turns))


def get_conversations(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `POST /conversations/batch` with the requested conversations (at most 10). Unknown ids are ignored."""
    names = json_object(record).get("conversation_ids")
    if not isinstance(names, list) or not 0 < len(names) <= _LARGEST_BATCH:
        return Answer.unprocessable([(["body", "conversation_ids"], f"1 to {_LARGEST_BATCH} ids expected")])

    found = (site.find_conversation(name) for name in names if isinstance(name, str))
    return Answer(200, [each.to_detail() for each in found if each is not None])


def change_conversation(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `PATCH /conversation/{id}`: rename or delete the conversation."""
    conversation = site.find_conversation(parameters["id"])
    change = json_object(record)
    if conversation is None:
        return Answer.conversation_not_found()
    if not isinstance(change.get("title", ""), str) or not isinstance(change.get("is_visible", True), bool):
        return Answer.unprocessable([(["body", "title"], "str type expected")])
    if not change.keys() & {"title", "is_visible"}:
        return Answer.unprocessable([(["body"], "title or is_visible required")])

    conversation.title = change.get("title", conversation.title)
    conversation.is_visible = change.get("is_visible", True)
    return Answer(200, {"success": True})


def delete_conversations(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `DELETE /conversations`: delete all conversations."""
    for conversation in site.conversations.values():
        conversation.is_visible = False
    return Answer(200, {"success": True})


def change_conversations(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `PATCH /conversations`. The only possible change is `{"is_visible": false}`: delete all conversations."""
    if json_object(record).get("is_visible") is not False:
        return Answer.unprocessable([(["body", "is_visible"], "false expected")])

    return delete_conversations(site, record, parameters)


def generate_title(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `POST /conversation/gen_title/{id}` with the new title: the first five words of the user's first message."""
    conversation = site.find_conversation(parameters["id"])
    if conversation is None:
        return Answer.conversation_not_found()
    if str(json_object(record).get("message_id")) not in conversation.messages:
        return Answer.unprocessable([(["body", "message_id"], "no such message")])

    first = next((text for role, text in conversation.history() if role == "user"), "")
    conversation.title = " ".join(first.split()[:5]) or "New chat"
    return Answer(200, {"title": conversation.title})


def list_models(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `GET /models` with the list of models, and with the presets of the picker if the models have any."""
    models = site.settings.models
    return Answer(200, {"models": models, **({"versions": found} if (found := versions(models)) else {})})


def prepare_message_token(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `POST /sentinel/chat-requirements/prepare`, the first request with which the page of 2026 prepares a message."""
    return Answer(200, {"prepare_token": f"prepare-{uuid.uuid4().hex}"})


def prepare_message(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `POST /f/conversation/prepare`, the request that the page of 2026 sends directly before a message."""
    return Answer(200, {"status": "ok", "conduit_token": f"conduit-{uuid.uuid4().hex}"})


def issue_message_token(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `POST /sentinel/chat-requirements` or to `POST /sentinel/chat-requirements/finalize`.

    If the server has a web application, the response contains a token for one message. Otherwise, the response is a 404.
    """
    return Answer.error(404, "Not Found") if site.chat_app is None else site.chat_app.issue()


def get_socket(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `GET /celsius/ws/user` with the address of the page's WebSocket."""
    return Answer(200, {"websocket_url": socket_url(site, verify=uuid.uuid4().hex)})


def moderate(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `POST /moderations` with a result in which the text is not flagged."""
    return Answer(200, {"flagged": False, "blocked": False, "moderation_id": f"modr-{uuid.uuid4().hex}"})
