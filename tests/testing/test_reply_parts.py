"""Citations, thoughts and tool calls that a test scripts in one line, through a real browser, in each form of the stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import chatgpt_browser
from chatgpt_browser import CitationFound, Done, TextDelta
from chatgpt_browser._messaging import handoff
from chatgpt_browser.testing import Aside, Citation, FakeChatGPT, Gate, Reply, Rest, Thought, ToolCall
from tests.support.scripted_site import base_urls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chatgpt_browser import AsyncChatGPTAPI, ChatGPTAPI
    from tests.support.scripted_site import ScriptedSite

SKY = "https://example.org/sky"
PARTS: dict[str, Any] = {
    "citations": [SKY, Citation("Sea", "https://example.org/sea", "Example", after="sea.")],
    "thoughts": ["Colours", Thought("Physics", "Light scatters.", 7)],
    "tool_calls": [ToolCall("web.run", '{"search_query":[{"q":"sky"}]}', "Result")],
}
TEXT = "Like the sea. The sky is blue."


def check_parts(reply: Any, text: str = TEXT) -> None:
    """Check the parts of a reply that was scripted with `PARTS`."""
    assert str(reply) == text
    assert [(each.title, each.url, each.start) for each in reply.citations] == [
        (None, SKY, len(text)),
        ("Sea", "https://example.org/sea", text.index("sea.") + 4),
    ]
    assert [(each.summary, each.text, each.seconds) for each in reply.thoughts] == [
        ("Colours", "", None),
        ("Physics", "Light scatters.", 7),
    ]
    (call,) = reply.tool_calls
    assert (call.name, call.output, call.status) == ("web.run", "Result", "finished_successfully")
    assert (reply.finish_reason, bool(reply.created_at), bool(reply.raw)) == ("stop", True, True)


@pytest.mark.parametrize("encoding", ["whole", "delta"])
@pytest.mark.parametrize("handoff_after", [None, 2])
def test_reply_with_parts_is_same_for_ask_events_and_history(
    scripted_site: ScriptedSite,
    api: ChatGPTAPI,
    monkeypatch: pytest.MonkeyPatch,
    encoding: Any,
    handoff_after: int | None,
) -> None:
    monkeypatch.setattr(handoff, "_FIRST_PAUSE", 0.01)
    scripted = Reply(TEXT, encoding=encoding, handoff_after=handoff_after, asides=[Aside.remark()], **PARTS)
    conversation = api.get_conversation()

    reply = conversation.ask(scripted_site.answering(scripted))
    with api.stream_message(scripted_site.answering(scripted)) as stream:
        events = list(stream.events())
    history = api.get_history(reply.conversation_id)

    check_parts(reply)
    assert history.get_reply() == reply
    assert history.messages[-1].citations == reply.citations
    assert conversation.parent_message_id == reply.message_id
    done = events[-1]
    assert isinstance(done, Done)
    assert done.reply == stream.reply
    check_parts(done.reply)
    assert [each.citation for each in events if isinstance(each, CitationFound)] == [*done.reply.citations]
    assert "".join(each.text for each in events if isinstance(each, TextDelta)) == TEXT


@pytest.mark.anyio
async def test_ask_with_callback_and_options_returns_whole_reply(
    async_scripted_site: ScriptedSite, async_api: AsyncChatGPTAPI
) -> None:
    texts: list[str] = []

    reply = await async_api.ask(
        async_scripted_site.answering(Reply(TEXT, **PARTS)),
        on_progress=texts.append,
        timeout_ms=60_000,
        model="gpt-x",
    )

    check_parts(reply)
    assert (texts[-1], reply.model) == (TEXT, "gpt-x")


def test_parts_given_as_client_objects_and_mappings_are_accepted() -> None:
    from chatgpt_browser.testing.script.reply_parts import asides_of, content_references

    reply = Reply(
        "Hi",
        citations=[chatgpt_browser.Citation("Sky", SKY)],  # type: ignore[list-item]
        thoughts=[{"summary": "A"}],  # type: ignore[list-item]
        tool_calls=["print(1)"],
    )

    assert content_references(reply)[0]["items"][0]["url"] == SKY
    assert [each.text for each in asides_of(reply)] == ["", "print(1)", ""]


def test_citations_with_iterator_of_pieces_are_rejected() -> None:
    with pytest.raises(ValueError, match="not an iterator"):
        Reply(pieces=iter(["a"]), citations=[SKY])


def test_citation_after_absent_text_is_rejected() -> None:
    with pytest.raises(ValueError, match="does not contain 'Sea'"):
        Reply("Sky.", citations=[Citation(url=SKY, after="Sea")])


def test_citation_of_another_type_is_rejected() -> None:
    with pytest.raises(TypeError, match="Citation, not int"):
        Reply("Hi", citations=[7])  # type: ignore[list-item]


# ---- through the site's own page -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def app_server() -> Iterator[FakeChatGPT]:
    with FakeChatGPT(form="app") as server:
        yield server


@pytest.fixture(scope="module")
def page_client(app_server: FakeChatGPT) -> Iterator[ChatGPTAPI]:
    from chatgpt_browser import ChatGPTAPI

    with ChatGPTAPI(app_server.session_token, send_via="page", **base_urls(app_server)) as client:
        yield client


@pytest.mark.parametrize("encoding", ["whole", "delta"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"handoff_after": 2, "rest": Rest("socket")},
        {"break_after": 2, "hold_after": 2, "rest": Rest("resume")},
    ],
    ids=["stream", "socket", "resumed"],
)
def test_reply_with_parts_through_the_page_is_same_as_history(
    app_server: FakeChatGPT, page_client: ChatGPTAPI, encoding: Any, how: dict[str, Any]
) -> None:
    gate = Gate()
    app_server.script(Reply(TEXT, encoding=encoding, gate=gate, **PARTS, **how))

    # Chromium may drop data that is in transit when a connection breaks. The page resumes only a reply whose ids it has received.
    reply = page_client.ask("Why?", on_progress=lambda text: gate.open())

    check_parts(reply)
    assert page_client.get_history(reply.conversation_id).get_reply() == reply
