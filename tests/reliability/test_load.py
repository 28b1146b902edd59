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


def memory() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("size", [5 * MB, pytest.param(20 * MB, marks=pytest.mark.long)])
def test_a_reply_of_20_mb_in_one_event(scripted_site: ScriptedSite, api: ChatGPTAPI, size: int) -> None:
    text = 'Grüße, 世界 \U0001f600 \\ "x" \n' * (size // 36)
    assert (
        api.send_message(scripted_site.answering(RawBody([sse(event(text)), DONE])), timeout_ms=200_000)
        == text
    )


def test_a_reply_of_20_mb_in_many_messages(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """Each event has a text of its own; their sum is far more than any window."""
    texts = [f"{n}:" + "x" * MB for n in range(20)]
    lengths: list[int] = []
    events = [sse(event(text, id=f"m-{n}")) for n, text in enumerate(texts)]
    message = scripted_site.answering(RawBody([*events, DONE]))
    assert api.send_message(message, on_progress=lambda text: lengths.append(len(text))) == texts[-1]
    assert lengths == [len(text) for text in texts]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("size", [MB, pytest.param(5 * MB, marks=pytest.mark.long)])
def test_a_message_of_5_mb(scripted_site: ScriptedSite, api: ChatGPTAPI, size: int) -> None:
    text = "Grüße, \U0001f600 \x00\u2028 \\" * (size // 20)
    assert len(text.encode()) > size * 0.9
    reply = api.send_message(text, timeout_ms=200_000)
    assert reply.startswith('You said: "Grüße')
    assert scripted_site.posts[-1].json["messages"][0]["content"]["parts"] == [text]


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("turns", [100, pytest.param(300, marks=pytest.mark.long)])
def test_hundreds_of_turns(turns: int, soak: int) -> None:
    """One client, one conversation after another; what it takes of memory it has taken by the first tenth."""
    from chatgpt_browser import ChatGPTAPI
    from chatgpt_browser.testing import FakeChatGPT

    turns, mark = turns * soak, Mark()
    with FakeChatGPT(reply=lambda turn: f"Answer to {turn.message}") as server:
        with ChatGPTAPI(server.session_token, **base_urls(server), browser_args=[mark.argument]) as api:
            first = renderer = tasks = 0
            for number in range(turns):
                if number % 20 == 0:
                    conversation = api.get_conversation()
                    server._site.conversations.clear()  # what the fake server keeps is not what is measured
                    server._site.requests._records.clear()
                assert conversation.send_message(f"turn {number}") == f"Answer to turn {number}"
                if number == turns // 10:
                    first, renderer = memory(), _memory_of(mark)
                    tasks = api._portal.call(_count_tasks)
            grown, renderer_grown = memory() - first, _memory_of(mark) - renderer
            more_tasks = api._portal.call(_count_tasks) - tasks

    print(f"{turns} turns: {grown / MB:.1f} MB more here, {renderer_grown / MB:.1f} MB in the renderer")  # noqa: T201
    assert grown < 30 * MB
    assert renderer_grown < 150 * MB
    assert more_tasks <= 2  # the end of a request may still be on its way


async def _count_tasks() -> int:
    return len(asyncio.all_tasks())


def _memory_of(mark: Mark) -> int:
    return sum(process.memory_info().rss for process in mark.renderers())


def test_a_fast_server_waits_for_a_slow_reader(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """A callback that does not return: the server is held back, and what has come so far is bounded."""
    events = [sse(event(f"{n}" + "x" * 100_000)) for n in range(10)]
    count = 4000
    before, taken = memory(), 0
    message = scripted_site.answering(RawBody([*events * (count // 10), DONE]))

    def sit_there(text: str) -> None:
        nonlocal taken
        post = scripted_site.posts[0]
        until(lambda: _stands_still(lambda: post.events_sent), timeout=40)
        taken = memory() - before
        raise Enough

    with pytest.raises(Enough):
        api.send_message(message, on_progress=sit_there)

    post = scripted_site.posts[0]
    assert post.events_sent < count * 0.6
    assert taken < 40 * MB
    assert post.disconnected.wait(20), "one that is held back can still be left"


class Enough(Exception):
    """What only the callback raises."""


def _stands_still(counter: Callable[[], int]) -> bool:
    """Whether it has not moved for half a second: nobody announces that nothing happens."""
    before = counter()
    time.sleep(0.5)
    return counter() == before
