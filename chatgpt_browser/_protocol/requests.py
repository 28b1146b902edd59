"""Builds the requests to the site: for the session, for a message, and for any other endpoint of the backend."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .._core.models import Prompt, Request

if TYPE_CHECKING:
    from .._core.urls import Site


def session_request(site: Site) -> Request:
    """Build ``GET /api/auth/session``. The browser adds the session cookie."""
    return Request("GET", site.session_url, {"accept": "application/json"})


def message_request(site: Site, prompt: Prompt, *, message_id: str, model: str, access_token: str) -> Request:
    """Build ``POST /backend-api/conversation``, which sends a message. The request has the format of December 2022.

    ``message_id`` is a new UUID that the client has chosen.
    """
    import uuid  # `BrowserManager` has already imported `uuid` while the browser started, so this takes no time.

    body: dict[str, Any] = {
        "action": "next",
        "messages": [
            {"id": message_id, "role": "user", "content": {"content_type": "text", "parts": [prompt.text]}}
        ],
        "model": model,
        "parent_message_id": prompt.parent_message_id or str(uuid.uuid4()),
    }
    if prompt.conversation_id is not None:
        body["conversation_id"] = prompt.conversation_id
    if prompt.options.temporary:
        body["history_and_training_disabled"] = True

    headers = {
        "accept": "text/event-stream",
        "authorization": f"Bearer {access_token}",
        "content-type": "application/json",
        "x-openai-assistant-app-id": "",
    }
    return Request("POST", site.conversation_url, headers, json.dumps(body, ensure_ascii=False), stream=True)


def backend_request(site: Site, method: str, path: str, body: Any, *, access_token: str) -> Request:
    """Build a request to the backend that sends no message, such as a request for a conversation. All bodies are JSON."""
    headers = {"accept": "application/json", "authorization": f"Bearer {access_token}"}
    if body is None:
        return Request(method, f"{site.backend_api_base_url}/{path}", headers)
    headers["content-type"] = "application/json"
    text = json.dumps(body, ensure_ascii=False)
    return Request(method, f"{site.backend_api_base_url}/{path}", headers, text)
