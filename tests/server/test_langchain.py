"""A LangChain chat model talks to the server. `scripts/test.sh --long` installs LangChain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from openai import DefaultAsyncHttpxClient, DefaultHttpxClient

from tests.support.openai_server import KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.openai_server import OpenAIServer
    from tests.support.scripted_site import ScriptedSite

pytestmark = [pytest.mark.long, pytest.mark.anyio]


@pytest.fixture(params=[False, True], ids=["chat", "responses"])
async def model(running: OpenAIServer, request: pytest.FixtureRequest) -> AsyncIterator[Any]:
    langchain = pytest.importorskip("langchain_openai")
    # LangChain does not close the connections of clients that it creates.
    with DefaultHttpxClient() as client:
        async with DefaultAsyncHttpxClient() as async_client:
            yield langchain.ChatOpenAI(
                model="auto",
                base_url=running.base_url,
                api_key=KEY,
                max_retries=0,
                use_responses_api=request.param,
                http_client=client,
                http_async_client=async_client,
            )


async def test_langchain_model_continues_its_conversation(model: Any, site: ScriptedSite) -> None:
    first, second = site.answering("One."), site.answering("Two.")
    answer = model.invoke([("user", first)])
    again = model.invoke([("user", first), answer, ("user", second)])

    assert (answer.text, again.text) == ("One.", "Two.")
    assert len({post.conversation_id for post in site.posts}) == 1


async def test_langchain_model_streams(model: Any, site: ScriptedSite) -> None:
    pieces = [chunk.text for chunk in model.stream(site.answering("One two three."))]

    assert "".join(pieces) == "One two three."
    assert len([piece for piece in pieces if piece]) == 3


async def test_langchain_model_answers_asynchronously(model: Any, site: ScriptedSite) -> None:
    assert (await model.ainvoke(site.answering("Later."))).text == "Later."


async def test_langchain_model_with_functions_is_refused(model: Any, site: ScriptedSite) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    with pytest.raises(Exception, match="tools"):
        model.bind_tools([tool]).invoke("Hello")
    assert site.posts == []
