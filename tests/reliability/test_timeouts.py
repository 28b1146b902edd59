"""``timeout_ms`` ends a call within 100 ms of its limit, in every stage and with any process stopped."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

import pytest

from chatgpt_browser import ChatGPTAPI, ChatGPTTimeoutError
from chatgpt_browser.testing import FakeChatGPT, Gate, Reply, Stall
from tests.support.client_processes import Mark
from tests.support.scripted_site import base_urls, can_send, posts_of
from tests.support.timeout_checks import GRACE, LIMIT, LONG_LIMIT, MachineDelay, raises_timeout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psutil

    from tests.support.client_fixtures import Connect, Serve
    from tests.support.scripted_site import ScriptedSite

pytestmark = pytest.mark.timing


def test_timeout_during_browser_start_ends_call(serve: Serve, connect: Connect) -> None:
    server = serve()
    server.script_path("/api/auth/session", Stall(before_head=True))
    api = connect(server)
    with raises_timeout():
        api.send_message("hello", timeout_ms=LIMIT)
    assert posts_of(server.requests) == []


def test_timeout_and_close_with_unresponsive_browser_do_not_wait_for_it(
    serve: Serve, connect: Connect, tmp_path: Path
) -> None:
    """The executable is a program that never responds to the driver."""
    script = tmp_path / "no-browser"
    script.write_text("#!/bin/sh\nexec sleep 600\n")
    script.chmod(0o700)
    api = connect(serve(), executable_path=script, launch_timeout=600_000)
    with raises_timeout():
        api.send_message("hello", timeout_ms=LIMIT)

    started = time.monotonic()
    api.close()
    assert time.monotonic() - started < 120, "closing does not wait for launch_timeout"


def test_timeout_in_queue_of_client_ends_call(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    gate = Gate()
    reply = Reply(pieces=["one", " two"], hold_after=1, gate=gate)
    with api.stream_message(scripted_site.answering(reply)) as first:
        assert next(first) == "one"
        with raises_timeout():
            api.send_message(scripted_site.answering("never sent"), timeout_ms=LIMIT)
        assert len(scripted_site.posts) == 1
        gate.open()
        assert "".join(first) == " two"


def test_timeout_in_queue_of_conversation_ends_call(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    gate = Gate()
    reply = Reply(pieces=["one", " two"], hold_after=1, gate=gate)
    conversation = api.get_conversation()
    with conversation.stream_message(scripted_site.answering(reply)) as first:
        assert next(first) == "one"
        with raises_timeout():
            conversation.send_message(scripted_site.answering("never sent"), timeout_ms=LIMIT)
        gate.open()
        assert "".join(first) == " two"
    assert conversation.send_message(scripted_site.answering("sent")) == "sent"


@pytest.mark.parametrize("before_head", [True, False], ids=["before the head", "before the body"])
def test_timeout_before_response_ends_call(
    scripted_site: ScriptedSite, api: ChatGPTAPI, before_head: bool
) -> None:
    with raises_timeout():
        api.send_message(scripted_site.answering(Stall(before_head)), timeout_ms=LIMIT)


def test_timeout_during_reply_ends_call_with_partial_text(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    reply = Reply(pieces=["one", " never"], hold_after=1, gate=Gate())
    with raises_timeout(LONG_LIMIT) as caught:
        api.send_message(scripted_site.answering(reply), timeout_ms=LONG_LIMIT)
    assert caught.value.partial_text == "one"


def test_timeout_during_token_refresh_ends_call(serve: Serve, connect: Connect) -> None:
    server = serve()
    api = connect(server, access_token_ttl=0)
    assert can_send(api)
    server.script_session(Stall(before_head=True))
    with raises_timeout():
        api.send_message("hello", timeout_ms=LIMIT)
    assert len(posts_of(server.requests)) == 1


def test_timeout_during_flood_of_events_ends_call(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """The events come faster than the callback handles them: it needs at least 6 s for all."""
    flood = Reply(pieces=["x"] * 3000)
    with raises_timeout():
        api.send_message(
            scripted_site.answering(flood), timeout_ms=LIMIT, on_progress=lambda text: time.sleep(0.002)
        )


def test_timeout_during_callback_raises_after_the_callback_returns(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """A callback cannot be interrupted. It is the last one, and the timeout is raised as soon as it returns."""
    calls: list[float] = []

    def sleep(text: str) -> None:
        time.sleep(1.2 * LONG_LIMIT / 1000)
        calls.append(time.monotonic())

    reply = Reply(pieces=["a", "b", "c"])
    with MachineDelay() as delay:
        with pytest.raises(ChatGPTTimeoutError):
            api.send_message(scripted_site.answering(reply), timeout_ms=LONG_LIMIT, on_progress=sleep)
        assert len(calls) == 1
        assert time.monotonic() - calls[0] < GRACE + delay.since(calls[0])


# ---- stopped processes -----------------------------------------------------------------------------------------------


class StoppableClient(NamedTuple):
    """A client, its server, and the mark of its processes."""

    server: FakeChatGPT
    api: ChatGPTAPI
    mark: Mark

    @contextmanager
    def stopped(self, which: str) -> Iterator[None]:
        """Stop the renderers, the browser or the driver by SIGSTOP for the length of the block."""
        with _stopped([self.mark.driver()] if which == "driver" else getattr(self.mark, f"{which}s")()):
            yield


@contextmanager
def _stopped(processes: list[psutil.Process]) -> Iterator[None]:
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def stoppable() -> Iterator[StoppableClient]:
    mark = Mark()
    with FakeChatGPT() as server:
        with ChatGPTAPI(server.session_token, **base_urls(server), browser_args=[mark.argument]) as api:
            assert can_send(api)
            yield StoppableClient(server, api, mark)


@pytest.mark.parametrize("which", ["renderer", "browser", "driver"])
def test_timeout_with_stopped_process_ends_call(stoppable: StoppableClient, which: str) -> None:
    with stoppable.stopped(which), raises_timeout():
        stoppable.api.send_message("hello", timeout_ms=LIMIT)

    assert can_send(stoppable.api)


@pytest.mark.parametrize("which", ["renderer", "browser", "driver"])
def test_timeout_with_process_stopped_during_reply_ends_call(stoppable: StoppableClient, which: str) -> None:
    stoppable.server.script(Reply(pieces=["one", " never"], hold_after=1, gate=Gate()))
    with ExitStack() as stack, raises_timeout(LONG_LIMIT) as caught:
        stoppable.api.send_message(
            "hello",
            timeout_ms=LONG_LIMIT,
            on_progress=lambda text: stack.enter_context(stoppable.stopped(which)),
        )
    assert caught.value.partial_text == "one"
    assert can_send(stoppable.api)
