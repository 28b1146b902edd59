"""The npm API that this project implements: each row of the reference page of `ChatGPTAPI`, npm package `chatgpt` 2.0."""

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

CLIENT_CLASSES = [ChatGPTAPI, AsyncChatGPTAPI]

#: The npm options by their Python names, with the npm defaults. `opts.sessionToken` is required.
OPTIONS = {
    "access_token_ttl": 60_000,
    "api_base_url": "https://chat.openai.com/api",
    "backend_api_base_url": "https://chat.openai.com/backend-api",
    "markdown": True,
}

#: The npm methods by their Python names, with their options.
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

#: Options that the npm API does not have.
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
    "send_via": "auto",
    "browser_context": "own",
    "recover": True,
    "job_store": None,
    "min_interval": 0,
    "messages_per_hour": None,
}


@pytest.mark.parametrize("client_class", CLIENT_CLASSES)
def test_client_constructor_has_every_npm_option_and_default(client_class: Any) -> None:
    parameters = dict(inspect.signature(client_class).parameters)
    token = parameters.pop("session_token")

    assert token.default is inspect.Parameter.empty
    assert {name: parameter.default for name, parameter in parameters.items()} == OPTIONS | FURTHER_OPTIONS
    assert {parameter.kind for parameter in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}


def test_seed_user_agent_equals_npm_default() -> None:
    assert SEED_USER_AGENT == (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/107.0.0.0 Safari/537.36"
    )


@pytest.mark.parametrize("client_class", CLIENT_CLASSES)
@pytest.mark.parametrize("name", METHODS)
def test_client_method_has_npm_parameters(client_class: Any, name: str) -> None:
    _, *parameters = inspect.signature(getattr(client_class, name)).parameters.values()
    # Message options that the npm API does not have.
    parameters = [
        parameter for parameter in parameters if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]

    assert [parameter.name for parameter in parameters] == METHODS[name]
    for parameter in parameters:
        if parameter.name != "message":
            assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
            assert parameter.default is None


CLIENTS = [(ChatGPTAPI, AsyncChatGPTAPI), (ChatGPTConversation, AsyncChatGPTConversation)]
STREAMS = [(ReplyStream, AsyncReplyStream)]


def public_members(kind: type) -> dict[str, Any]:
    """Return the public names of a class, each with its parameters or the word "property"."""
    members = {name: member for name, member in inspect.getmembers(kind) if not name.startswith("_")}
    return {
        name: [(p.name, p.kind, p.default) for p in inspect.signature(member).parameters.values()]
        if inspect.isfunction(member)
        else "property"
        for name, member in members.items()
    }


@pytest.mark.parametrize(
    ("sync", "asynchronous"),
    [
        (ChatGPTAPI, AsyncChatGPTAPI),
        (ChatGPTConversation, AsyncChatGPTConversation),
        (ReplyStream, AsyncReplyStream),
    ],
)
def test_sync_and_async_class_have_same_public_members(sync: type, asynchronous: type) -> None:
    sync_members, async_members = public_members(sync), public_members(asynchronous)
    async_members.pop("aclose", None)  # for contextlib.aclosing(), which the sync client does not need
    attributes = {
        name for name in sync_members if name not in async_members and sync_members[name] == "property"
    }

    assert attributes <= (
        {"conversation_id", "parent_message_id"} if asynchronous is AsyncChatGPTConversation else set()
    )
    assert {name: how for name, how in sync_members.items() if name not in attributes} == async_members


@pytest.mark.parametrize(("sync", "asynchronous"), CLIENTS)
def test_sync_and_async_constructor_have_same_parameters(sync: Any, asynchronous: Any) -> None:
    sync_members, async_members = (
        inspect.signature(sync).parameters,
        inspect.signature(asynchronous).parameters,
    )

    assert [(p.name, p.kind, p.default) for p in sync_members.values()] == [
        (p.name, p.kind, p.default) for p in async_members.values()
    ]
    assert all(inspect.iscoroutinefunction(getattr(asynchronous, name)) for name in ("send_message",))
    assert not inspect.iscoroutinefunction(asynchronous.stream_message)
