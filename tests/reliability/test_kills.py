"""Kills of browser processes at random moments, during a load of conversations. ``CHATGPT_SOAK=10`` makes 10 kills a hundred."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from chatgpt_browser import BrowserCrashedError, BrowserError, ChatGPTAPI, ChatGPTError
from chatgpt_browser.testing import FakeChatGPT, Reply, Turn, remember
from tests.support.client_processes import Mark, client_threads, folders, posts_by_message
from tests.support.processes import still_running
from tests.support.scripted_site import base_urls, can_send

if TYPE_CHECKING:
    from pathlib import Path

    from chatgpt_browser import ChatGPTConversation

#: The short run kills each kind of process once.
FIRST_KILLS = [Mark.kill_renderers, Mark.kill_browser, Mark.kill_driver]
KILLS = [len(FIRST_KILLS), pytest.param(10, marks=pytest.mark.long)]
#: Mostly renderers, because a new driver takes the longest to start.
RANDOM_KILLS = [Mark.kill_renderers] * 6 + [Mark.kill_browser] * 2 + [Mark.kill_driver]
CONVERSATIONS = 3
TIMEOUT = 60_000


@dataclass
class ConversationLoad:
    """Conversations that send messages until ``stop`` is set. Each message has a unique text, under which its outcome is kept."""

    api: ChatGPTAPI
    replies: dict[str, str] = field(default_factory=dict)
    errors: dict[str, ChatGPTError] = field(default_factory=dict)
    unexpected: list[BaseException] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)

    def run(self, name: str) -> None:
        conversation = self.api.get_conversation()
        number = 0
        while not self.stop.is_set():
            number += 1
            self.send(conversation, f"{name}.{number}")

    def send(self, conversation: ChatGPTConversation, message: str) -> None:
        try:
            self.replies[message] = conversation.send_message(message, timeout_ms=TIMEOUT)
            self.answered.set()
        except ChatGPTError as error:
            self.errors[message] = error
        except BaseException as error:
            self.unexpected.append(error)


def slow_reply(turn: Turn) -> Reply:
    """Return a reply that is slow enough to be interrupted by a kill."""
    return Reply(remember(turn), interval=5)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("wanted", KILLS)
def test_random_kills_under_load_end_each_message_once(
    wanted: int, soak: int, temporary_folder: Path
) -> None:
    folders_before, threads_before = folders(temporary_folder), client_threads()
    random_source, wanted = random.Random(4), wanted * soak
    mark, processes, kills = Mark(), set[psutil.Process](), 0

    with FakeChatGPT(reply=slow_reply) as server:
        options: dict[str, Any] = {"browser_args": [mark.argument], "max_concurrent_messages": CONVERSATIONS}
        with ChatGPTAPI(server.session_token, **base_urls(server), **options) as api:
            load = ConversationLoad(api)
            workers = [threading.Thread(target=load.run, args=(f"c{n}",)) for n in range(CONVERSATIONS)]
            for worker in workers:
                worker.start()

            while kills < wanted:
                load.answered.clear()
                assert load.answered.wait(TIMEOUT / 1000), "no conversation has received a reply"
                load.stop.wait(random_source.uniform(0, 0.1))  # a random moment during the next messages
                try:
                    processes.update(mark.all())
                    kill = (
                        FIRST_KILLS[kills] if kills < len(FIRST_KILLS) else random_source.choice(RANDOM_KILLS)
                    )
                    kill(mark)
                except (psutil.Error, ValueError, AssertionError):
                    continue  # the browser is still ending after the previous kill
                kills += 1

            load.stop.set()
            for worker in workers:
                worker.join(TIMEOUT / 1000)
            assert not any(worker.is_alive() for worker in workers)
            # If the last kill came between two messages, this message receives its error.
            load.send(api.get_conversation(), "after the last kill")
            assert can_send(api)

    sent = posts_by_message(server)
    print(f"{kills} kills, {len(load.replies)} replies, {len(load.errors)} errors")  # noqa: T201
    assert load.unexpected == []
    assert len(load.replies) > kills / 2
    assert not load.replies.keys() & load.errors.keys()
    assert all(text.startswith(f'You said: "{message}".') for message, text in load.replies.items())
    assert {type(error) for error in load.errors.values()} <= {BrowserCrashedError, BrowserError}
    assert max(sent.values()) == 1
    assert load.replies.keys() <= sent.keys()
    assert still_running([*processes]) == []
    assert client_threads() == threads_before
    left = [name for name in folders(temporary_folder) if name not in folders_before]
    assert not any(
        (temporary_folder / name).iterdir() for name in left if (temporary_folder / name).is_dir()
    ), left
