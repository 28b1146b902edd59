"""A message and its reply: the text, the callbacks, the events, the streams."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import Answer, Gate, Reply
from tests.support.scripted_site import DONE, body, event, grown, sse

if TYPE_CHECKING:
    from chatgpt_browser import AsyncChatGPTAPI, ChatGPTAPI
    from tests.support.client_fixtures import Connect, Serve
    from tests.support.scripted_site import ScriptedSite


def test_the_reply_comes_back_whole(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    text = "Zoë said: \u201cnaïve\u201d 😀\n\n```python\nprint('a\\tb')\n```\n\x1f\u2028 end"

    assert api.send_message(scripted_site.answering(text)) == text


def test_what_is_sent(api: ChatGPTAPI, scripted_site: ScriptedSite) -> None:
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


def test_the_place_and_the_model_that_were_asked_for(serve: Serve, connect: Connect) -> None:
    server = serve()
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


def test_progress_is_the_whole_text_so_far(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    pieces = ["Hello", " wor", "ld", "", " 😀", "!"]
    heard: list[str] = []
    reply = api.send_message(scripted_site.answering(Reply(pieces=pieces)), on_progress=heard.append)

    assert reply == "Hello world 😀!"
    assert heard == ["Hello", "Hello wor", "Hello world", "Hello world 😀", "Hello world 😀!"]


def test_progress_is_called_while_the_reply_is_under_way(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    gate = Gate()
    heard: list[str] = []

    def hear(text: str) -> None:
        heard.append(text)
        if text == "one":
            gate.open()  # the server does not say the second word before the first was heard

    message = scripted_site.answering(Reply(pieces=["one", " two"], hold_after=1, gate=gate))
    assert api.send_message(message, on_progress=hear, timeout_ms=20_000) == "one two"
    assert heard == ["one", "one two"]


def test_every_event_arrives_exactly_as_it_was_sent(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
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
    heard: list[dict[str, Any]] = []
    texts: list[str] = []
    reply = api.send_message(
        scripted_site.answering(body(*stream)),
        on_conversation_response=heard.append,
        on_progress=texts.append,
    )

    assert heard == sent
    # In the order of the keys too: whoever writes events down finds them as they were.
    assert [json.dumps(each) for each in heard] == [json.dumps(each) for each in sent]
    assert reply == texts[-1] == 'He said \\"\n\t"😀 and "left".'
    assert texts == ['He said \\"', 'He said \\"\n\t"😀', 'He said \\"\n\t"😀 and "left".']


def test_each_event_is_an_object_of_its_own(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """A caller may keep events, or change them, without meeting another's."""
    heard: list[dict[str, Any]] = []

    def spoil(each: dict[str, Any]) -> None:
        heard.append(each)
        each["message"]["content"]["parts"].append("spoilt")

    assert (
        api.send_message(scripted_site.answering(grown("a", "ab", "abc")), on_conversation_response=spoil)
        == "abc"
    )
    assert [each["message"]["content"]["parts"] for each in heard] == [
        ["a", "spoilt"],
        ["ab", "spoilt"],
        ["abc", "spoilt"],
    ]


