"""Large messages, many messages, fast streams and a slow reader.

Tests with the marker ``long`` use the full sizes, the others smaller ones. ``CHATGPT_SOAK=34`` makes 300 turns ten thousand.
"""

from __future__ import annotations

import asyncio
import gc
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from chatgpt_browser.testing import RawBody
from tests.support.client_processes import Mark, until
from tests.support.scripted_site import DONE, base_urls, event, sse

if TYPE_CHECKING:
    from collections.abc import Callable

    from chatgpt_browser import ChatGPTAPI
    from tests.support.scripted_site import ScriptedSite

MB = 1 << 20


def own_memory() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("size", [5 * MB, pytest.param(20 * MB, marks=pytest.mark.long)])
def test_large_reply_in_one_event_is_complete(
    scripted_site: ScriptedSite, api: ChatGPTAPI, size: int
) -> None:
    text = 'Grüße, 世界 \U0001f600 \\ "x" \n' * (size // 36)
    assert (
        api.send_message(scripted_site.answering(RawBody([sse(event(text)), DONE])), timeout_ms=200_000)
        == text
    )


def test_large_reply_in_many_events_is_complete(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """Each event has a different text; their total size is far more than any flow-control window."""
    texts = [f"{n}:" + "x" * MB for n in range(20)]
    lengths: list[int] = []
    events = [sse(event(text, id=f"m-{n}")) for n, text in enumerate(texts)]
    message = scripted_site.answering(RawBody([*events, DONE]))
    assert api.send_message(message, on_progress=lambda text: lengths.append(len(text))) == texts[-1]
    assert lengths == [len(text) for text in texts]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("size", [MB, pytest.param(5 * MB, marks=pytest.mark.long)])
def test_large_message_is_sent_complete(scripted_site: ScriptedSite, api: ChatGPTAPI, size: int) -> None:
    text = "Grüße, \U0001f600 \x00\u2028 \\" * (size // 20)
    assert len(text.encode()) > size * 0.9
    reply = api.send_message(text, timeout_ms=200_000)
    assert reply.startswith('You said: "Grüße')
    assert scripted_site.posts[-1].json["messages"][0]["content"]["parts"] == [text]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("turns", [100, pytest.param(300, marks=pytest.mark.long)])
def test_many_turns_leave_memory_bounded(turns: int, soak: int) -> None:
    """One client sends messages in one conversation after another; memory must not grow much after the first tenth."""
    from chatgpt_browser import ChatGPTAPI
    from chatgpt_browser.testing import FakeChatGPT

    turns, mark = turns * soak, Mark()
    with FakeChatGPT(reply=lambda turn: f"Answer to {turn.message}") as server:
        with ChatGPTAPI(server.session_token, **base_urls(server), browser_args=[mark.argument]) as api:
            first = renderer = tasks = 0
            for number in range(turns):
                if number % 20 == 0:
                    conversation = api.get_conversation()
                    server._site.conversations.clear()  # the fake server's records are not measured
                    server._site.requests._records.clear()
                assert conversation.send_message(f"turn {number}") == f"Answer to turn {number}"
                if number == turns // 10:
                    first, renderer = own_memory(), _renderer_memory(mark)
                    tasks = api._portal.call(_count_tasks)
            own_growth, renderer_growth = own_memory() - first, _renderer_memory(mark) - renderer
            more_tasks = api._portal.call(_count_tasks) - tasks

    print(f"{turns} turns: {own_growth / MB:.1f} MB more here, {renderer_growth / MB:.1f} MB in the renderer")  # noqa: T201
    assert own_growth < 30 * MB
    assert renderer_growth < 150 * MB
    assert more_tasks <= 2  # a request may still be ending


async def _count_tasks() -> int:
    return len(asyncio.all_tasks())


def _renderer_memory(mark: Mark) -> int:
    return sum(process.memory_info().rss for process in mark.renderers())


def test_blocked_callback_holds_back_a_fast_server(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """While a callback blocks, the server is held back and the client holds a bounded amount of data."""
    events = [sse(event(f"{n}" + "x" * 100_000)) for n in range(10)]
    count = 4000
    before, held_memory = own_memory(), 0
    message = scripted_site.answering(RawBody([*events * (count // 10), DONE]))

    def block_until_stalled(text: str) -> None:
        nonlocal held_memory
        post = scripted_site.posts[0]
        until(lambda: _has_stalled(lambda: post.events_sent), timeout=200)
        held_memory = own_memory() - before
        raise CallbackDone

    with pytest.raises(CallbackDone):
        api.send_message(message, on_progress=block_until_stalled)

    post = scripted_site.posts[0]
    assert post.events_sent < count * 0.6
    assert held_memory < 40 * MB
    assert post.disconnected.wait(20), "a stream that is held back can be closed"


class CallbackDone(Exception):
    """Raised by the callback only."""


def _has_stalled(counter: Callable[[], int]) -> bool:
    """Return whether a counter stays the same for 1 s. No event signals that the server has stopped sending."""
    before = counter()
    time.sleep(1)
    return counter() == before
