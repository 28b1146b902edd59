"""Messages and their replies: text, callbacks, events and streams."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import Answer, Gate, Reply
from tests.support.scripted_site import DONE, MODELS, body, event, grown, sse

if TYPE_CHECKING:
    from chatgpt_browser import AsyncChatGPTAPI, ChatGPTAPI
    from tests.support.client_fixtures import Connect, Serve
    from tests.support.scripted_site import ScriptedSite


def test_send_message_returns_the_whole_text(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    text = "Zoë said: \u201cnaïve\u201d 😀\n\n```python\nprint('a\\tb')\n```\n\x1f\u2028 end"

    assert api.send_message(scripted_site.answering(text)) == text


def test_send_message_new_conversation_request_format(api: ChatGPTAPI, scripted_site: ScriptedSite) -> None:
    prompt = 'Ünïcode "quotes" \\ 😀\nsecond line'
    api.send_message(prompt)
    (post,) = scripted_site.posts

    assert post.json["messages"][0]["content"] == {"content_type": "text", "parts": [prompt]}
    assert post.json["messages"][0]["role"] == "user"
    assert uuid.UUID(post.json["messages"][0]["id"]).version == 4
    assert uuid.UUID(post.json["parent_message_id"]).version == 4
    assert post.json["action"] == "next"
    assert post.json["model"] == "text-davinci-002-render"
    assert "conversation_id" not in post.json
    assert post.headers["accept"] == "text/event-stream"
    assert post.headers["content-type"] == "application/json"
    assert post.headers["x-openai-assistant-app-id"] == ""
    assert post.bearer == api.ensure_auth()


def test_send_message_sends_conversation_parent_and_model(serve: Serve, connect: Connect) -> None:
    server = serve(models=MODELS)
    conversation = server.add_conversation([("user", "one"), ("assistant", "two"), ("user", "three")])
    parent = conversation.chain()[1].id
    api = connect(server, model="text-davinci-002-render-paid")
    reply = api.send_message("four", conversation_id=conversation.id, parent_message_id=parent)
    post = server.wait_for_request("/conversation", "POST")

    assert reply == 'You said: "four". Before that you said: "one".'
    assert (post.json["conversation_id"], post.json["parent_message_id"]) == (conversation.id, parent)
    assert post.json["model"] == "text-davinci-002-render-paid"

    api.model = "another"
    assert api.model == "another"
    api.send_message("And again?")
    assert server.requests[-1].json["model"] == "another"


def test_on_progress_gets_the_whole_text_so_far(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    pieces = ["Hello", " wor", "ld", "", " 😀", "!"]
    recorded: list[str] = []
    reply = api.send_message(scripted_site.answering(Reply(pieces=pieces)), on_progress=recorded.append)

    assert reply == "Hello world 😀!"
    assert recorded == ["Hello", "Hello wor", "Hello world", "Hello world 😀", "Hello world 😀!"]


def test_on_progress_is_called_while_the_reply_is_in_flight(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    gate = Gate()
    recorded: list[str] = []

    def record(text: str) -> None:
        recorded.append(text)
        if text == "one":
            gate.open()  # the server sends the second piece only after this call

    message = scripted_site.answering(Reply(pieces=["one", " two"], hold_after=1, gate=gate))
    assert api.send_message(message, on_progress=record, timeout_ms=20_000) == "one two"
    assert recorded == ["one", "one two"]


def test_on_conversation_response_gets_each_event_unchanged(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    sent: list[dict[str, Any]] = [
        event("What?", role="user", metadata={"timestamp_": "absolute", "deep": [1, 2.5, None, True, {}]}),
        event(""),
        event('He said \\"'),
        event('He said \\"\n\t"😀'),
        event('He said \\"\n\t"😀', end_turn=True, metadata={"finish_details": {"type": "stop"}}),
        event('He said \\"\n\t"😀 and "left".', end_turn=True, weight=1.0),
        {"conversation_id": "c-1", "message_id": "m-1", "moderation_response": {"flagged": False}},
        {"type": "title_generation", "title": "Ünï", "conversation_id": "c-1"},
    ]
    comments = [b": ping - 2022-12-11\n\n", b"data:\n\n", b"event: ping\n\n", b"retry: 3000\n\n"]
    stream: list[Any] = [sent[0], *comments, *sent[1:4], comments[0], *sent[4:], comments[1], DONE]
    recorded: list[dict[str, Any]] = []
    texts: list[str] = []
    reply = api.send_message(
        scripted_site.answering(body(*stream)),
        on_conversation_response=recorded.append,
        on_progress=texts.append,
    )

    assert recorded == sent
    # The order of the keys is kept too, for callers that save events.
    assert [json.dumps(each) for each in recorded] == [json.dumps(each) for each in sent]
    assert reply == texts[-1] == 'He said \\"\n\t"😀 and "left".'
    assert texts == ['He said \\"', 'He said \\"\n\t"😀', 'He said \\"\n\t"😀 and "left".']


def test_on_conversation_response_gets_a_separate_object_for_each_event(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """A caller may keep or modify an event without an effect on the others."""
    recorded: list[dict[str, Any]] = []

    def modify(each: dict[str, Any]) -> None:
        recorded.append(each)
        each["message"]["content"]["parts"].append("spoilt")

    assert (
        api.send_message(scripted_site.answering(grown("a", "ab", "abc")), on_conversation_response=modify)
        == "abc"
    )
    assert [each["message"]["content"]["parts"] for each in recorded] == [
        ["a", "spoilt"],
        ["ab", "spoilt"],
        ["abc", "spoilt"],
    ]


def test_send_message_with_all_kinds_of_events_returns_the_answer(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    """The reply has an echo, a moderation event, comments and empty data, and CRLF line ends."""
    message = scripted_site.answering(
        Reply("one two three", comments=True, empty_data=True, moderation=True, newline="\r\n")
    )
    recorded: list[dict[str, Any]] = []
    texts: list[str] = []
    reply = api.send_message(message, on_conversation_response=recorded.append, on_progress=texts.append)

    assert reply == "one two three"
    assert texts == ["one", "one two", "one two three"]
    roles = [each["message"]["author"]["role"] if "message" in each else "moderation" for each in recorded]
    assert roles == ["user", "assistant", "assistant", "assistant", "moderation"]
    assert recorded[0]["message"]["content"]["parts"] == [message]
    assert recorded[-1]["moderation_response"]["flagged"] is False


def test_callbacks_are_called_with_an_event_before_its_text(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    recorded: list[Any] = []
    api.send_message(
        scripted_site.answering(grown("a", "ab")),
        on_progress=recorded.append,
        on_conversation_response=recorded.append,
    )

    assert recorded == [event("a"), "a", event("ab"), "ab"]


def test_reply_stream_yields_new_text_only(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    with api.stream_message(scripted_site.answering(Reply(pieces=["one", " two", " 😀"]))) as stream:
        pieces = []
        for piece in stream:
            pieces.append(piece)
            assert "".join(pieces) == stream.text

    (conversation,) = [
        c for c in scripted_site.server.conversations.values() if c.id == stream.conversation_id
    ]
    assert pieces == ["one", " two", " 😀"]
    assert stream.text == "one two 😀"
    assert stream.message_id == conversation.current_node
    assert stream.event is not None
    assert stream.event["message"]["content"]["parts"] == ["one two 😀"]


def test_reply_stream_has_its_ids_after_the_first_piece(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    gate = Gate()
    message = scripted_site.answering(Reply(pieces=["one", " two"], hold_after=1, gate=gate))
    with api.stream_message(message, timeout_ms=20_000) as stream:
        assert next(stream) == "one"
        assert stream.conversation_id in scripted_site.server.conversations
        assert stream.message_id is not None
        assert stream.event is not None
        assert stream.event["message"]["content"]["parts"] == ["one"]
        gate.open()
        assert next(stream) == " two"
        with pytest.raises(StopIteration):
            next(stream)
        with pytest.raises(StopIteration):
            next(stream)


def test_reply_stream_without_with_yields_all_pieces(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    assert list(api.stream_message(scripted_site.answering(Reply(pieces=["a", "b", "c"])))) == ["a", "b", "c"]


def test_reply_stream_unread_sends_nothing(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    message = scripted_site.answering("never")
    stream = api.stream_message(message)
    stream.close()
    del stream
    api.send_message("something else")

    assert [post.json["messages"][0]["content"]["parts"] for post in scripted_site.posts] == [
        ["something else"]
    ]


MARKDOWN = "# Title\n\nSome *words* and `code`, a [link](https://example.com).\n\n> **The** end\n"
PLAIN = "Title\n\nSome words and code, a link.\n\nThe end"


def test_send_message_without_markdown_returns_plain_text(serve: Serve, connect: Connect) -> None:
    server = serve(reply=MARKDOWN)
    api = connect(server, markdown=False)
    texts: list[str] = []

    assert api.send_message("Hello", on_progress=texts.append) == PLAIN
    assert texts[-1] == PLAIN
    assert not any("*" in text for text in texts[-3:])
    with api.stream_message("Hello") as stream:
        assert "".join(stream) == stream.text == PLAIN
        assert stream.event is not None
        assert stream.event["message"]["content"]["parts"] == [MARKDOWN]


def test_send_message_keeps_markdown_by_default(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    assert api.send_message(scripted_site.answering(MARKDOWN)) == MARKDOWN


def test_send_message_long_reply_calls_on_progress_for_each_event(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    pieces = [f"{number:05d} é" for number in range(3000)]
    recorded: list[str] = []

    assert api.send_message(
        scripted_site.answering(Reply(pieces=pieces)), on_progress=recorded.append
    ) == "".join(pieces)
    assert len(recorded) == 3000
    assert [len(text) for text in recorded] == [7 * (index + 1) for index in range(3000)]


def test_send_message_long_message_is_sent_whole(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    message = "äöü😀" * 50_000
    api.send_message(message)

    assert scripted_site.posts[0].json["messages"][0]["content"]["parts"] == [message]


@pytest.mark.anyio
async def test_async_callbacks_are_awaited_in_order(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    import anyio.lowlevel

    recorded: list[Any] = []

    async def record(what: Any) -> None:
        recorded.append(("begin", what))
        await anyio.lowlevel.checkpoint()
        recorded.append(("end", what))

    reply = await async_api.send_message(
        async_scripted_site.answering(grown("a", "ab")), on_progress=record, on_conversation_response=record
    )

    order = [event("a"), "a", event("ab"), "ab"]
    assert reply == "ab"
    assert recorded == [(when, what) for what in order for when in ("begin", "end")]


@pytest.mark.anyio
async def test_async_client_accepts_plain_callbacks(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    recorded: list[str] = []
    await async_api.send_message(async_scripted_site.answering(grown("a", "ab")), on_progress=recorded.append)

    assert recorded == ["a", "ab"]


@pytest.mark.anyio
async def test_async_reply_stream_yields_all_pieces(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    message = async_scripted_site.answering(Reply(pieces=["one", " two"]))
    async with async_api.stream_message(message) as stream:
        pieces = [piece async for piece in stream]

    assert pieces == ["one", " two"]
    assert stream.text == "one two"
    assert stream.conversation_id in async_scripted_site.server.conversations
    assert [piece async for piece in async_api.stream_message(message)] == ["one", " two"]


@pytest.mark.anyio
async def test_send_message_concurrent_calls_are_sent_one_at_a_time_in_order(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    """The site accepts one message at a time; the calls of other tasks wait in a queue."""
    import asyncio

    messages = [async_scripted_site.answering(Reply(f"reply {n}", interval=2)) for n in range(8)]
    replies = await asyncio.gather(*map(async_api.send_message, messages))

    assert replies == [f"reply {n}" for n in range(8)]
    assert async_scripted_site.peak_active_messages == 1
    sent = [post.json["messages"][0]["content"]["parts"][0] for post in async_scripted_site.posts]
    assert sent == messages


def test_send_message_max_concurrent_messages_are_in_flight_at_once(serve: Serve) -> None:
    import asyncio

    from chatgpt_browser import AsyncChatGPTAPI
    from tests.support.scripted_site import base_urls

    gate = Gate()
    server = serve(reply=Reply(pieces=["a", "b"], hold_after=1, gate=gate))

    async def main() -> list[str]:
        async with AsyncChatGPTAPI(
            server.session_token, **base_urls(server), max_concurrent_messages=3
        ) as api:
            replies = [asyncio.ensure_future(api.send_message("Hello")) for _ in range(4)]
            await asyncio.to_thread(gate.wait_reached, 60.0, count=3)
            gate.open()
            return await asyncio.gather(*replies)

    assert asyncio.run(main()) == ["ab"] * 4
    assert server.peak_active_messages == 3


def test_send_message_reply_in_one_event_returns_its_text(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    recorded: list[str] = []

    assert (
        api.send_message(scripted_site.answering(grown("all at once")), on_progress=recorded.append)
        == "all at once"
    )
    assert recorded == ["all at once"]


def test_send_message_empty_reply_returns_empty_text(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    recorded: list[str] = []

    assert api.send_message(scripted_site.answering(grown("")), on_progress=recorded.append) == ""
    assert recorded == []


def test_send_message_ignores_content_other_than_the_answer(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    hidden = event("hidden", id="m-2", metadata={"is_visually_hidden_from_conversation": True})
    tool = event("search()", recipient="browser")
    code = event("x", content={"content_type": "code", "text": "x = 1"})
    thoughts = event("x", content={"content_type": "thoughts", "thoughts": []})
    events: list[dict[str, Any]] = [event("sys", role="system"), tool, code, thoughts, event("yes"), hidden]
    recorded: list[Any] = []
    reply = api.send_message(
        scripted_site.answering(body(*events, sse("[DONE]"))), on_conversation_response=recorded.append
    )

    assert reply == "yes"
    assert recorded == events


@pytest.mark.parametrize("answer", [Answer.server_error(), Answer.message_too_long()], ids=["500", "413"])
def test_send_message_refused_calls_no_callback(
    scripted_site: ScriptedSite, api: ChatGPTAPI, answer: Answer
) -> None:
    recorded: list[Any] = []
    with pytest.raises(Exception, match=f"ChatGPTAPI error {answer.status}"):
        api.send_message(
            scripted_site.answering(answer),
            on_progress=recorded.append,
            on_conversation_response=recorded.append,
        )

    assert recorded == []
