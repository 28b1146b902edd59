"""The outcome of a message for every fault, as listed in docs/how-to/test-your-program.md."""

from __future__ import annotations

import functools
import re
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import ChatGPTAPI, ChatGPTError
from chatgpt_browser.testing import FAULTS, FakeChatGPT, Reply
from tests.support.scripted_site import base_urls, posts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "test-your-program.md"
ROW = re.compile(r"^\| `([a-z-]+)` \| (.*?) \| (.*?) \| (.*?) \|$", re.MULTILINE)
TABLE = {
    name: (description, once, every_time)
    for name, description, once, every_time in ROW.findall(GUIDE.read_text("utf-8"))
}
REPLY = "A reply of — so to say — six pieces"

#: The only fault that requires one of the site's host names.
OTHER_NAME = "redirect-other-name"


#: The errors that the client raises after a timeout. All other outcomes may take longer than a short timeout on a busy machine.
WAITS = {"`ChatGPTTimeoutError`", "`ChallengeError`"}
#: The faults after which the client reads the answer elsewhere.
READ_ON = ("broken-body-continued", "websocket-answer")


@contextmanager
def create_pair(timeout: int) -> Iterator[tuple[FakeChatGPT, ChatGPTAPI]]:
    """Yield a server, and a client that requests its session for every message.

    :param timeout: the client's timeout in milliseconds for the first byte and for an idle response. A challenge may take twice
        as long.
    """
    timeouts = {
        "first_byte_timeout": timeout,
        "idle_timeout": timeout,
        "challenge_timeout": 2 * timeout,
    }
    # The conversation grows by one piece at each request, so a reply with many pieces would take long.
    with FakeChatGPT(reply=Reply(pieces=[REPLY[:-7], REPLY[-7:]])) as server:
        options: dict[str, Any] = {
            "access_token_ttl": 0,
            "retries": 1,
            "send_via": "fetch",
            **timeouts,
            **base_urls(server),
        }
        with ChatGPTAPI(server.session_token, **options) as api:
            api.start()
            yield server, api


@pytest.fixture(scope="module")
def pair_of() -> Iterator[Callable[[int], tuple[FakeChatGPT, ChatGPTAPI]]]:
    """Provide a function that returns the pair of a timeout. All tests of this module with the same timeout share it.

    A parametrized fixture of the module would start a client for each test.
    """
    with ExitStack() as stack:
        yield functools.cache(lambda timeout: stack.enter_context(create_pair(timeout)))


def outcome_of_message(server: FakeChatGPT, api: ChatGPTAPI, name: str, times: int | None) -> str:
    api._core._sender.pace.forget_limits()
    conversation = api.get_conversation()
    if name in READ_ON:
        # Chromium may drop the whole body when a connection breaks. Then the id of a new conversation stays unknown.
        conversation.send_message("first")
    before = len(posts_of(server.requests))
    try:
        with server.inject(name, times) as injection:
            if name == "challenge-in-mid-conversation":
                conversation.send_message("first")
                before += 1
            reply = conversation.send_message("hello")
    except ChatGPTError as error:
        return f"`{type(error).__name__}`"
    finally:
        server.strike_challenge(None)
        assert injection.struck, "the fault was not applied"

    assert reply == REPLY
    return "reply" if len(posts_of(server.requests)) - before == 1 else "reply, sent again"


def test_fault_table_in_docs_matches_catalogue() -> None:
    assert {name: row[0] for name, row in TABLE.items()} == {
        name: fault.description for name, fault in FAULTS.items()
    }


def test_readme_states_the_number_of_faults() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    assert f"[{len(FAULTS)} faults of the site]" in readme


@pytest.mark.sample(30)
@pytest.mark.parametrize(
    ("timeout", "name"),
    [(700 if WAITS & {*TABLE[name]} else 60_000, name) for name in FAULTS if name != OTHER_NAME],
    ids=[name for name in FAULTS if name != OTHER_NAME],
)
def test_fault_client_outcome_matches_docs(
    pair_of: Callable[[int], tuple[FakeChatGPT, ChatGPTAPI]], timeout: int, name: str
) -> None:
    pair = pair_of(timeout)
    once = outcome_of_message(*pair, name, 1)
    # If a single fault is an error, so is a permanent one.
    every_time = outcome_of_message(*pair, name, None) if once.startswith("reply") else once

    assert (once, every_time) == TABLE[name][1:]
    pair[1]._core._sender.pace.forget_limits()
    assert pair[1].send_message("And now?") == REPLY


def test_fault_redirect_other_name_client_outcome_matches_docs() -> None:
    names = "MAP chatgpt.com 127.0.0.1:{0}, MAP chat.openai.com 127.0.0.1:{0}, EXCLUDE 127.0.0.1"
    with FakeChatGPT(reply=REPLY, tls=True, public_origin="https://chat.openai.com") as server:
        args = [f"--host-resolver-rules={names.format(server.port)}"]
        options: dict[str, Any] = {"browser_args": args, "ignore_https_errors": True, **base_urls(server)}
        with ChatGPTAPI(server.session_token, **options) as api:
            every_time = outcome_of_message(server, api, OTHER_NAME, None)

        assert posts_of(server.requests)[-1].headers["origin"] == "https://chatgpt.com"
    assert (every_time, every_time) == TABLE[OTHER_NAME][1:]
