"""Scripted replies: texts, rules, functions and generators; and their pace."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import Answer, FakeChatGPT, Gate, Pace, RawBody, Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from chatgpt_browser.testing import Turn
    from tests.support.site_client import Connect, SiteClient, StartServer


def test_when_text_answers_matching_messages(client: SiteClient) -> None:
    client.server.when("weather", "Sunny.")

    assert client.send("How is the weather?").text == "Sunny."
    assert client.send("How is the Weather?").text == 'You said: "How is the Weather?".'
    assert client.send("And the weather there?").text == "Sunny."


def test_when_text_is_not_a_pattern(client: SiteClient) -> None:
    client.server.when("a.c", "found")

    assert client.send("abc").text == 'You said: "abc".'
    assert client.send("a.c").text == "found"


def test_when_pattern_passes_match_to_callable(client: SiteClient) -> None:
    def capital(turn: Turn) -> str:
        assert turn.match is not None
        return f"The capital of {turn.match[1]}."

    client.server.when(re.compile(r"capital of (\w+)", re.IGNORECASE), capital)

    assert client.send("The Capital of Peru, please").text == "The capital of Peru."


def test_when_queue_precedes_newest_rule(client: SiteClient) -> None:
    client.server.when("x", "older")
    client.server.when("x", "newer", times=1)
    client.server.script("queued")

    assert [client.send("x").text for _ in range(4)] == ["queued", "newer", "older", "older"]


def test_when_times_zero_raises(client: SiteClient) -> None:
    with pytest.raises(ValueError, match="times must be one or more"):
        client.server.when("x", "y", times=0)


async def async_text(turn: Turn) -> str:
    await asyncio.sleep(0)
    return f"{turn.number}: {turn.message}"


async def async_step(turn: Turn) -> Answer:
    await asyncio.sleep(0)
    return Answer.server_error()


def sync_pieces(turn: Turn) -> Iterator[str]:
    yield from ("one", f" {turn.message}", " three")


async def async_pieces(turn: Turn) -> AsyncIterator[str]:
    for piece in sync_pieces(turn):
        await asyncio.sleep(0)
        yield piece


def no_pieces(turn: Turn) -> Iterator[str]:
    yield from ()


def test_script_coroutine_function_is_awaited(client: SiteClient) -> None:
    client.server.script(async_text, async_step)

    assert client.send("hello").text == "1: hello"
    assert client.send("x").response.status_code == 500


@pytest.mark.parametrize("function", [sync_pieces, async_pieces])
def test_script_generator_yields_pieces(client: SiteClient, function: Any) -> None:
    client.server.script(function)
    result = client.send("two")

    assert result.texts == ["one", "one two", "one two three", "one two three"]
    assert [reply["status"] for reply in result.replies] == ["in_progress"] * 3 + ["finished_successfully"]
    (conversation,) = client.server.conversations.values()
    assert conversation.history()[-1] == ("assistant", "one two three")


def test_script_empty_generator_is_empty_reply(client: SiteClient) -> None:
    client.server.script(no_pieces)
    assert client.send("x").texts == [""]


def test_script_generator_pieces_are_sent_at_once(client: SiteClient) -> None:
    gate = Gate()

    async def held(turn: Turn) -> AsyncIterator[str]:
        yield "first"
        await gate.wait()
        yield " second"

    client.server.script(held)
    with client.stream() as response:
        lines = response.iter_lines()
        assert any('"first"' in line for line in lines)
        gate.wait_reached()
        gate.open()
        assert any('"first second"' in line for line in lines)


def test_script_generator_is_closed_on_disconnect(client: SiteClient) -> None:
    closed = Gate()

    async def endless(turn: Turn) -> AsyncIterator[str]:
        try:
            while True:
                yield "word "
                await asyncio.sleep(0.001)
        finally:
            closed.open()
            await closed.wait()

    client.server.script(endless)
    with client.stream() as response:
        next(response.iter_raw())

    closed.wait_reached()
    assert client.server.errors == []


def test_script_callable_wrong_type_is_recorded(client: SiteClient) -> None:
    client.server.script(lambda turn: 42)  # type: ignore[arg-type, return-value]

    assert client.send("x").response.status_code == 500
    assert "an iterator of pieces, not int" in str(client.server.errors[0])


# ---- pace --------------------------------------------------------------------------------------------


def test_pace_due_times() -> None:
    assert [Pace(events=4).due(n, 100) for n in range(3)] == [0, 0.25, 0.5]
    assert [Pace(characters=50).due(7, n) for n in (0, 5, 100)] == [0, 0.1, 2]
    assert Pace.of_interval(20) == Pace(events=50)
    assert Pace.of_interval(0) is None


@pytest.mark.parametrize(
    "rates", [{}, {"events": 0}, {"characters": -1}, {"events": 1, "characters": 1}, {"events": float("nan")}]
)
def test_pace_without_exactly_one_positive_rate_raises(rates: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="either events or characters per second"):
        Pace(**rates)


def test_reply_interval_with_pace_raises() -> None:
    with pytest.raises(ValueError, match="an interval or a pace"):
        Reply("x", interval=10, pace=Pace(events=1))


def test_pace_of_reply_overrides_server(start_server: StartServer, connect: Connect) -> None:
    client = connect(start_server(pace=Pace(events=50)))
    client.server.script(Reply("a b c d e f"), Reply("a b c d", pace=Pace(characters=40)))

    def seconds() -> float:
        started = time.perf_counter()
        client.send("x")
        return time.perf_counter() - started

    # Five events after the first at 50 a second; six characters after the first at 40 a second.
    assert seconds() >= 5 / 50
    assert seconds() >= 6 / 40


def untyped(function: Any) -> Any:
    """Return the function without its types, so that mypy accepts arguments of wrong types."""
    return function


# ---- wrong values ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("reply", r"no attribute 'reply'. It is an option of the constructor: FakeChatGPT\(reply=…\)"),
        ("session_awnser", "no attribute 'session_awnser'. Did you mean 'session_answer'?"),
        ("xyz", "no attribute 'xyz'$"),
    ],
)
def test_server_unknown_attribute_raises(name: str, message: str, server: FakeChatGPT) -> None:
    with pytest.raises(AttributeError, match=message):
        setattr(server, name, "Hello")


def test_server_subclass_may_have_attributes() -> None:
    class Other(FakeChatGPT):
        def __init__(self) -> None:
            super().__init__()
            self.note = "x"

    assert Other().note == "x"


@pytest.mark.parametrize(
    "call",
    [
        lambda server: server.script(["First.", "Second."]),
        lambda server: server.script("First.", None),
        lambda server: server.when("x", 5),
        lambda server: untyped(FakeChatGPT)(reply=b"x"),
        lambda server: untyped(FakeChatGPT)(replies=["First.", 2]),
        lambda server: FakeChatGPT(replies="First."),
        lambda server: untyped(RawBody)("text"),
        lambda server: untyped(RawBody)([b"x", "text"]),
        lambda server: untyped(RawBody)([None]),
        lambda server: Reply("x", thoughts="One thought"),
        lambda server: Reply("x", citations="https://a.example"),
        lambda server: untyped(Reply)(5),
        lambda server: untyped(Reply)("x", files=["table.csv"]),
    ],
)
def test_reply_of_wrong_type_raises(call: Any, server: FakeChatGPT) -> None:
    with pytest.raises(
        TypeError,
        match=r"^(a reply must be a str, a step|replies must|RawBody takes|\w+ must be a list|.* of a Reply must)",
    ):
        call(server)
    server.assert_all_used()


def test_raw_body_accepts_bytes_alone(client: SiteClient) -> None:
    client.server.script(RawBody(b"data: [DONE]\n\n"))
    assert client.send("x").data == ["[DONE]"]
