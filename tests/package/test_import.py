"""Importing costs next to nothing, and gives what it promises."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import chatgpt_browser

#: The names of API.md.
INTERFACE = """
    ChatGPTAPI AsyncChatGPTAPI ChatGPTConversation AsyncChatGPTConversation AbortController SEED_USER_AGENT ChatGPTError
    InvalidSessionTokenError AuthenticationError SessionExpiredError ChallengeError APIStatusError ConversationNotFoundError
    MessageTooLongError RateLimitError StreamError StreamInterruptedError MalformedEventError ChatGPTTimeoutError AbortError
    BrowserError BrowserNotFoundError BrowserLaunchError BrowserCrashedError OriginError ClientClosedError
""".split()

HEAVY = ("playwright", "typer", "rich", "starlette", "hypercorn", "pytest", "markdown_it")


def in_a_fresh_interpreter(statement: str) -> tuple[float, set[str]]:
    """How long a statement takes, in seconds, and the modules that are there then."""
    program = (
        "import json, sys, time; start = time.perf_counter()\n"
        f"{statement}\n"
        "print(json.dumps([time.perf_counter() - start, list(sys.modules)]))"
    )
    # Bytecode may be kept: it is for every user of an installed package.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    run = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, check=True, text=True
    )
    seconds, modules = json.loads(run.stdout)
    return seconds, set(modules)


@pytest.mark.parametrize("statement", ["import chatgpt_browser", "from chatgpt_browser import *"])
def test_import_loads_no_heavy_module(statement: str) -> None:
    _, modules = in_a_fresh_interpreter(statement)

    assert "chatgpt_browser" in modules
    assert modules.isdisjoint(HEAVY)


def test_import_costs_less_than_three_interpreter_starts() -> None:
    assert min(in_a_fresh_interpreter("import chatgpt_browser")[0] for _ in range(5)) < 0.080


def test_package_all_contains_interface() -> None:
    assert set(INTERFACE) <= set(chatgpt_browser.__all__)
    assert all(getattr(chatgpt_browser, name) is not None for name in chatgpt_browser.__all__)
    assert sorted(chatgpt_browser.__all__) == dir(chatgpt_browser)


def test_package_lazy_exports_match_all() -> None:
    loaded = {name for names in chatgpt_browser._LAZY_EXPORTS.values() for name in names}

    assert loaded == set(chatgpt_browser.__all__) - {"__version__"}
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = chatgpt_browser.Nothing


def test_public_type_module_is_package() -> None:
    assert chatgpt_browser.ChatGPTAPI.__module__ == "chatgpt_browser"
    assert chatgpt_browser.RateLimitError.__module__ == "chatgpt_browser"
