"""The document that this project implements, row by row: the reference page of `ChatGPTAPI`, npm package `chatgpt` 2.0."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from chatgpt_browser import (
    SEED_USER_AGENT,
    AsyncChatGPTAPI,
    AsyncChatGPTConversation,
    AsyncReplyStream,
    ChatGPTAPI,
    ChatGPTConversation,
    ReplyStream,
)

FACES = [ChatGPTAPI, AsyncChatGPTAPI]

#: The document's options by their names here, with the document's defaults. `opts.sessionToken` is required.
OPTIONS = {
    "access_token_ttl": 60_000,
    "api_base_url": "https://chat.openai.com/api",
    "backend_api_base_url": "https://chat.openai.com/backend-api",
    "markdown": True,
}

#: The document's methods by their names here, with their options.
METHODS = {
    "ensure_auth": [],
    "get_conversation": ["conversation_id", "parent_message_id"],
    "get_is_authenticated": [],
    "refresh_access_token": [],
    "send_message": [
        "message",
        "conversation_id",
        "parent_message_id",
        "timeout_ms",
        "on_progress",
        "on_conversation_response",
        "abort_signal",
    ],
}

#: What API.md puts beyond the document.
FURTHER_OPTIONS = {
    "user_agent": None,
    "model": "text-davinci-002-render",
    "retries": 2,
    "first_byte_timeout": 60_000,
    "idle_timeout": 120_000,
    "max_concurrent_messages": 1,
    "headless": True,
    "executable_path": None,
    "channel": None,
    "browser_args": (),
    "proxy": None,
    "user_data_dir": None,
    "browser_url": None,
    "ignore_https_errors": False,
    "launch_timeout": 60_000,
    "challenge_timeout": 60_000,
    "send_via": "fetch",
}


@pytest.mark.parametrize("face", FACES)
def test_every_option_and_default(face: Any) -> None:
    parameters = dict(inspect.signature(face).parameters)
    token = parameters.pop("session_token")

    assert token.default is inspect.Parameter.empty
    assert {name: parameter.default for name, parameter in parameters.items()} == OPTIONS | FURTHER_OPTIONS
    assert {parameter.kind for parameter in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}


def test_the_documents_user_agent_is_there_for_whoever_wants_it() -> None:
    assert SEED_USER_AGENT == (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/107.0.0.0 Safari/537.36"
    )


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("name", METHODS)
def test_every_method(face: Any, name: str) -> None:
    _, *parameters = inspect.signature(getattr(face, name)).parameters.values()

    assert [parameter.name for parameter in parameters] == METHODS[name]
    for parameter in parameters:
        if parameter.name != "message":
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
            assert parameter.default is None


CLIENTS = [(ChatGPTAPI, AsyncChatGPTAPI), (ChatGPTConversation, AsyncChatGPTConversation)]
STREAMS = [(ReplyStream, AsyncReplyStream)]


def public(kind: type) -> dict[str, Any]:
    """What a class offers: its public names, and how each is called."""
    members = {name: member for name, member in inspect.getmembers(kind) if not name.startswith("_")}
    return {
        name: [(p.name, p.kind, p.default) for p in inspect.signature(member).parameters.values()]
        if inspect.isfunction(member)
        else "property"
        for name, member in members.items()
    }


@pytest.mark.parametrize(
    ("sync", "core"),
    [
        (ChatGPTAPI, AsyncChatGPTAPI),
        (ChatGPTConversation, AsyncChatGPTConversation),
        (ReplyStream, AsyncReplyStream),
    ],
)
def test_both_faces_are_twins(sync: type, core: type) -> None:
    one, other = public(sync), public(core)
    other.pop("aclose", None)  # what contextlib.aclosing() calls has no use in the synchronous face
    attributes = {name for name in one if name not in other and one[name] == "property"}

    assert attributes <= (
        {"conversation_id", "parent_message_id"} if core is AsyncChatGPTConversation else set()
    )
    assert {name: how for name, how in one.items() if name not in attributes} == other


@pytest.mark.parametrize(("sync", "core"), CLIENTS)
def test_both_faces_are_made_alike(sync: Any, core: Any) -> None:
    one, other = inspect.signature(sync).parameters, inspect.signature(core).parameters

    assert [(p.name, p.kind, p.default) for p in one.values()] == [
        (p.name, p.kind, p.default) for p in other.values()
    ]
    assert all(inspect.iscoroutinefunction(getattr(core, name)) for name in ("send_message",))
    assert not inspect.iscoroutinefunction(core.stream_message)
