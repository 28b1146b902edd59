"""``first_byte_timeout`` and ``idle_timeout``: limits for a site that sends nothing."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import APIConnectionError, ChatGPTAPI, ChatGPTTimeoutError
from chatgpt_browser.testing import Gate, Hold, RawBody, Reply, Stall
from tests.support.scripted_site import DONE, ScriptedSite, base_urls, can_send, event, sse
from tests.support.timeout_checks import GRACE, LONG_LIMIT, raises_timeout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.client_fixtures import Connect, Serve

    SiteAndClient = tuple[ScriptedSite, ChatGPTAPI]

PING = b": ping\n\n"
ANY_DATA = {
    "comments": PING,
    "empty data": b"data:\n\n",
    "an event without data": b"event: ping\n\n",
    "blank lines": b"\n",
    "the same event again": sse(event("one")),
    "events of another message": sse(event("", role="user")),
}

pytestmark = pytest.mark.timing


@pytest.fixture(scope="module")
def impatient_pair() -> Iterator[SiteAndClient]:
    """A site, and a client that allows it ``LONG_LIMIT`` of silence and does not retry."""
    site = ScriptedSite()
    options: dict[str, Any] = {"first_byte_timeout": LONG_LIMIT, "idle_timeout": LONG_LIMIT, "retries": 0}
    with site.server as server:
        options |= {"max_concurrent_messages": 3, **base_urls(server)}
        with ChatGPTAPI(server.session_token, **options) as api:
            assert can_send(api)
            yield site, api


def test_first_byte_timeout_of_message_raises_and_closes_the_request(impatient_pair: SiteAndClient) -> None:
    site, api = impatient_pair
    with raises_timeout(LONG_LIMIT) as caught:
        api.send_message(site.answering(Stall(before_head=True)))
    assert "no first byte within 2 s" in str(caught.value)
    assert site.posts[-1].disconnected.wait(20)


def test_first_byte_timeout_of_session_request_raises_connection_error(
    serve: Serve, connect: Connect
) -> None:
    server = serve()
    api = connect(server, first_byte_timeout=LONG_LIMIT, access_token_ttl=0, retries=0)
    assert can_send(api)
    server.script_session(Stall(before_head=True))
    with pytest.raises(APIConnectionError, match="did not respond in time"):
        api.send_message("hello", timeout_ms=60_000)
    assert can_send(api)


@pytest.mark.parametrize(
    "start", [[], [sse(event("one"))], [PING]], ids=["after the head", "after an event", "after a comment"]
)
def test_idle_timeout_in_body_raises_with_partial_text(
    impatient_pair: SiteAndClient, start: list[bytes]
) -> None:
    site, api = impatient_pair
    started = time.monotonic()
    with pytest.raises(ChatGPTTimeoutError, match=r"nothing came for 2 s") as caught:
        api.send_message(site.answering(RawBody([*start, Hold(Gate())])))
    assert LONG_LIMIT / 1000 <= time.monotonic() - started < LONG_LIMIT / 1000 + 4 * GRACE
    assert caught.value.partial_text == ("one" if b"one" in b"".join(start) else "")


def test_idle_timeout_is_reset_by_any_data(impatient_pair: SiteAndClient) -> None:
    """The replies take longer than ``idle_timeout``, but something comes four times in that time."""
    site, api = impatient_pair
    messages = [
        site.answering(
            RawBody([sse(event("one")), *[data] * 5, sse(event("one two")), DONE], interval=LONG_LIMIT / 4)
        )
        for data in ANY_DATA.values()
    ]
    with ThreadPoolExecutor(len(messages)) as pool:
        futures = [pool.submit(api.send_message, message) for message in messages]

    errors = {name: future.exception() for name, future in zip(ANY_DATA, futures, strict=True)}
    assert errors == dict.fromkeys(ANY_DATA)
    assert [future.result() for future in futures] == ["one two"] * len(messages)


def test_idle_timeout_is_not_reset_by_incomplete_event(impatient_pair: SiteAndClient) -> None:
    site, api = impatient_pair
    body = RawBody([sse(event("one")), *[b"x"] * 100], interval=LONG_LIMIT / 8)
    with pytest.raises(ChatGPTTimeoutError, match="nothing came for 2 s"):
        api.send_message(site.answering(body), timeout_ms=60_000)


def test_idle_timeout_ignores_time_spent_in_callbacks(impatient_pair: SiteAndClient) -> None:
    site, api = impatient_pair
    message = site.answering(Reply(pieces=["a", "b", "c"]))
    assert api.send_message(message, on_progress=lambda text: time.sleep(1.2 * LONG_LIMIT / 1000)) == "abc"
