"""What may come over the wire, and what becomes of it."""

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


# ---- how it is cut ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("newline", "ensure_ascii"),
    [("\n", True), ("\r\n", False), ("\r", False)],
    ids=["LF-escaped", "CRLF", "CR"],
)
def test_every_byte_a_chunk_of_its_own(
    scripted_site: ScriptedSite, api: ChatGPTAPI, newline: Any, ensure_ascii: bool
) -> None:
    reply = Reply(
        EMOJI, byte_by_byte=True, newline=newline, ensure_ascii=ensure_ascii, comments=True, moderation=True
    )
    heard: list[str] = []

    assert api.send_message(scripted_site.answering(reply), on_progress=heard.append) == EMOJI
    assert heard[-1] == EMOJI
    assert all(EMOJI.startswith(text) for text in heard)


def test_a_byte_order_mark(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    assert api.send_message(scripted_site.answering(body(b"\xef\xbb\xbf", event("a"), DONE))) == "a"


def test_data_over_several_lines(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    lines = json.dumps(event("one\ntwo"), indent=2).splitlines()
    block = "".join(f"data: {line}\n" for line in lines) + "\n"

    assert api.send_message(scripted_site.answering(body(block.encode(), DONE))) == "one\ntwo"


def test_fields_that_are_not_data(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    noise = b"id: 7\nretry: 10\nevent: message\nunknown\nunknown: x\n"
    block = noise + sse(event("a")).rstrip(b"\n") + b"\nid\n\n"

    assert api.send_message(scripted_site.answering(body(block, b"data:[DONE]\n\n"))) == "a"


# ---- where it ends ---------------------------------------------------------------------------------------------------


def test_a_body_without_done_ends_the_reply(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    assert api.send_message(scripted_site.answering(Reply("one two", done=False))) == "one two"
    assert api.send_message(scripted_site.answering(body(event("a"), event("ab")))) == "ab"


def test_a_body_that_ends_in_the_middle_of_the_reply(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """It ends in order, without ``[DONE]``, and its last event says ``in_progress``: half a reply is not given as whole."""
    with pytest.raises(StreamInterruptedError, match="in the middle") as caught:
        api.send_message(scripted_site.answering(Reply("one two", done=False, final_status=False)))
    assert caught.value.partial_text == "one two"


def test_a_last_event_without_its_empty_line(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    for end in (b"\n", b"", b"\r\n"):
        message = scripted_site.answering(body(event("a"), sse(event("ab")).rstrip(b"\n") + end))
        assert api.send_message(message) == "ab"


def test_an_event_that_the_end_of_the_body_has_cut(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    for end in (b"\n", b""):
        for cut in (20, 60, 110):
            with pytest.raises(StreamInterruptedError, match="in the middle") as caught:
                api.send_message(scripted_site.answering(body(event("a"), sse(event("ab"))[:cut] + end)))
            assert caught.value.partial_text == "a"


def test_a_last_word_that_the_end_of_the_body_has_cut(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    for end in (b"data: [DO", b"data: [DONE]", b"data: [DONE]\n"):
        assert api.send_message(scripted_site.answering(body(event("a"), end))) == "a"


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (b'event: error\ndata: {"detail": "Something went wrong"}\n\n', "Something went wrong"),
        (b'event: error\ndata: {"code": 7}\n\n', "it does not say which"),
        (b'data: {"detail": "Something went wrong"}\n\n', "Something went wrong"),
        (sse({"message": None, "error": None, "error_code": "rate_limited"}), "rate_limited"),
        (sse({"type": "error", "message": "Oh"}), "Oh"),
    ],
)
def test_an_error_event_in_each_of_its_forms(
    scripted_site: ScriptedSite, api: ChatGPTAPI, last: bytes, said: str
) -> None:
    """None of them leaves half a reply that looks whole."""
    with pytest.raises(StreamError, match=said) as caught:
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
def test_json_that_nobody_writes(scripted_site: ScriptedSite, api: ChatGPTAPI, last: bytes) -> None:
    """A typed error at the most, behind what came before it."""
    heard: list[str] = []
    with pytest.raises(StreamError) as caught:
        api.send_message(scripted_site.answering(body(event("a"), last)), on_progress=heard.append)
    assert caught.value.partial_text == "a" and heard == ["a"]


def test_done_ends_the_reply_though_the_body_goes_on(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    reply = Reply("one two", after_done=sse(event("three")) + b"garbage \xff\xff\n\n")

    assert api.send_message(scripted_site.answering(reply)) == "one two"
    assert can_send(api)


def test_done_ends_the_reply_though_the_body_never_ends(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    message = scripted_site.answering(Reply("one two", hang_after_done=True))

    assert api.send_message(message, timeout_ms=5000) == "one two"
    assert api.send_message(message, timeout_ms=5000) == "one two"
    for post in scripted_site.posts:
        assert post.disconnected.wait(20), "the connection is kept for nothing"


@pytest.mark.parametrize(
    "text",
    ["[DONE]", "the data is [DONE] now", "data: [DONE]\n\n", "[DONE", '"data: [DONE]"', "\n\n[DONE]\n\n"],
)
def test_data_that_contains_done_is_text(scripted_site: ScriptedSite, api: ChatGPTAPI, text: str) -> None:
    assert api.send_message(scripted_site.answering(grown(text[:2], text))) == text
    assert api.send_message(scripted_site.answering(text)) == text


def test_done_in_several_spellings(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    for done in (
        b"data:[DONE]\n\n",
        b"data: [DONE]\r\n\r\n",
        b"data: [DONE]\r\r",
        b"event: x\ndata: [DONE]\n\n",
    ):
        message = scripted_site.answering(RawBody([sse(event("a")), done, Hold(Gate())]))
        assert api.send_message(message, timeout_ms=5000) == "a"


def test_nothing_that_is_a_reply(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    for empty in (body(b""), body(DONE), body(event("echo", role="user"), DONE), body(b": ping\n\n")):
        with pytest.raises(StreamInterruptedError) as caught:
            api.send_message(scripted_site.answering(empty))
        assert caught.value.partial_text == ""


# ---- how it breaks ---------------------------------------------------------------------------------------------------


def test_an_error_event_in_the_middle(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    heard: list[str] = []
    with pytest.raises(StreamError) as caught:
        api.send_message(
            scripted_site.answering(Reply("one two three", error="The server had an error.")),
            on_progress=heard.append,
        )

    (conversation,) = [
        c for c in scripted_site.server.conversations.values() if c.id == caught.value.conversation_id
    ]
    assert type(caught.value) is StreamError
    assert "The server had an error." in str(caught.value)
    assert caught.value.partial_text == heard[-1] == "one two three"
    assert caught.value.message_id == conversation.current_node


def test_an_error_event_is_told_before_it_is_raised(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    failure = {"message": None, "conversation_id": "c-1", "error": "Something went wrong"}
    heard: list[Any] = []
    with pytest.raises(StreamError):
        api.send_message(
            scripted_site.answering(body(event("a"), failure, event("ab"))),
            on_conversation_response=heard.append,
        )

    assert heard == [event("a"), failure]


def test_a_connection_that_breaks_in_the_middle(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    gate = Gate()
    heard: list[str] = []

    def hear(text: str) -> None:
        heard.append(text)
        if text == "one two":
            gate.open()  # what is under way when a connection breaks, Chromium may drop

    reply = Reply("one two three", hold_after=2, gate=gate, break_after=2)
    with pytest.raises(StreamInterruptedError) as caught:
        api.send_message(scripted_site.answering(reply), on_progress=hear)

    assert heard == ["one", "one two"]
    assert caught.value.partial_text == "one two"
    assert caught.value.conversation_id in scripted_site.server.conversations
    assert caught.value.message_id is not None
    assert len(scripted_site.posts) == 1, "a message that the site has taken was sent twice"
    assert can_send(api)


def test_a_connection_that_breaks_in_the_middle_of_an_event(
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


def test_a_connection_that_breaks_before_the_answer(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with pytest.raises(StreamInterruptedError):
        api.send_message(scripted_site.answering(Break()))

    assert len(scripted_site.posts) == 1, "a message that the site may have taken was sent twice"


def test_a_stream_gives_what_came_before_it_broke(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
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
def test_data_that_is_no_json(scripted_site: ScriptedSite, api: ChatGPTAPI, data: str) -> None:
    heard: list[str] = []
    with pytest.raises(MalformedEventError) as caught:
        api.send_message(
            scripted_site.answering(body(event("a"), event("ab"), data, event("abc"))),
            on_progress=heard.append,
        )

    assert caught.value.partial_text == heard[-1] == "ab"
    assert caught.value.conversation_id == "c-1"
    assert data not in str(caught.value) or len(data) < 3, "what a user said is not for a log"


def test_json_that_is_no_event(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
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
def test_a_message_without_the_usual_content(
    scripted_site: ScriptedSite, api: ChatGPTAPI, content: Any
) -> None:
    assert (
        api.send_message(scripted_site.answering(body(event("x", content=content), event("a"), DONE))) == "a"
    )


def test_several_parts_are_one_text(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    parts = [["a"], ["a", "b"], ["ab", "b"], ["ab", "b", {"asset": 1}, "c"]]
    events = [event("", content={"content_type": "multimodal_text", "parts": each}) for each in parts]
    heard: list[str] = []

    assert api.send_message(scripted_site.answering(body(*events, DONE)), on_progress=heard.append) == "abbc"
    assert heard == ["a", "ab", "abb", "abbc"]


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf0\x9f\x98"], ids=repr)
def test_bytes_that_are_no_utf_8(scripted_site: ScriptedSite, api: ChatGPTAPI, bad: bytes) -> None:
    spoilt = sse(event("ab@")).replace(b"@", bad)
    gate = Gate()
    with pytest.raises(MalformedEventError) as caught:
        api.send_message(
            scripted_site.answering(RawBody([sse(event("a")), Hold(gate), spoilt, sse(event("abc")), DONE])),
            on_progress=lambda text: gate.open(),
        )

    assert caught.value.partial_text == "a"
    assert can_send(api)


def test_what_stands_before_a_bad_byte_in_the_same_chunk(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    heard: list[str] = []
    with pytest.raises(MalformedEventError) as caught:
        api.send_message(
            scripted_site.answering(
                RawBody([sse(event("a")) + sse(event("ab@")).replace(b"@", b"\xff") + DONE])
            ),
            on_progress=heard.append,
        )

    assert heard == ["a"]
    assert caught.value.partial_text == "a"


# ---- how the text grows ----------------------------------------------------------------------------------------------

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
def test_escapes_in_the_growing_text(scripted_site: ScriptedSite, api: ChatGPTAPI, how: Any) -> None:
    blocks = [
        b"".join(b"data: " + line + b"\n" for line in json.dumps(event(text), **how).encode().split(b"\n"))
        + b"\n"
        for text in GROWING
    ]
    heard: list[str] = []

    assert (
        api.send_message(scripted_site.answering(body(*blocks, DONE)), on_progress=heard.append)
        == GROWING[-1]
    )
    assert heard == GROWING


def test_spaces_around_the_text(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    spaced = [sse(event(text)).replace(b'"parts": [', b'"parts"  :\t[  ') for text in GROWING]
    heard: list[dict[str, Any]] = []

    assert (
        api.send_message(scripted_site.answering(body(*spaced, DONE)), on_conversation_response=heard.append)
        == GROWING[-1]
    )
    assert heard == [event(text) for text in GROWING]


def test_a_surrogate_pair_over_two_events(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    raw = ["x\\ud83d", "x\\ud83d\\ude00", "x\\ud83d\\ude00 y\\ud83d", "x\\ud83d\\ude00 y\\ud83d\\ude80!"]
    blocks = [sse(event("@")).replace(b"@", each.encode()) for each in raw]
    heard: list[str] = []

    assert (
        api.send_message(scripted_site.answering(body(*blocks, DONE)), on_progress=heard.append) == "x😀 y🚀!"
    )
    assert heard[1] == "x😀"
    assert heard[-1] == "x😀 y🚀!"


def test_a_stream_gives_no_half_of_a_character(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    raw = ["x\\ud83d", "x\\ud83d\\ude00", "x\\ud83d\\ude00!"]
    blocks = [sse(event("@")).replace(b"@", each.encode()) for each in raw]
    pieces = list(api.stream_message(scripted_site.answering(body(*blocks, DONE))))

    assert "".join(pieces) == "x😀!"
    "".join(pieces).encode()


def test_a_text_that_is_rewritten(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    texts = ["I think", "I know", "I know it", "", "Sorry.", "Sor", "Sorry. Bye."]
    heard: list[str] = []

    assert api.send_message(scripted_site.answering(grown(*texts)), on_progress=heard.append) == "Sorry. Bye."
    assert heard == texts


def test_true_repeats_are_kept(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """Clients that guess at overlaps lose the second "ha"."""
    assert api.send_message(scripted_site.answering(grown("ha", "haha", "hahaha"))) == "hahaha"
    assert list(api.stream_message(scripted_site.answering(grown("ha", "haha", "hahaha")))) == ["ha"] * 3


def test_parts_elsewhere_in_the_event(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """Another list called "parts" stands before the message's own: it is not the text."""

    def odd(text: str, other: str) -> dict[str, Any]:
        return {"debug": {"parts": [other]}, **event(text)}

    events = [odd("a", "x"), odd("ab", "x"), odd("ab", "xy"), odd("abc", "xyz")]
    heard: list[dict[str, Any]] = []
    texts: list[str] = []
    reply = api.send_message(
        scripted_site.answering(body(*events, DONE)),
        on_conversation_response=heard.append,
        on_progress=texts.append,
    )

    assert reply == "abc"
    assert heard == events
    assert texts == ["a", "ab", "abc"]


def test_a_prompt_that_looks_like_the_protocol(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """The user's words are echoed before the reply, and the reply may quote them."""
    text = '"parts": ["'
    events = [event(text, role="user"), event(text[:5]), event(text), event(text + '"]}, "x')]
    heard: list[dict[str, Any]] = []

    reply = api.send_message(
        scripted_site.answering(body(*events, DONE)), on_conversation_response=heard.append
    )
    assert reply == text + '"]}, "x'
    assert heard == events


def test_a_new_message_takes_the_place_of_the_one_before(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    first, second = event("Searching", id="m-1"), event("Found it", id="m-2")
    with api.stream_message(scripted_site.answering(body(first, second, DONE))) as stream:
        list(stream)

    assert stream.text == "Found it"
    assert stream.message_id == "m-2"


# ---- an answer that is no stream -------------------------------------------------------------------------------------


def test_a_page_with_status_200(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with pytest.raises(APIStatusError) as caught:
        api.send_message(
            scripted_site.answering(Answer(200, "<!DOCTYPE html><title>Down for a while</title>"))
        )

    assert caught.value.status_code == 200
    assert "Down for a while" in str(caught.value)
    assert caught.value.body is not None
    assert "<title>" in caught.value.body


def test_json_with_status_200(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with pytest.raises(APIStatusError) as caught:
        api.send_message(scripted_site.answering(Answer(200, {"detail": "not today"})))

    assert caught.value.detail == "not today"
    assert "not today" in str(caught.value)


def test_a_stream_without_a_content_type(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    stream = RawBody([sse(event("a")), DONE], content_type="text/plain")

    assert api.send_message(scripted_site.answering(stream)) == "a"


def test_a_challenge_instead_of_a_reply(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with pytest.raises(ChallengeError, match="chatgpt-browser login"):
        api.send_message(scripted_site.answering(Answer.challenge()))

    assert len(scripted_site.posts) == 2, "it is tried once more after a navigation, and then no more"
    assert can_send(api)


def test_a_burst_is_told_one_event_at_a_time(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    texts = ["x" * length for length in range(1, 200)]
    heard: list[str] = []

    assert api.send_message(scripted_site.answering(at_once(*texts)), on_progress=heard.append) == texts[-1]
    assert heard == texts
