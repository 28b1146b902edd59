"""Time limits: ``timeout_ms`` ends a call within 100 ms of its time, whatever stands still; silence has limits of its own."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import APIConnectionError, ChatGPTTimeoutError
from chatgpt_browser.testing import Gate, Hold, RawBody, Reply, Stall
from tests.support.client_processes import Mark
from tests.support.scripted_site import DONE, base_urls, can_send, event, posts_of, sse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psutil

    from chatgpt_browser import ChatGPTAPI
    from chatgpt_browser.testing import FakeChatGPT
    from tests.support.client_fixtures import Connect, Serve
    from tests.support.scripted_site import ScriptedSite

LIMIT = 400
#: The limit in milliseconds where something has to happen before it: a busy machine delays that, too.
LONG_LIMIT = 1000
#: How many seconds late a timeout may be. A busy machine is later than what the client promises: `scripts/test.sh --long` checks
#: the promise, and other runs check that a call ends although something hangs.
GRACE = 0.1 if "CHATGPT_SOAK" in os.environ else 10.0
PING = b": ping\n\n"

pytestmark = pytest.mark.timing


class BrowserObserver(threading.Thread):
    """Sleeps a little, again and again, and sees how much later the machine wakes it up: so late it wakes up everybody."""

    TICK = 0.01

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._ended = threading.Event()
        self._ticks = [(time.monotonic(), 0.0)]

    def run(self) -> None:
        while not self._ended.wait(self.TICK):
            self._ticks.append((time.monotonic(), self._overdue()))

    def __enter__(self) -> BrowserObserver:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        self.join()

    def taken_since(self, moment: float) -> float:
        """How many seconds since then were the machine's own."""
        return sum(late for at, late in self._ticks if at > moment) + self._overdue()

    def _overdue(self) -> float:
        return max(0.0, time.monotonic() - self._ticks[-1][0] - self.TICK)


@contextmanager
def in_time(limit: float = LIMIT) -> Iterator[pytest.ExceptionInfo[ChatGPTTimeoutError]]:
    """The block raises a timeout, no sooner than its time and at most 100 ms later; what the machine takes is not counted."""
    with BrowserObserver() as witness:
        due = time.monotonic() + limit / 1000
        with pytest.raises(ChatGPTTimeoutError) as caught:
            yield caught
        late = time.monotonic() - due
        taken = witness.taken_since(due)
    assert -0.005 <= late < GRACE + taken, f"{late * 1000:.0f} ms late, the machine took {taken * 1000:.0f}"


# ---- timeout_ms, in every stage --------------------------------------------------------------------------------------


def test_while_the_browser_starts(serve: Serve, connect: Connect) -> None:
    server = serve()
    server.script_path("/api/auth/session", Stall(before_head=True))
    api = connect(server)
    with in_time():
        api.send_message("hello", timeout_ms=LIMIT)
    assert posts_of(server.requests) == []


def test_while_the_browser_is_not_even_there(serve: Serve, connect: Connect, tmp_path: Path) -> None:
    """Nothing answers: what was started is no browser."""
    script = tmp_path / "no-browser"
    script.write_text("#!/bin/sh\nexec sleep 60\n")
    script.chmod(0o700)
    api = connect(serve(), executable_path=script)
    with in_time():
        api.send_message("hello", timeout_ms=LIMIT)

    started = time.monotonic()
    api.close()
    assert time.monotonic() - started < 10, "closing does not wait for launch_timeout"


