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
FIRST = [Mark.kill_renderers, Mark.kill_browser, Mark.kill_driver]
KILLS = [len(FIRST), pytest.param(10, marks=pytest.mark.long)]
#: Mostly renderers; a driver takes longest to come back.
WAYS = [Mark.kill_renderers] * 6 + [Mark.kill_browser] * 2 + [Mark.kill_driver]
CONVERSATIONS = 3
TIMEOUT = 30_000


@dataclass
class Load:
    """Conversations that go on until they are told to stop; each message is one of its own, and so is its outcome."""

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


def reply(turn: Turn) -> Reply:
    """Long enough for a kill to come in the middle of it."""
    return Reply(remember(turn), interval=5)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("wanted", KILLS)
def test_a_load_outlives_every_kill(wanted: int, soak: int, temporary_folder: Path) -> None:
    folders_before, threads_before = folders(temporary_folder), client_threads()
    chance, wanted = random.Random(4), wanted * soak
    mark, processes, kills = Mark(), set[psutil.Process](), 0

    with FakeChatGPT(reply=reply) as server:
        options: dict[str, Any] = {"browser_args": [mark.argument], "max_concurrent_messages": CONVERSATIONS}
        with ChatGPTAPI(server.session_token, **base_urls(server), **options) as api:
            load = Load(api)
            workers = [threading.Thread(target=load.run, args=(f"c{n}",)) for n in range(CONVERSATIONS)]
            for worker in workers:
                worker.start()

            while kills < wanted:
                load.answered.clear()
                assert load.answered.wait(TIMEOUT / 1000), "nobody gets a reply any more"
                load.stop.wait(chance.uniform(0, 0.1))  # somewhere in the messages that follow
                try:
                    processes.update(mark.all())
                    way = FIRST[kills] if kills < len(FIRST) else chance.choice(WAYS)
                    way(mark)
                except (psutil.Error, ValueError, AssertionError):
                    continue  # this browser is dying already, of the kill before
                kills += 1

            load.stop.set()
            for worker in workers:
                worker.join(TIMEOUT / 1000)
            assert not any(worker.is_alive() for worker in workers)
            # The last kill may have come between the messages: then it is this one that finds it out.
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
