"""Tests of building the requests to the site."""

from __future__ import annotations

import json

from chatgpt_browser._core.models import Prompt
from chatgpt_browser._core.urls import Site
from chatgpt_browser._protocol.requests import backend_request, message_request, session_request

SITE = Site("https://chat.openai.com/api", "https://chat.openai.com/backend-api")


def test_message_request_new_conversation() -> None:
    request = message_request(SITE, Prompt("Grüße"), message_id="m1", model="a-model", access_token="token")
    body = json.loads(request.body or "")

    assert (request.method, request.url) == ("POST", "https://chat.openai.com/backend-api/conversation")
    assert request.stream
    assert request.headers == {
        "accept": "text/event-stream",
        "authorization": "Bearer token",
        "content-type": "application/json",
        "x-openai-assistant-app-id": "",
    }
    assert set(body) == {"action", "messages", "model", "parent_message_id"}
    assert (body["action"], body["model"]) == ("next", "a-model")
    (message,) = body["messages"]
    assert message["content"] == {"content_type": "text", "parts": ["Grüße"]}
    assert message["role"] == "user"
    assert len({message["id"], body["parent_message_id"]}) == 2


def test_message_request_in_conversation_contains_ids() -> None:
    request = message_request(
        SITE, Prompt("x", "conversation", "parent"), message_id="m1", model="m", access_token="t"
    )
    body = json.loads(request.body or "")

    assert (body["conversation_id"], body["parent_message_id"]) == ("conversation", "parent")


def test_message_request_repr_hides_secrets() -> None:
    request = message_request(SITE, Prompt("a secret"), message_id="m1", model="m", access_token="t0ken")

    assert "t0ken" not in repr(request)
    assert "a secret" not in repr(request)


def test_session_and_backend_requests() -> None:
    assert session_request(SITE).url == "https://chat.openai.com/api/auth/session"
    assert backend_request(SITE, "GET", "models", None, access_token="t").body is None
    assert (
        backend_request(SITE, "PATCH", "x", {"title": 'a "b"'}, access_token="t").body
        == '{"title": "a \\"b\\""}'
    )
