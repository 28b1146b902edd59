"""Property tests of streams through Chromium: split anywhere, damaged anywhere, and of any bytes.

The outcome must equal that of a reference reader with about 30 lines: the same reply, or a typed error.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatgpt_browser import ChatGPTAPI, MalformedEventError, StreamError, StreamInterruptedError
from chatgpt_browser.testing import FakeChatGPT, RawBody
from tests.support.scripted_site import MARKS, base_urls, event, sse

if TYPE_CHECKING:
    from collections.abc import Iterator

Client = tuple[FakeChatGPT, ChatGPTAPI]
#: Number of examples, multiplied by CHATGPT_SOAK.
EXAMPLES = [60, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(1800)])]


@pytest.fixture(scope="module")
def pair() -> Iterator[Client]:
    with FakeChatGPT() as server, ChatGPTAPI(server.session_token, **base_urls(server)) as api:
        yield server, api


# ---- the reference reader --------------------------------------------------------------------------------------


def reference_outcome(body: bytes) -> tuple[type[Exception] | None, str, list[Any]]:
    """Return the error that a body ends with, or None, the text so far, and the events."""
    text, answered, name, newest = "", False, None, 0
    events: list[Any] = []
    positions: dict[str, int] = {}
    for data, ended in _data_of(body.decode()):
        if data == "[DONE]":
            return (None if answered else StreamInterruptedError), text, events
        try:
            value = json.loads(data, strict=False)
        except ValueError:
            if ended:
                return MalformedEventError, text, events
            # The body ends in the middle of an event, so it is incomplete, unless the event is a prefix of [DONE].
            return (None if answered and "[DONE]".startswith(data) else StreamInterruptedError), text, events
        if not isinstance(value, dict):
            continue
        events.append(value)
        if value.get("error"):
            return StreamError, text, events
        message_id = _id_of(value)
        position = newest if message_id is None else positions.setdefault(message_id, len(positions))
        if (answer := _answer_of(value)) is None:
            if answered and message_id is not None and message_id == name:
                text, answered, name = "", False, None  # the message is no answer after all
        elif not answered or message_id in (None, name) or position >= newest:
            # An event of a message that began before the newest answer changes nothing.
            text, answered, name, newest = answer, True, message_id or name, position
    return (None if answered else StreamInterruptedError), text, events


def _id_of(value: dict[str, Any]) -> str | None:
    message = value.get("message")
    message_id = message.get("id") if isinstance(message, dict) else None
    return message_id if isinstance(message_id, str) and message_id else None


def _answer_of(value: dict[str, Any]) -> str | None:
    """Return the text of an answer, or None. The damage may have changed any key."""
    message = value.get("message")
    if not isinstance(message, dict) or message.get("role") != "assistant":
        return None
    content = message.get("content")
    if message.get("recipient", "all") not in (None, "all") or not isinstance(content, dict):
        return None
    if content.get("content_type", "text") not in ("text", "multimodal_text"):
        return None
    parts = content.get("parts")
    return "".join(part for part in parts if isinstance(part, str)) if isinstance(parts, list) else ""


def _data_of(body: str) -> Iterator[tuple[str, bool]]:
    """Yield the data of each event of a body, and whether a blank line ended the event."""
    data: list[str] = []
    lines = re.split("\r\n|\r|\n", body.removeprefix("\ufeff"))
    for number, line in enumerate(lines):
        if line == "" and number < len(lines) - 1:
            if "\n".join(data):
                yield "\n".join(data), True
            data = []
        field, _, value = line.partition(":")
        if field == "data":
            data.append(value.removeprefix(" "))
    if "\n".join(data):
        yield "\n".join(data), False


# ---- generated bodies ------------------------------------------------------------------------------------------------------

NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])
TEXTS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters=MARKS), max_size=30),
    min_size=1,
    max_size=8,
)
NOISE = ["", ": ping", "data:", "event: x", "id: 7", "retry: 10", "nonsense", "data"]


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[str], bytes]:
    """Generate the texts and the body of a reply that grows or is rewritten, with other lines between the events."""
    newline, ascii_only = draw(NEWLINES), draw(st.booleans())
    pieces = draw(TEXTS)
    grows = draw(st.booleans())
    texts = ["".join(pieces[: n + 1]) for n in range(len(pieces))] if grows else pieces
    lines: list[str] = []
    for text in texts:
        noise = draw(st.sampled_from(NOISE))
        lines += [noise, ""] if noise else []
        spaces = draw(st.sampled_from([(", ", ": "), (",", ":")]))
        lines += ["data: " + json.dumps(event(text), ensure_ascii=ascii_only, separators=spaces), ""]
    lines += ["data: [DONE]", "", ""]
    return texts, newline.join(lines).encode()


def split_at(body: bytes, positions: list[int]) -> list[bytes]:
    edges = sorted({0, len(body), *(position % (len(body) + 1) for position in positions)})
    return [body[start:end] for start, end in zip(edges, edges[1:], strict=False)]


POSITIONS = st.lists(st.integers(0, 10**6), max_size=12)


# ---- the tests -------------------------------------------------------------------------------------------------------


def read_through_client(pair: Client, chunks: list[bytes]) -> tuple[type[Exception] | None, str, list[Any]]:
    server, api = pair
    server.script(RawBody(chunks))
    events: list[Any] = []
    try:
        return (
            None,
            api.send_message("hello", on_conversation_response=events.append, timeout_ms=60_000),
            events,
        )
    except StreamError as error:
        return type(error), error.partial_text, events


@pytest.mark.parametrize("end", [b"data: [DONE]", b"data: [DONE]\n", b"data: [DONE]\nx", b"data:[DONE]\r"])
def test_stream_done_event_without_blank_line_ends_reply(pair: Client, end: bytes) -> None:
    """Found by the property tests: the page took it for the end of the stream, the reader in Python ignored it."""
    assert read_through_client(pair, [sse(event("one")) + end]) == (None, "one", [event("one")])


@pytest.mark.parametrize("examples", EXAMPLES)
def test_stream_split_anywhere_gives_the_same_reply(pair: Client, examples: int, soak: int) -> None:
    @settings(max_examples=examples * soak)
    @given(streams(), POSITIONS)
    def check(stream: tuple[list[str], bytes], positions: list[int]) -> None:
        texts, body = stream
        outcome = read_through_client(pair, split_at(body, positions))
        assert outcome == (None, texts[-1], [event(text) for text in texts])
        assert outcome == reference_outcome(body)

    check()


@pytest.mark.parametrize("examples", EXAMPLES)
def test_stream_with_damage_gives_the_outcome_of_reference_reader(
    pair: Client, examples: int, soak: int
) -> None:
    damage = st.one_of(
        st.binary(min_size=1, max_size=6),
        st.sampled_from([b"\n\n", b"\r", b'"', b"\\", b"data: ", b"\xef\xbb\xbf"]),
    )

    @settings(max_examples=examples * soak)
    @given(streams(), st.integers(0, 10**6), st.integers(0, 5), damage, st.booleans(), POSITIONS)
    def check(
        stream: tuple[list[str], bytes], at: int, lost: int, new: bytes, ends: bool, positions: list[int]
    ) -> None:
        texts, body = stream
        at %= len(body)
        body = body[:at] + new + (b"" if ends else body[at + lost :])
        kind, text, events = read_through_client(pair, split_at(body, positions))
        if _is_utf8(body):
            assert (kind, text, events) == reference_outcome(body)
        else:
            good = _text_before_damage(body)
            # The events before the damage have been read; the damage may cut the last one.
            assert kind is not None or "[DONE]" in good
            assert events == reference_events(good)

    check()


@pytest.mark.parametrize("examples", EXAMPLES)
def test_stream_of_any_bytes_raises_stream_error(pair: Client, examples: int, soak: int) -> None:
    @settings(max_examples=examples * soak)
    @given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=8))
    def check(chunks: list[bytes]) -> None:
        kind, text, _ = read_through_client(pair, chunks)
        assert kind in (StreamError, StreamInterruptedError, MalformedEventError)
        assert text == ""

    check()


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _text_before_damage(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        return body[: error.start].decode()


def reference_events(good: str) -> list[Any]:
    """Return the events that ended before the damage."""
    ended = [data for data, ended in _data_of(good) if ended]
    return reference_outcome("".join(_event(line) for line in ended).encode())[2]


def _event(data: str) -> str:
    return "".join(f"data: {line}\n" for line in data.split("\n")) + "\n"
