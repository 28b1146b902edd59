"""The sync classes have the names and signatures of the async classes."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import chatgpt_browser

CLASS_PAIRS = [
    ("ChatGPTAPI", "AsyncChatGPTAPI"),
    ("ChatGPTConversation", "AsyncChatGPTConversation"),
    ("ReplyStream", "AsyncReplyStream"),
    ("Job", "AsyncJob"),
]
#: Methods with another name in the sync class: protocol methods, and the close method of a stream.
SYNC_NAMES = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "aclose": "close",
}


def public_names(kind: type) -> set[str]:
    own = {name for base in kind.__mro__[:-1] for name in vars(base)}
    dunders = {name for name in own if SYNC_NAMES.get(name, name) in SYNC_NAMES.values()}
    return {
        SYNC_NAMES.get(name, name) for name in {name for name in own if not name.startswith("_")} | dunders
    }


@pytest.mark.parametrize(("sync_name", "async_name"), CLASS_PAIRS)
def test_sync_and_async_class_have_same_names(sync_name: str, async_name: str) -> None:
    one, other = getattr(chatgpt_browser, sync_name), getattr(chatgpt_browser, async_name)
    # The sync conversation has properties for them, the async one has instance attributes.
    attributes = {"api", "conversation_id", "parent_message_id"} if "Conversation" in sync_name else set()

    assert public_names(one) | attributes == public_names(other) | attributes
    assert len(public_names(one)) >= 4


def signature(kind: Any, name: str) -> str:
    """Return a method's parameters as text: names, order, kinds, annotations and defaults."""
    method = inspect.getattr_static(kind, name)
    method = getattr(method, "fget", getattr(method, "__func__", method))
    parameters = [
        p for p in inspect.signature(method).parameters.values() if p.name not in ("self", "cls", "api")
    ]
    returns = inspect.signature(method).return_annotation
    # For example, Iterator in the sync client is AsyncIterator in the async one.
    return f"({', '.join(map(str, parameters))}) -> {returns}".replace("Async", "")


@pytest.mark.parametrize(("sync_name", "async_name"), CLASS_PAIRS)
def test_sync_and_async_class_have_same_signatures(sync_name: str, async_name: str) -> None:
    one, other = getattr(chatgpt_browser, sync_name), getattr(chatgpt_browser, async_name)
    back = {synchronous: asynchronous for asynchronous, synchronous in SYNC_NAMES.items()}
    compared = 0
    for name in public_names(one) & {SYNC_NAMES.get(n, n) for n in dir(other)}:
        twin = name if hasattr(other, name) else back[name]
        assert signature(one, name) == signature(other, twin), name
        compared += 1

    assert compared >= 2


@pytest.mark.parametrize(("sync_name", "async_name"), CLASS_PAIRS[:2])
def test_sync_and_async_constructor_have_same_signature(sync_name: str, async_name: str) -> None:
    one, other = getattr(chatgpt_browser, sync_name), getattr(chatgpt_browser, async_name)

    assert signature(one, "__init__") == signature(other, "__init__")
    assert len(inspect.signature(one.__init__).parameters) >= 4


def test_sync_class_has_no_coroutine_methods() -> None:
    for sync_name, async_name in CLASS_PAIRS:
        one, other = getattr(chatgpt_browser, sync_name), getattr(chatgpt_browser, async_name)
        for name in public_names(one):
            assert not inspect.iscoroutinefunction(inspect.getattr_static(one, name, None)), name
        coroutines = [n for n in dir(other) if inspect.iscoroutinefunction(inspect.getattr_static(other, n))]
        assert coroutines
