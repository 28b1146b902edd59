"""`/v1/responses`, called by the `openai` package."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import openai as openai_package
import pytest

from chatgpt_browser.testing import Citation, Reply, SentFile
from chatgpt_browser.testing.script.sent_files import PIXEL

if TYPE_CHECKING:
    from openai import AsyncOpenAI, OpenAI

    from tests.support.scripted_site import ScriptedSite


def texts(site: ScriptedSite) -> list[str]:
    """Return the texts of the messages that the site received since the test began."""
    return [post.json["messages"][0]["content"]["parts"][0] for post in site.posts]


def test_response_text_is_output(openai: OpenAI, site: ScriptedSite) -> None:
    message = site.answering("Four.")
    response = openai.responses.create(model="auto", input=message, metadata={"run": "7"})

    assert response.output_text == "Four."
    assert (response.status, response.usage, response.metadata) == ("completed", None, {"run": "7"})
    assert response.model == "text-davinci-002-render"
    assert texts(site) == [message]


def test_response_stream_has_events_of_openai_in_order(openai: OpenAI, site: ScriptedSite) -> None:
    message = site.answering(
        Reply(pieces=["Blue", " sky."], citations=[Citation("Sky", "https://example.org/")])
    )
    events = [*openai.responses.create(model="auto", input=message, stream=True)]

    assert [event.type.removeprefix("response.") for event in events] == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.annotation.added",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == (
        "Blue sky."
    )
    last: Any = events[-1]
    (annotation,) = last.response.output[0].content[0].annotations
    assert (annotation.type, annotation.url) == ("url_citation", "https://example.org/")


@pytest.mark.anyio
async def test_response_async_stream_helper_returns_final_response(
    async_openai: AsyncOpenAI, site: ScriptedSite
) -> None:
    async with async_openai.responses.stream(model="auto", input=site.answering("Well done.")) as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_response()

    assert kinds[-1] == "response.completed"
    assert final.output_text == "Well done."


# ---- conversations ---------------------------------------------------------------------------------------------------


def test_response_after_previous_response_continues_its_conversation(
    openai: OpenAI, site: ScriptedSite
) -> None:
    first = openai.responses.create(model="auto", input=site.answering("One."))
    second = openai.responses.create(
        model="auto", input=site.answering("Two."), previous_response_id=first.id
    )

    one, two = site.posts
    assert second.previous_response_id == first.id
    assert one.conversation_id == two.conversation_id
    assert len(texts(site)[1].split()) == 2  # the message alone


def test_response_to_same_previous_response_twice_makes_two_branches(
    openai: OpenAI, site: ScriptedSite
) -> None:
    first = openai.responses.create(model="auto", input=site.answering("One."))
    for answer in ("Left.", "Right."):
        openai.responses.create(model="auto", input=site.answering(answer), previous_response_id=first.id)

    _, left, right = (post.json for post in site.posts)
    assert left["parent_message_id"] == right["parent_message_id"]


@pytest.mark.parametrize("is_stored", [True, False])
def test_response_after_unknown_response_is_not_found(
    openai: OpenAI, site: ScriptedSite, is_stored: bool
) -> None:
    unknown = "resp_0"
    if not is_stored:
        unknown = openai.responses.create(model="auto", input=site.answering("One."), store=False).id
        site.begin()
    with pytest.raises(openai_package.NotFoundError) as refused:
        openai.responses.create(model="auto", input="And then?", previous_response_id=unknown)

    assert refused.value.param == "previous_response_id"
    assert site.posts == []


def test_response_instructions_are_sent_again_only_if_they_change(openai: OpenAI, site: ScriptedSite) -> None:
    previous = None
    for instructions in ("Be brief.", "Be brief.", "Be kind.", None):
        response = openai.responses.create(
            model="auto",
            input=site.answering("Yes."),
            instructions=instructions,
            previous_response_id=previous,
        )
        previous = response.id

    sent = ["[system]" in text and text.partition("[system]\n")[2].splitlines()[0] for text in texts(site)]
    assert sent == ["Be brief.", False, "Be kind.", False]


def test_response_input_of_output_items_continues_conversation(openai: OpenAI, site: ScriptedSite) -> None:
    first, second = site.answering("One."), site.answering("Two.")
    items: list[Any] = [{"role": "user", "content": [{"type": "input_text", "text": first}]}]
    response = openai.responses.create(model="auto", input=items)
    items += [item.model_dump() for item in response.output]
    openai.responses.create(model="auto", input=[*items, {"role": "user", "content": second}])

    assert texts(site) == [first, second]


# ---- images ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "Here it is."])
def test_response_image_is_output_item(openai: OpenAI, site: ScriptedSite, text: str) -> None:
    reply = Reply(text, files=[SentFile.image("Circle")])
    message = site.answering(reply, reply)
    response: Any = openai.responses.create(model="auto", input=message)
    events: list[Any] = [*openai.responses.create(model="auto", input=message, stream=True)]

    for output in (response.output, events[-1].response.output):
        assert [item.type for item in output] == ["message"] * bool(text) + ["image_generation_call"]
        assert base64.b64decode(output[-1].result) == PIXEL
    added = [event for event in events if event.type == "response.output_item.added"]
    assert [event.output_index for event in added] == list(range(len(added)))


def test_response_cut_reply_is_incomplete(openai: OpenAI, site: ScriptedSite) -> None:
    message = site.answering(Reply("It is", finish="max_tokens", encoding="delta"))
    response = openai.responses.create(model="auto", input=message)

    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
