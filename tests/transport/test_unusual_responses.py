"""Unusual responses, and the texts or errors that they lead to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import (
    APIStatusError,
    ChallengeError,
    MalformedEventError,
    StreamError,
    StreamInterruptedError,
)
from chatgpt_browser.testing import BREAK, Answer, Break, Gate, Hold, RawBody, Reply
from tests.support.scripted_site import DONE, at_once, body, can_send, event, grown, sse

if TYPE_CHECKING:
    from chatgpt_browser import ChatGPTAPI
    from tests.support.scripted_site import ScriptedSite

EMOJI = 'Grüße, 世界 👩‍👩‍👧 \U0001f600 and \u2028 "quotes" \\ back\\\\slashes\\" \t\r\n end'


# ---- framing ---------------------------------------------------------------------------------------------------------


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("newline", "ensure_ascii"),
    [("\n", True), ("\r\n", False), ("\r", False)],
    ids=["LF-escaped", "CRLF", "CR"],
)
def test_response_in_single_bytes_is_read_whole(
    scripted_site: ScriptedSite, api: ChatGPTAPI, newline: Any, ensure_ascii: bool
) -> None:
    reply = Reply(
        EMOJI, byte_by_byte=True, newline=newline, ensure_ascii=ensure_ascii, comments=True, moderation=True
    )
    recorded: list[str] = []

    assert api.send_message(scripted_site.answering(reply), on_progress=recorded.append) == EMOJI
    assert recorded[-1] == EMOJI
    assert all(EMOJI.startswith(text) for text in recorded)


def test_response_with_byte_order_mark_is_read(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    assert api.send_message(scripted_site.answering(body(b"\xef\xbb\xbf", event("a"), DONE))) == "a"


def test_event_with_several_data_lines_is_joined(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    lines = json.dumps(event("one\ntwo"), indent=2).splitlines()
    block = "".join(f"data: {line}\n" for line in lines) + "\n"

    assert api.send_message(scripted_site.answering(body(block.encode(), DONE))) == "one\ntwo"


def test_event_fields_other_than_data_are_ignored(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    noise = b"id: 7\nretry: 10\nevent: message\nunknown\nunknown: x\n"
    block = noise + sse(event("a")).rstrip(b"\n") + b"\nid\n\n"

    assert api.send_message(scripted_site.answering(body(block, b"data:[DONE]\n\n"))) == "a"


# ---- ends ------------------------------------------------------------------------------------------------------------


def test_body_without_done_completes_the_reply(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    assert api.send_message(scripted_site.answering(Reply("one two", done=False))) == "one two"
    assert api.send_message(scripted_site.answering(body(event("a"), event("ab")))) == "ab"


def test_body_ended_in_progress_raises(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """The body ends without an error and without ``[DONE]``, and its last event is ``in_progress``: the reply is not complete."""
    with pytest.raises(StreamInterruptedError, match="in the middle") as caught:
        api.send_message(scripted_site.answering(Reply("one two", done=False, final_status=False)))
    assert caught.value.partial_text == "one two"


def test_last_event_without_empty_line_is_read(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    for end in (b"\n", b"", b"\r\n"):
        message = scripted_site.answering(body(event("a"), sse(event("ab")).rstrip(b"\n") + end))
        assert api.send_message(message) == "ab"


def test_event_cut_by_the_end_of_the_body_raises(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    for end in (b"\n", b""):
        for cut in (20, 60, 110):
            with pytest.raises(StreamInterruptedError, match="in the middle") as caught:
                api.send_message(scripted_site.answering(body(event("a"), sse(event("ab"))[:cut] + end)))
            assert caught.value.partial_text == "a"


def test_done_cut_by_the_end_of_the_body_completes_the_reply(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    for end in (b"data: [DO", b"data: [DONE]", b"data: [DONE]\n"):
        assert api.send_message(scripted_site.answering(body(event("a"), end))) == "a"


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (b'event: error\ndata: {"detail": "Something went wrong"}\n\n', "Something went wrong"),
        (b'event: error\ndata: {"code": 7}\n\n', '"code": 7'),
        (b'data: {"detail": "Something went wrong"}\n\n', "Something went wrong"),
        (sse({"message": None, "error": None, "error_code": "rate_limited"}), "rate_limited"),
        (sse({"type": "error", "message": "Oh"}), "Oh"),
    ],
)
def test_error_event_in_each_form_raises(
    scripted_site: ScriptedSite, api: ChatGPTAPI, last: bytes, expected: str
) -> None:
    """No form of error event lets half a reply pass as complete."""
    with pytest.raises(StreamError, match=expected) as caught:
        api.send_message(scripted_site.answering(body(event("half a"), last)))
    assert caught.value.partial_text == "half a"


@pytest.mark.parametrize(
    "last",
    [
        sse({"message": {"metadata": None}, "error": None}).replace(b"null", b"[" * 3000 + b"]" * 3000, 1),
        sse({"c": [], "v": "x"}),
        sse({"p": "/message/content/parts/" + "9" * 5000, "o": "append", "v": "x"}),
        sse({"p": "", "o": "add", "v": {"message": None}}).replace(b"null", b"[" * 900 + b"]" * 900),
    ],
    ids=["deep", "channel", "index", "deep delta"],
)
def test_event_with_extreme_json_raises_stream_error(
    scripted_site: ScriptedSite, api: ChatGPTAPI, last: bytes
) -> None:
    """The result is a typed error, after the events before it."""
    recorded: list[str] = []
    with pytest.raises(StreamError) as caught:
        api.send_message(scripted_site.answering(body(event("a"), last)), on_progress=recorded.append)
    assert caught.value.partial_text == "a" and recorded == ["a"]


def test_done_before_the_end_of_the_body_completes_the_reply(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    reply = Reply("one two", after_done=sse(event("three")) + b"garbage \xff\xff\n\n")

    assert api.send_message(scripted_site.answering(reply)) == "one two"
    assert can_send(api)


def test_done_in_an_endless_body_completes_the_reply(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    message = scripted_site.answering(Reply("one two", hang_after_done=True))

    assert api.send_message(message, timeout_ms=20_000) == "one two"
    assert api.send_message(message, timeout_ms=20_000) == "one two"
    for post in scripted_site.posts:
        assert post.disconnected.wait(20), "the connection was not closed"


@pytest.mark.parametrize(
    "text",
    ["[DONE]", "the data is [DONE] now", "data: [DONE]\n\n", "[DONE", '"data: [DONE]"', "\n\n[DONE]\n\n"],
)
def test_done_within_text_is_text(scripted_site: ScriptedSite, api: ChatGPTAPI, text: str) -> None:
    assert api.send_message(scripted_site.answering(grown(text[:2], text))) == text
    assert api.send_message(scripted_site.answering(text)) == text


def test_done_in_each_notation_completes_the_reply(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    for done in (
        b"data:[DONE]\n\n",
        b"data: [DONE]\r\n\r\n",
        b"data: [DONE]\r\r",
        b"event: x\ndata: [DONE]\n\n",
    ):
        message = scripted_site.answering(RawBody([sse(event("a")), done, Hold(Gate())]))
        assert api.send_message(message, timeout_ms=20_000) == "a"


def test_body_without_a_reply_raises(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    for empty in (body(b""), body(DONE), body(event("echo", role="user"), DONE), body(b": ping\n\n")):
        with pytest.raises(StreamInterruptedError) as caught:
            api.send_message(scripted_site.answering(empty))
        assert caught.value.partial_text == ""


# ---- errors ----------------------------------------------------------------------------------------------------------


def test_error_event_in_the_middle_raises_with_the_text_so_far(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    recorded: list[str] = []
    with pytest.raises(StreamError) as caught:
        api.send_message(
            scripted_site.answering(Reply("one two three", error="The server had an error.")),
            on_progress=recorded.append,
        )

    (conversation,) = [
        c for c in scripted_site.server.conversations.values() if c.id == caught.value.conversation_id
    ]
    assert type(caught.value) is StreamError
    assert "The server had an error." in str(caught.value)
    assert caught.value.partial_text == recorded[-1] == "one two three"
    assert caught.value.message_id == conversation.current_node


def test_error_event_is_passed_to_the_callback_before_it_is_raised(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    failure = {"message": None, "conversation_id": "c-1", "error": "Something went wrong"}
    recorded: list[Any] = []
    with pytest.raises(StreamError):
        api.send_message(
            scripted_site.answering(body(event("a"), failure, event("ab"))),
            on_conversation_response=recorded.append,
        )

    assert recorded == [event("a"), failure]


def test_connection_broken_between_events_raises_with_the_text_so_far(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    gate = Gate()
    recorded: list[str] = []

    def record(text: str) -> None:
        recorded.append(text)
        if text == "one two":
            gate.open()  # Chromium may drop data that is in transit when a connection breaks

    reply = Reply("one two three", hold_after=2, gate=gate, break_after=2)
    with pytest.raises(StreamInterruptedError) as caught:
        api.send_message(scripted_site.answering(reply), on_progress=record)

    assert recorded == ["one", "one two"]
    assert caught.value.partial_text == "one two"
    assert caught.value.conversation_id in scripted_site.server.conversations
    assert caught.value.message_id is not None
    assert len(scripted_site.posts) == 1, "a message that the site has accepted was sent twice"
    assert can_send(api)


def test_connection_broken_within_an_event_raises_with_the_text_so_far(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    gate, half = Gate(), sse(event("ab"))[:40]
    with pytest.raises(StreamInterruptedError) as caught:
        api.send_message(
            scripted_site.answering(RawBody([sse(event("a")), half, Hold(gate), BREAK])),
            on_progress=lambda text: gate.open(),
        )

    assert caught.value.partial_text == "a"
    assert (caught.value.conversation_id, caught.value.message_id) == ("c-1", "m-1")


def test_connection_broken_before_the_head_raises(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with pytest.raises(StreamInterruptedError):
        api.send_message(scripted_site.answering(Break()))

    assert len(scripted_site.posts) == 1, "a message that the site may have accepted was sent twice"


def test_reply_stream_yields_the_text_before_a_broken_connection(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    gate = Gate()
    stream = api.stream_message(
        scripted_site.answering(Reply("one two three", hold_after=2, gate=gate, break_after=2))
    )
    assert [next(stream), next(stream)] == ["one", " two"]
    gate.open()
    with pytest.raises(StreamInterruptedError) as caught:
        next(stream)

    assert caught.value.partial_text == stream.text == "one two"
    assert list(stream) == []


@pytest.mark.parametrize(
    "data", ["{", "[1, 2", '{"message": }', "undefined", '{"a": "\\x"}', "<html>", "data", "'a'"]
)
def test_event_with_invalid_json_raises(scripted_site: ScriptedSite, api: ChatGPTAPI, data: str) -> None:
    recorded: list[str] = []
    with pytest.raises(MalformedEventError) as caught:
        api.send_message(
            scripted_site.answering(body(event("a"), event("ab"), data, event("abc"))),
            on_progress=recorded.append,
        )

    assert caught.value.partial_text == recorded[-1] == "ab"
    assert caught.value.conversation_id == "c-1"
    assert data not in str(caught.value) or len(data) < 3, "the error contains text of the reply"


def test_event_with_other_json_is_ignored(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    stream = body(event("a"), "1", '"v1"', "null", "[]", "{}", '{"message": "x"}', '{"message": {}}', DONE)

    assert api.send_message(scripted_site.answering(stream)) == "a"


@pytest.mark.parametrize(
    "content",
    [
        None,
        "text",
        [],
        {},
        {"content_type": "text"},
        {"content_type": "text", "parts": None},
        {"parts": [1, None]},
    ],
)
def test_message_without_text_content_is_ignored(
    scripted_site: ScriptedSite, api: ChatGPTAPI, content: Any
) -> None:
    assert (
        api.send_message(scripted_site.answering(body(event("x", content=content), event("a"), DONE))) == "a"
    )


def test_message_with_several_parts_is_joined(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    parts = [["a"], ["a", "b"], ["ab", "b"], ["ab", "b", {"asset": 1}, "c"]]
    events = [event("", content={"content_type": "multimodal_text", "parts": each}) for each in parts]
    recorded: list[str] = []

    assert (
        api.send_message(scripted_site.answering(body(*events, DONE)), on_progress=recorded.append) == "abbc"
    )
    assert recorded == ["a", "ab", "abb", "abbc"]


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf0\x9f\x98"], ids=repr)
def test_body_with_invalid_utf8_raises(scripted_site: ScriptedSite, api: ChatGPTAPI, bad: bytes) -> None:
    damaged = sse(event("ab@")).replace(b"@", bad)
    gate = Gate()
    with pytest.raises(MalformedEventError) as caught:
        api.send_message(
            scripted_site.answering(RawBody([sse(event("a")), Hold(gate), damaged, sse(event("abc")), DONE])),
            on_progress=lambda text: gate.open(),
        )

    assert caught.value.partial_text == "a"
    assert can_send(api)


def test_body_with_invalid_utf8_delivers_earlier_events_of_the_chunk(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    recorded: list[str] = []
    with pytest.raises(MalformedEventError) as caught:
        api.send_message(
            scripted_site.answering(
                RawBody([sse(event("a")) + sse(event("ab@")).replace(b"@", b"\xff") + DONE])
            ),
            on_progress=recorded.append,
        )

    assert recorded == ["a"]
    assert caught.value.partial_text == "a"


# ---- growing text ----------------------------------------------------------------------------------------------------

GROWING = [
    'a "quote',
    'a "quote" and \\',
    'a "quote" and \\ back',
    'a "quote" and \\ back\\\\',
    'a "quote" and \\ back\\\\"',
    'a "quote" and \\ back\\\\" 😀 \u2028 \x00 \x1f / </script>',
]


@pytest.mark.parametrize(
    "how", [{}, {"ensure_ascii": False}, {"separators": (",", ":")}, {"indent": 1}], ids=str
)
def test_text_with_escapes_grows_correctly(scripted_site: ScriptedSite, api: ChatGPTAPI, how: Any) -> None:
    blocks = [
        b"".join(b"data: " + line + b"\n" for line in json.dumps(event(text), **how).encode().split(b"\n"))
        + b"\n"
        for text in GROWING
    ]
    recorded: list[str] = []

    assert (
        api.send_message(scripted_site.answering(body(*blocks, DONE)), on_progress=recorded.append)
        == GROWING[-1]
    )
    assert recorded == GROWING


def test_text_with_json_whitespace_around_grows_correctly(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    spaced = [sse(event(text)).replace(b'"parts": [', b'"parts"  :\t[  ') for text in GROWING]
    recorded: list[dict[str, Any]] = []

    assert (
        api.send_message(
            scripted_site.answering(body(*spaced, DONE)), on_conversation_response=recorded.append
        )
        == GROWING[-1]
    )
    assert recorded == [event(text) for text in GROWING]


def test_surrogate_pair_split_over_events_is_joined(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    raw = ["x\\ud83d", "x\\ud83d\\ude00", "x\\ud83d\\ude00 y\\ud83d", "x\\ud83d\\ude00 y\\ud83d\\ude80!"]
    blocks = [sse(event("@")).replace(b"@", each.encode()) for each in raw]
    recorded: list[str] = []

    assert (
        api.send_message(scripted_site.answering(body(*blocks, DONE)), on_progress=recorded.append)
        == "x😀 y🚀!"
    )
    assert recorded[1] == "x😀"
    assert recorded[-1] == "x😀 y🚀!"


def test_reply_stream_yields_no_single_surrogates(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    raw = ["x\\ud83d", "x\\ud83d\\ude00", "x\\ud83d\\ude00!"]
    blocks = [sse(event("@")).replace(b"@", each.encode()) for each in raw]
    pieces = list(api.stream_message(scripted_site.answering(body(*blocks, DONE))))

    assert "".join(pieces) == "x😀!"
    "".join(pieces).encode()


def test_text_rewritten_by_the_site_is_replaced(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    texts = ["I think", "I know", "I know it", "", "Sorry.", "Sor", "Sorry. Bye."]
    recorded: list[str] = []

    assert (
        api.send_message(scripted_site.answering(grown(*texts)), on_progress=recorded.append) == "Sorry. Bye."
    )
    assert recorded == texts


def test_text_that_repeats_itself_is_kept(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """A client that looked for overlapping text would lose the second "ha"."""
    assert api.send_message(scripted_site.answering(grown("ha", "haha", "hahaha"))) == "hahaha"
    assert list(api.stream_message(scripted_site.answering(grown("ha", "haha", "hahaha")))) == ["ha"] * 3


def test_event_with_another_parts_list_is_read_correctly(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """The event has another list named "parts" before that of the message."""

    def odd(text: str, other: str) -> dict[str, Any]:
        return {"debug": {"parts": [other]}, **event(text)}

    events = [odd("a", "x"), odd("ab", "x"), odd("ab", "xy"), odd("abc", "xyz")]
    recorded: list[dict[str, Any]] = []
    texts: list[str] = []
    reply = api.send_message(
        scripted_site.answering(body(*events, DONE)),
        on_conversation_response=recorded.append,
        on_progress=texts.append,
    )

    assert reply == "abc"
    assert recorded == events
    assert texts == ["a", "ab", "abc"]


def test_text_that_resembles_the_protocol_is_read_correctly(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """The question is echoed before the reply, and the reply quotes it."""
    text = '"parts": ["'
    events = [event(text, role="user"), event(text[:5]), event(text), event(text + '"]}, "x')]
    recorded: list[dict[str, Any]] = []

    reply = api.send_message(
        scripted_site.answering(body(*events, DONE)), on_conversation_response=recorded.append
    )
    assert reply == text + '"]}, "x'
    assert recorded == events


def test_second_answer_replaces_the_first(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    first, second = event("Searching", id="m-1"), event("Found it", id="m-2")
    with api.stream_message(scripted_site.answering(body(first, second, DONE))) as stream:
        list(stream)

    assert stream.text == "Found it"
    assert stream.message_id == "m-2"


# ---- responses without a stream --------------------------------------------------------------------------------------


def test_html_with_status_200_raises(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with pytest.raises(APIStatusError) as caught:
        api.send_message(
            scripted_site.answering(Answer(200, "<!DOCTYPE html><title>Down for a while</title>"))
        )

    assert caught.value.status_code == 200
    assert "Down for a while" in str(caught.value)
    assert caught.value.body is not None
    assert "<title>" in caught.value.body


def test_json_with_status_200_raises(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with pytest.raises(APIStatusError) as caught:
        api.send_message(scripted_site.answering(Answer(200, {"detail": "not today"})))

    assert caught.value.detail == "not today"
    assert "not today" in str(caught.value)


def test_event_stream_with_another_content_type_is_read(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    stream = RawBody([sse(event("a")), DONE], content_type="text/plain")

    assert api.send_message(scripted_site.answering(stream)) == "a"


def test_challenge_twice_raises(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with pytest.raises(ChallengeError, match="chatgpt-browser login"):
        api.send_message(scripted_site.answering(Answer.challenge()))

    assert len(scripted_site.posts) == 2, "one retry after a navigation"
    assert can_send(api)


def test_on_progress_is_called_for_each_event_of_a_burst(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    texts = ["x" * length for length in range(1, 200)]
    recorded: list[str] = []

    assert (
        api.send_message(scripted_site.answering(at_once(*texts)), on_progress=recorded.append) == texts[-1]
    )
    assert recorded == texts
