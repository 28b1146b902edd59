"""`/v1/chat/completions`, called by the `openai` package."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import openai as openai_package
import pytest
from starlette.testclient import TestClient

from chatgpt_browser import ChatGPTAPI
from chatgpt_browser.server import create_app
from chatgpt_browser.testing import Answer, Citation, Reply, SentFile
from chatgpt_browser.testing.script.sent_files import PIXEL

if TYPE_CHECKING:
    from pathlib import Path

    from openai import AsyncOpenAI, OpenAI

    from tests.support.openai_server import OpenAIServer
    from tests.support.scripted_site import ScriptedSite


def user(text: str) -> Any:
    return {"role": "user", "content": text}


def assistant(text: str | None) -> Any:
    return {"role": "assistant", "content": text}


def ask(client: OpenAI, *messages: Any, **options: Any) -> str:
    """Return the text of a reply that is not streamed."""
    completion = client.chat.completions.create(model="auto", messages=list(messages), **options)
    return completion.choices[0].message.content or ""


def sent(site: ScriptedSite) -> list[dict[str, Any]]:
    """Return the bodies of the messages that the site received since the test began."""
    return [post.json for post in site.posts]


def text_of(post: dict[str, Any]) -> str:
    return str(post["messages"][0]["content"]["parts"][0])


def test_completion_single_message_is_sent_verbatim(openai: OpenAI, site: ScriptedSite) -> None:
    message = "  Two  words. [user]\n"
    completion = openai.chat.completions.create(model="auto", messages=[user(message)])

    (choice,) = completion.choices
    assert choice.message.role == "assistant"
    assert choice.finish_reason == "stop"
    assert completion.model == "text-davinci-002-render"
    assert completion.usage is None
    assert [text_of(post) for post in sent(site)] == [message]


def test_completion_stream_has_role_pieces_and_reason(openai: OpenAI, site: ScriptedSite) -> None:
    message = site.answering(Reply(pieces=["One", " two", ' "\u2028"', " 😀"]))
    chunks = [*openai.chat.completions.create(model="auto", messages=[user(message)], stream=True)]

    deltas = [chunk.choices[0].delta for chunk in chunks]
    assert deltas[0].role == "assistant"
    assert [delta.content for delta in deltas[1:-1]] == ["One", " two", ' "\u2028"', " 😀"]
    assert [chunk.choices[0].finish_reason for chunk in chunks] == [None] * 5 + ["stop"]
    assert len({chunk.id for chunk in chunks}) == 1


def test_completion_stream_with_usage_ends_with_chunk_without_choices(
    openai: OpenAI, site: ScriptedSite
) -> None:
    stream = openai.chat.completions.create(
        model="auto",
        messages=[user(site.answering("Yes."))],
        stream=True,
        stream_options={"include_usage": True},
    )
    last = [*stream][-1]
    assert (last.choices, last.usage) == ([], None)


@pytest.mark.anyio
async def test_completion_async_client_gets_reply_and_stream(
    async_openai: AsyncOpenAI, site: ScriptedSite
) -> None:
    completion = await async_openai.chat.completions.create(
        model="auto", messages=[user(site.answering("At once."))]
    )
    stream = await async_openai.chat.completions.create(
        model="auto", messages=[user(site.answering("In pieces."))], stream=True
    )
    pieces = [chunk.choices[0].delta.content async for chunk in stream]

    assert completion.choices[0].message.content == "At once."
    assert pieces == ["", "In", " pieces.", None]


# ---- history ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_stream", [False, True])
def test_history_of_known_transcript_continues_its_conversation(
    openai: OpenAI, site: ScriptedSite, is_stream: bool
) -> None:
    first, second, third = site.answering("One."), site.answering("Two."), site.answering("Three.")
    system: Any = {"role": "system", "content": "Be brief."}

    def answer(*messages: Any) -> str:
        if not is_stream:
            return ask(openai, system, *messages)
        everything: Any = [system, *messages]
        stream = openai.chat.completions.create(model="auto", messages=everything, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream)

    one = answer(user(first))
    two = answer(user(first), assistant(f" {one}\n"), user(second))
    parts = [{"type": "text", "text": two}]
    answer(user(first), assistant(one), user(second), {"role": "assistant", "content": parts}, user(third))

    posts = sent(site)
    assert [text_of(post) for post in posts[1:]] == [second, third]
    assert len({post.conversation_id for post in site.posts}) == 1
    assert "conversation_id" not in posts[0]
    assert "[system]\nBe brief." in text_of(posts[0])
    assert text_of(posts[0]).endswith(f"[user]\n{first}")


def test_history_that_is_unknown_is_sent_as_one_message(openai: OpenAI, site: ScriptedSite) -> None:
    ask(openai, user("What is this?"), assistant("A tree."), user("And that?"), user("Or that?"))

    (post,) = sent(site)
    assert "conversation_id" not in post
    assert text_of(post).partition("\n\n")[2] == (
        "[user]\nWhat is this?\n\n[assistant]\nA tree.\n\n[user]\nAnd that?\n\n[user]\nOr that?"
    )


def test_history_sent_twice_continues_its_conversation_once(openai: OpenAI, site: ScriptedSite) -> None:
    first, second = site.answering("One."), site.answering("Two.")
    history = [user(first), assistant(ask(openai, user(first))), user(second)]
    ask(openai, *history)
    ask(openai, *history)

    posts = sent(site)
    assert text_of(posts[1]) == second
    assert "conversation_id" not in posts[2]
    assert f"[assistant]\nOne.\n\n[user]\n{second}" in text_of(posts[2])


def test_history_after_rate_limit_still_continues_its_conversation(
    openai: OpenAI, running: OpenAIServer, site: ScriptedSite
) -> None:
    first, second = site.answering("One."), site.answering(Answer.too_many_requests(30), "Two.")
    history = [user(first), assistant(ask(openai, user(first))), user(second)]
    for _ in range(2):  # The second request sends nothing, because the limit is remembered.
        with pytest.raises(openai_package.RateLimitError):
            ask(openai, *history)
    assert len(sent(site)) == 2

    running.forget_limits()
    assert ask(openai, *history) == "Two."
    assert text_of(sent(site)[-1]) == second


def test_history_of_deleted_conversation_is_sent_as_one_message(openai: OpenAI, site: ScriptedSite) -> None:
    first, second = site.answering("One."), site.answering(Answer.conversation_not_found(), "Two.")
    reply = ask(openai, user(first))
    ask(openai, user(first), assistant(reply), user(second))

    posts = sent(site)
    assert text_of(posts[1]) == second
    assert text_of(posts[2]).endswith(f"[assistant]\nOne.\n\n[user]\n{second}")


def test_app_with_synchronous_client_answers_in_any_event_loop(site: ScriptedSite, tmp_path: Path) -> None:
    message = site.answering("One two.")
    body = {"model": "auto", "messages": [user(message)], "stream": True}
    with ChatGPTAPI(**site.server.client_options, job_store=tmp_path / "jobs.sqlite3") as api:
        app = create_app(api, api_key="sk-1")
        for _ in range(2):  # the test client uses a new event loop for each request
            client = TestClient(app, "http://localhost", headers={"authorization": "Bearer sk-1"})
            text = client.post("/v1/chat/completions", json=body).text
            assert text.endswith("data: [DONE]\n\n")
            assert '"content": " two."' in text


# ---- citations and images --------------------------------------------------------------------------------------------

SOURCE = Citation("Rivers", "https://example.org/rivers")


@pytest.mark.parametrize("is_stream", [False, True])
def test_completion_citations_are_annotations(openai: OpenAI, site: ScriptedSite, is_stream: bool) -> None:
    message = site.answering(Reply("The Nile is long.", citations=[SOURCE]))
    if is_stream:
        stream = openai.chat.completions.create(model="auto", messages=[user(message)], stream=True)
        found = [extra for chunk in stream if (extra := chunk.choices[0].delta.model_extra)]
        (annotation,) = found[0]["annotations"]
    else:
        completion = openai.chat.completions.create(model="auto", messages=[user(message)])
        annotation = (completion.choices[0].message.annotations or [])[0].model_dump()

    citation = annotation["url_citation"]
    assert annotation["type"] == "url_citation"
    assert (citation["url"], citation["title"]) == (SOURCE.url, "Rivers")
    assert 0 <= citation["start_index"] <= citation["end_index"] <= len("The Nile is long.")


def test_completion_image_is_data_url(openai: OpenAI, site: ScriptedSite) -> None:
    message = site.answering(Reply("", files=[SentFile.image("Circle")]))
    completion = openai.chat.completions.create(model="auto", messages=[user(message)])

    (image,) = (completion.choices[0].message.model_extra or {})["images"]
    kind, _, data = image["image_url"]["url"].partition(";base64,")
    assert (kind, base64.b64decode(data)) == ("data:image/png", PIXEL)


def test_completion_cut_reply_has_reason_length(openai: OpenAI, site: ScriptedSite) -> None:
    message = site.answering(Reply("It is", finish="max_tokens", encoding="delta"))
    completion = openai.chat.completions.create(model="auto", messages=[user(message)])

    assert completion.choices[0].finish_reason == "length"


# ---- models ----------------------------------------------------------------------------------------------------------


def test_models_list_begins_with_auto(openai: OpenAI) -> None:
    names = [model.id for model in openai.models.list()]

    assert names[0] == "auto"
    assert "gpt-4" in names
    assert openai.models.retrieve("gpt-4").id == "gpt-4"
    with pytest.raises(openai_package.NotFoundError):
        openai.models.retrieve("nonesuch")


def test_completion_named_model_is_sent_to_site(openai: OpenAI, site: ScriptedSite) -> None:
    openai.chat.completions.create(model="gpt-4", messages=[user(site.answering("Yes."))])

    assert sent(site)[0]["model"] == "gpt-4"
    with pytest.raises(openai_package.NotFoundError) as refused:
        openai.chat.completions.create(model="gpt-0", messages=[user("Hello")])
    assert (refused.value.param, refused.value.code) == ("model", "model_not_found")
