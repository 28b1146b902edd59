"""Tests of parsing server-sent events from chunks of bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatgpt_browser._protocol.sse import EventReader

STREAM = (
    '\ufeffevent: delta\ndata: {"v": "\u00e9\U0001f600"}\n\n: ping\n\ndata:\n\ndata: a\ndata:b\nid: 3\n\n'
    "data: [DONE]\n\ndata: late\n\n"
)
EVENTS = [
    {"type": "delta", "data": '{"v": "\u00e9\U0001f600"}'},
    {"type": "", "data": "a\nb"},
    {"type": "", "data": "[DONE]"},
]


def read(body: bytes, cuts: list[int]) -> list[dict[str, str]]:
    reader = EventReader()
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    chunks = [body[one:other] for one, other in zip(edges, edges[1:], strict=False)]
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return events + reader.feed(b"", final=True)


@given(st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.integers(0, 200), max_size=12))
def test_event_reader_any_chunking_yields_same_events(newline: str, cuts: list[int]) -> None:
    assert read(STREAM.replace("\n", newline).encode(), cuts) == EVENTS


def test_event_reader_body_ends_in_event_yields_unended_event() -> None:
    assert read(b"data: a\n\ndata: b", []) == [
        {"type": "", "data": "a"},
        {"type": "", "data": "b", "unended": "yes"},
    ]


def test_event_reader_invalid_utf8_stops_reading() -> None:
    reader = EventReader()
    assert reader.feed(b"data: a\n\n") == [{"type": "", "data": "a"}]
    # Events before the invalid byte in the same chunk are returned, later ones are not.
    assert reader.feed(b"data: b\n\ndata: c\xff\n\ndata: d\n\n") == [{"type": "", "data": "b"}]
    assert reader.is_damaged
    assert reader.feed(b"data: e\n\n", final=True) == []


def test_event_reader_invalid_utf8_across_chunks_stops_reading() -> None:
    reader = EventReader()
    assert reader.feed(b"data: a\n\ndata: \xe2\x82") == [{"type": "", "data": "a"}]
    assert reader.feed(b"\n\ndata: b\n\n") == []
    assert reader.is_damaged
