"""JSON of the site that is nested deeply: each reader returns a value, or raises a typed error."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from chatgpt_browser import ChatGPTError
from chatgpt_browser._core.models import Head, Response
from chatgpt_browser._protocol.continuation import read_socket_frame
from chatgpt_browser._protocol.deep_research import read_research
from chatgpt_browser._protocol.delta import DeltaDecoder, DeltaError
from chatgpt_browser._protocol.error_responses import read_json, read_large_json
from chatgpt_browser._protocol.reply_text import clean_text
from chatgpt_browser._protocol.site_json import MAX_DEPTH, parse_json, parse_json_or_none
from tests.support.memory_site import MemorySite, head
from tests.support.reply_events import tree, user_message
from tests.support.whole_turns import (
    CONVERSATION,
    delta_events,
    ended,
    handed_off,
    site_message,
    stored,
    text_content,
    whole_events,
)

DEPTHS = (100, 300, MAX_DEPTH, MAX_DEPTH + 1, 500, 700, 900)


def nested(depth: int) -> Any:
    """Return a list with ``depth`` levels."""
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_parse_json_accepts_maximum_depth_and_no_more() -> None:
    assert parse_json(json.dumps(nested(MAX_DEPTH))) == nested(MAX_DEPTH)
    assert parse_json_or_none("[" * 100_000) is None
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json(json.dumps(nested(MAX_DEPTH + 1)))


@pytest.mark.parametrize("depth", DEPTHS)
def test_reply_with_nested_metadata_is_whole_or_typed_error(depth: int) -> None:
    answer = site_message(
        "a", text_content("Hello"), end_turn=True, channel="final", metadata={"x": nested(depth)}
    )

    async def read(events: list[dict[str, str]]) -> str:
        site = MemorySite(lambda _: [head(), ["events", events, 1], ["end"]])
        site.browser.backend[f"/conversation/{CONVERSATION}"] = stored([answer])
        stream = site.stream()
        try:
            async for _ in stream:
                pass
        except ChatGPTError:
            return ""
        return str(stream.reply)

    streams = [ended(whole_events([answer])), ended(delta_events([answer])), handed_off([], 0)]
    texts = {asyncio.run(read(events)) for events in streams}

    assert texts == ({"Hello"} if depth <= 300 else {""} if depth > MAX_DEPTH else texts)


@pytest.mark.parametrize("read", [read_json, read_large_json])
def test_read_of_nested_response_raises_typed_error(read: Any) -> None:
    response = Response(Head(200), json.dumps(nested(900)))

    with pytest.raises(ChatGPTError):
        read(response)


def test_nested_values_in_texts_of_site_are_ignored() -> None:
    frame = '{"encoded_item": 1, "payload": ' + json.dumps(nested(900)) + "}"
    state = '{"status": "completed", "report_message": ' + json.dumps({"metadata": nested(900)}) + "}"
    report = site_message("r", text_content(""), metadata={"chatgpt_sdk": {"widget_state": state}})

    assert read_socket_frame(frame) == []
    assert read_research(tree(user_message("q"), report), ("q",)) is None
    assert clean_text("\ue200entity\ue202" + "[" * 100_000 + "\ue201") == "[" * 100_000


def test_deltas_that_nest_value_again_and_again_raise_delta_error() -> None:
    decoder, path = DeltaDecoder(), "/x"
    decoder.apply({"p": "", "o": "add", "v": {}})

    with pytest.raises(DeltaError, match="steps"):
        for _ in range(20):
            decoder.apply({"p": path, "o": "add", "v": nested(20)})
            path += "/0" * 20
