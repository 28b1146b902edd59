"""The examples of the reference: each public method has one, and all of them run with one client."""

from __future__ import annotations

import ast
import contextlib
import inspect
import threading
from typing import TYPE_CHECKING, Any

import pytest

import chatgpt_browser
from chatgpt_browser import ChatGPTAPI
from chatgpt_browser.testing import Citation, FakeChatGPT, Reply, SentFile
from scripts.api_examples import CLASSES, EXAMPLES, asynchronous, example_of

if TYPE_CHECKING:
    from pathlib import Path

#: A person signs in before `from_login`; only the asynchronous stream has `aclose`.
NOT_RUN = {"ChatGPTAPI.from_login", "ReplyStream.aclose"}


def public_methods(name: str) -> set[str]:
    """Return the public methods of a class, without its properties."""
    kind = getattr(chatgpt_browser, name)
    return {
        f"{name.removeprefix('Async')}.{member}"
        for member in dir(kind)
        if not member.startswith("_")
        and inspect.isroutine(inspect.getattr_static(kind, member).__get__(None, kind))
    }


@pytest.mark.parametrize("name", sorted(set(CLASSES.values())))
def test_each_public_method_has_an_example(name: str) -> None:
    twin = f"Async{name}"
    methods = public_methods(name) | (public_methods(twin) if hasattr(chatgpt_browser, twin) else set())

    assert methods == {key for key in EXAMPLES if key.startswith(f"{name}.")}


def test_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    reply = Reply(
        "Radium was discovered in 1898.",
        citations=[Citation("Radium", "https://example.org")],
        files=[SentFile.image()],
    )
    with FakeChatGPT(reply=reply) as server, ChatGPTAPI(**server.client_options) as api:
        names: dict[str, Any] = {**vars(chatgpt_browser), "api": api, "threading": threading}
        names |= {name: getattr(chatgpt_browser, name) for name in chatgpt_browser.__all__}
        urls = {key: value for key, value in server.client_options.items() if key != "session_token"}
        names["ChatGPTAPI"] = lambda token: ChatGPTAPI(token, **urls)
        names["token"] = server.session_token
        monkeypatch.setattr(threading, "Timer", lambda *_: contextlib.nullcontext(), raising=True)
        for key, code in EXAMPLES.items():
            if key not in NOT_RUN:
                exec(compile(code.replace(', ["too slow"]).start()', ", [])"), key, "exec"), names)


@pytest.mark.parametrize("key", EXAMPLES)
def test_asynchronous_example_awaits_each_coroutine(key: str) -> None:
    tree = ast.parse(
        "async def main():\n" + "".join(f"    {line}\n" for line in asynchronous(EXAMPLES[key]).splitlines())
    )
    awaited = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Await)}
    kind, _, name = key.partition(".")
    twin = getattr(chatgpt_browser, f"Async{kind}", None)
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
    ]

    if twin is not None and inspect.iscoroutinefunction(getattr(twin, name, None)):
        assert all(id(call) in awaited for call in calls if ast.unparse(call.func) != "controller.abort")
        assert calls or name == "aclose"


def test_example_of_mixin_belongs_to_the_client() -> None:
    assert example_of("AsyncAccountDataMixin", "get_history") == asynchronous(
        EXAMPLES["ChatGPTAPI.get_history"]
    )
    assert example_of("Session", "no_method") is None