def test_the_site_in_full_dress(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """Echo, moderation, comments, empty data: the fake site's own reply with all of them, over CRLF."""
    message = scripted_site.answering(
        Reply("one two three", comments=True, empty_data=True, moderation=True, newline="\r\n")
    )
    heard: list[dict[str, Any]] = []
    texts: list[str] = []
    reply = api.send_message(message, on_conversation_response=heard.append, on_progress=texts.append)

    assert reply == "one two three"
    assert texts == ["one", "one two", "one two three"]
    roles = [each["message"]["author"]["role"] if "message" in each else "moderation" for each in heard]
    assert roles == ["system", "user", "assistant", "assistant", "assistant", "moderation"]
    assert heard[1]["message"]["content"]["parts"] == [message]
    assert heard[-1]["moderation_response"]["flagged"] is False


def test_callbacks_hear_an_event_before_the_text_that_it_brings(
    scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    heard: list[Any] = []
    api.send_message(
        scripted_site.answering(grown("a", "ab")),
        on_progress=heard.append,
        on_conversation_response=heard.append,
    )

    assert heard == [event("a"), "a", event("ab"), "ab"]


def test_a_stream_gives_what_is_new(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
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


def test_a_stream_knows_its_ids_with_the_first_piece(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
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


def test_a_stream_needs_no_with(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    assert list(api.stream_message(scripted_site.answering(Reply(pieces=["a", "b", "c"])))) == ["a", "b", "c"]


def test_a_stream_that_nobody_reads_sends_nothing(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
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


def test_without_markdown(serve: Serve, connect: Connect) -> None:
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


def test_markdown_is_kept_by_default(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    assert api.send_message(scripted_site.answering(MARKDOWN)) == MARKDOWN


def test_a_long_reply_of_many_events(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    pieces = [f"{number:05d} é" for number in range(3000)]
    heard: list[str] = []

    assert api.send_message(
        scripted_site.answering(Reply(pieces=pieces)), on_progress=heard.append
    ) == "".join(pieces)
    assert len(heard) == 3000
    assert [len(text) for text in heard] == [7 * (index + 1) for index in range(3000)]


def test_a_long_message(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    message = "äöü😀" * 50_000
    api.send_message(message)

    assert scripted_site.posts[0].json["messages"][0]["content"]["parts"] == [message]


@pytest.mark.anyio
async def test_async_callbacks_are_awaited_in_order(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    import anyio.lowlevel

    heard: list[Any] = []

    async def hear(what: Any) -> None:
        heard.append(("begin", what))
        await anyio.lowlevel.checkpoint()
        heard.append(("end", what))

    reply = await async_api.send_message(
        async_scripted_site.answering(grown("a", "ab")), on_progress=hear, on_conversation_response=hear
    )

    order = [event("a"), "a", event("ab"), "ab"]
    assert reply == "ab"
    assert heard == [(when, what) for what in order for when in ("begin", "end")]


@pytest.mark.anyio
async def test_async_callbacks_may_be_plain_functions(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    heard: list[str] = []
    await async_api.send_message(async_scripted_site.answering(grown("a", "ab")), on_progress=heard.append)

    assert heard == ["a", "ab"]


@pytest.mark.anyio
async def test_an_async_stream(async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI) -> None:
    message = async_scripted_site.answering(Reply(pieces=["one", " two"]))
    async with async_api.stream_message(message) as stream:
        pieces = [piece async for piece in stream]

    assert pieces == ["one", " two"]
    assert stream.text == "one two"
    assert stream.conversation_id in async_scripted_site.server.conversations
    assert [piece async for piece in async_api.stream_message(message)] == ["one", " two"]


@pytest.mark.anyio
async def test_messages_of_one_client_wait_their_turn(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    """The site takes one at a time; so many tasks may ask at once as they like."""
    import asyncio

    messages = [async_scripted_site.answering(Reply(f"reply {n}", interval=2)) for n in range(8)]
    replies = await asyncio.gather(*map(async_api.send_message, messages))

    assert replies == [f"reply {n}" for n in range(8)]
    assert async_scripted_site.peak_active_messages == 1
    sent = [post.json["messages"][0]["content"]["parts"][0] for post in async_scripted_site.posts]
    assert sent == messages


def test_more_than_one_at_a_time_where_it_is_asked_for(serve: Serve) -> None:
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
            await asyncio.to_thread(gate.wait_reached, 5.0, count=3)
            gate.open()
            return await asyncio.gather(*replies)

    assert asyncio.run(main()) == ["ab"] * 4
    assert server.peak_active_messages == 3


def test_an_answer_in_one_event(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    heard: list[str] = []

    assert (
        api.send_message(scripted_site.answering(grown("all at once")), on_progress=heard.append)
        == "all at once"
    )
    assert heard == ["all at once"]


def test_an_empty_answer(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    heard: list[str] = []

    assert api.send_message(scripted_site.answering(grown("")), on_progress=heard.append) == ""
    assert heard == []


def test_content_that_is_not_the_answer_is_no_text(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    hidden = event("hidden", id="m-2", metadata={"is_visually_hidden_from_conversation": True})
    tool = event("search()", recipient="browser")
    code = event("x", content={"content_type": "code", "text": "x = 1"})
    thoughts = event("x", content={"content_type": "thoughts", "thoughts": []})
    events: list[dict[str, Any]] = [event("sys", role="system"), tool, code, thoughts, event("yes"), hidden]
    heard: list[Any] = []
    reply = api.send_message(
        scripted_site.answering(body(*events, sse("[DONE]"))), on_conversation_response=heard.append
    )

    assert reply == "yes"
    assert heard == events


@pytest.mark.parametrize("answer", [Answer.server_error(), Answer.message_too_long()], ids=["500", "413"])
def test_nobody_hears_of_a_refusal_but_the_caller(
    scripted_site: ScriptedSite, api: ChatGPTAPI, answer: Answer
) -> None:
    heard: list[Any] = []
    with pytest.raises(Exception, match=f"ChatGPTAPI error {answer.status}"):
        api.send_message(
            scripted_site.answering(answer), on_progress=heard.append, on_conversation_response=heard.append
        )

    assert heard == []