def test_in_the_queue(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    gate = Gate()
    first = api.stream_message(
        scripted_site.answering(Reply(pieces=["one", " two"], hold_after=1, gate=gate))
    )
    assert next(first) == "one"
    with in_time():
        api.send_message(scripted_site.answering("never sent"), timeout_ms=LIMIT)
    assert len(scripted_site.posts) == 1
    gate.open()
    assert "".join(first) == " two"


def test_in_the_queue_of_a_conversation(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    gate = Gate()
    conversation = api.get_conversation()
    first = conversation.stream_message(
        scripted_site.answering(Reply(pieces=["one", " two"], hold_after=1, gate=gate))
    )
    assert next(first) == "one"
    with in_time():
        conversation.send_message(scripted_site.answering("never sent"), timeout_ms=LIMIT)
    gate.open()
    assert "".join(first) == " two"
    assert conversation.send_message(scripted_site.answering("sent")) == "sent"


@pytest.mark.parametrize("before_head", [True, False], ids=["before the head", "before the body"])
def test_before_the_answer(scripted_site: ScriptedSite, api: ChatGPTAPI, before_head: bool) -> None:
    with in_time():
        api.send_message(scripted_site.answering(Stall(before_head)), timeout_ms=LIMIT)


def test_in_the_middle(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    reply = Reply(pieces=["one", " never"], hold_after=1, gate=Gate())
    with in_time(LONG_LIMIT) as caught:
        api.send_message(scripted_site.answering(reply), timeout_ms=LONG_LIMIT)
    assert caught.value.partial_text == "one"


def test_while_the_token_is_renewed(serve: Serve, connect: Connect) -> None:
    server = serve()
    api = connect(server, access_token_ttl=0)
    assert can_send(api)
    server.script_session(Stall(before_head=True))
    with in_time():
        api.send_message("hello", timeout_ms=LIMIT)
    assert len(posts_of(server.requests)) == 1


def test_under_a_flood(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """Events come without end, faster than they are taken."""
    flood = Reply(pieces=["x"] * 3000)
    with in_time():
        api.send_message(
            scripted_site.answering(flood), timeout_ms=LIMIT, on_progress=lambda text: time.sleep(0.002)
        )


def test_with_a_slow_callback(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """Nobody can end a callback from outside; it is the last one, though, and the timeout follows it at once."""
    calls: list[float] = []

    def sleep(text: str) -> None:
        time.sleep(1.2 * LONG_LIMIT / 1000)
        calls.append(time.monotonic())

    with BrowserObserver() as witness:
        with pytest.raises(ChatGPTTimeoutError):
            api.send_message(
                scripted_site.answering(Reply(pieces=["a", "b", "c"])),
                timeout_ms=LONG_LIMIT,
                on_progress=sleep,
            )
        assert len(calls) == 1
        assert time.monotonic() - calls[0] < GRACE + witness.taken_since(calls[0])


class Stopped:
    """A client with processes that stand still."""

    def __init__(self, server: FakeChatGPT, api: ChatGPTAPI, mark: Mark) -> None:
        self.server, self.api, self.mark = server, api, mark


@pytest.fixture(scope="module")
def stoppable() -> Iterator[Stopped]:
    from chatgpt_browser import ChatGPTAPI
    from chatgpt_browser.testing import FakeChatGPT

    mark = Mark()
    with FakeChatGPT() as server:
        with ChatGPTAPI(server.session_token, **base_urls(server), browser_args=[mark.argument]) as api:
            assert can_send(api)
            yield Stopped(server, api, mark)


@contextmanager
def standing_still(processes: list[psutil.Process]) -> Iterator[None]:
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("which", ["renderer", "browser", "driver"])
def test_a_process_that_stands_still(stoppable: Stopped, which: str) -> None:
    mark = stoppable.mark
    processes = [mark.driver()] if which == "driver" else getattr(mark, f"{which}s")()
    with standing_still(processes), in_time():
        stoppable.api.send_message("hello", timeout_ms=LIMIT)

    assert can_send(stoppable.api)


@pytest.mark.parametrize("which", ["renderer", "browser"])
def test_a_process_that_stands_still_in_the_middle(stoppable: Stopped, which: str) -> None:
    mark = stoppable.mark
    stoppable.server.script(Reply(pieces=["one", " never"], hold_after=1, gate=Gate()))
    processes = mark.renderers() if which == "renderer" else mark.browsers()
    with in_time() as caught:
        with standing_still(processes):
            # It has come to a stop before the reply's first word, or right after it.
            stoppable.api.send_message("hello", timeout_ms=LIMIT)
    assert caught.value.partial_text in ("", "one")
    assert can_send(stoppable.api)


# ---- silence ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def impatient() -> Iterator[tuple[FakeChatGPT, ChatGPTAPI]]:
    from chatgpt_browser import ChatGPTAPI
    from chatgpt_browser.testing import FakeChatGPT

    with FakeChatGPT() as server:
        limits: dict[str, Any] = {"first_byte_timeout": LONG_LIMIT, "idle_timeout": LONG_LIMIT}
        with ChatGPTAPI(server.session_token, **base_urls(server), **limits, retries=0) as api:
            assert can_send(api)
            yield server, api


def test_no_first_byte(impatient: tuple[FakeChatGPT, ChatGPTAPI]) -> None:
    server, api = impatient
    server.script(Stall(before_head=True))
    with in_time(LONG_LIMIT) as caught:
        api.send_message("hello")
    assert "no first byte within 1 s" in str(caught.value)
    assert posts_of(server.requests)[-1].disconnected.wait(20)


def test_no_session_in_time(serve: Serve, connect: Connect) -> None:
    server = serve()
    api = connect(server, first_byte_timeout=LONG_LIMIT, access_token_ttl=0, retries=0)
    assert can_send(api)
    server.script_session(Stall(before_head=True))
    with pytest.raises(APIConnectionError, match="did not answer in time"):
        api.send_message("hello", timeout_ms=20_000)
    assert can_send(api)


@pytest.mark.parametrize("start", [[], [sse(event("one"))], [PING]], ids=["head", "event", "ping"])
def test_silence_in_the_body(impatient: tuple[FakeChatGPT, ChatGPTAPI], start: list[bytes]) -> None:
    server, api = impatient
    gate = Gate()
    server.script(RawBody([*start, Hold(gate)]))
    started = time.monotonic()
    with pytest.raises(ChatGPTTimeoutError, match=r"nothing came for 1 s") as caught:
        api.send_message("hello")
    assert LONG_LIMIT / 1000 <= time.monotonic() - started < LONG_LIMIT / 1000 + 4 * GRACE
    assert caught.value.partial_text == ("one" if b"one" in b"".join(start) else "")


@pytest.mark.parametrize(
    "kept_alive_by",
    [PING, b"data:\n\n", b"event: ping\n\n", b"\n", sse(event("one")), sse(event("", role="user"))],
    ids=["pings", "empty data", "an event of no data", "empty lines", "the same event", "other events"],
)
def test_anything_that_comes_renews_the_patience(
    impatient: tuple[FakeChatGPT, ChatGPTAPI], kept_alive_by: bytes
) -> None:
    server, api = impatient
    chunks = [sse(event("one")), *[kept_alive_by] * 5, sse(event("one two")), DONE]
    server.script(RawBody(chunks, interval=LONG_LIMIT / 4))
    assert api.send_message("hello") == "one two"


def test_half_an_event_is_no_sign_of_life(impatient: tuple[FakeChatGPT, ChatGPTAPI]) -> None:
    """A site that drips bytes but never ends an event is as good as silent."""
    server, api = impatient
    server.script(RawBody([sse(event("one")), *[b"x"] * 100], interval=LONG_LIMIT / 8))
    with pytest.raises(ChatGPTTimeoutError):
        api.send_message("hello", timeout_ms=20_000)


def test_a_slow_reader_is_not_the_sites_silence(impatient: tuple[FakeChatGPT, ChatGPTAPI]) -> None:
    server, api = impatient
    server.script(Reply(pieces=["a", "b", "c"]))
    wait = threading.Event()
    assert api.send_message("hello", on_progress=lambda _: wait.wait(1.2 * LONG_LIMIT / 1000)) == "abc"
