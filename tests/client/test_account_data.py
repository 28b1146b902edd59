"""Account data beyond the npm API: models, past conversations and titles, in both clients and in the parsers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chatgpt_browser import AsyncChatGPTAPI, ChatGPTAPI, ConversationNotFoundError
from chatgpt_browser._protocol.backend import read_conversations, read_title
from chatgpt_browser._protocol.history import read_history
from chatgpt_browser._protocol.model_list import read_models
from chatgpt_browser.testing import Answer, Aside, Reply
from tests.support.scripted_site import base_urls

if TYPE_CHECKING:
    from chatgpt_browser.testing import FakeChatGPT
    from tests.support.client_fixtures import Serve
    from tests.support.scripted_site import ScriptedSite


@pytest.fixture
def account(scripted_site: ScriptedSite) -> FakeChatGPT:
    """Return the shared server without the conversations of earlier tests."""
    scripted_site.server._site.conversations.clear()
    return scripted_site.server


def test_account_data_of_existing_conversation_can_be_read_and_changed(
    account: FakeChatGPT, api: ChatGPTAPI
) -> None:
    old = account.add_conversation([("user", "Hello"), ("assistant", "Hi")], title="First")
    assert [model.slug for model in api.list_models()][0] == "text-davinci-002-render"
    (found,) = api.list_conversations()
    assert (found.id, found.title) == (old.id, "First")
    assert found.create_time is not None and found.create_time.tzinfo is not None

    history = api.get_history(old.id)
    assert [(message.role, message.text) for message in history.messages] == [
        ("user", "Hello"),
        ("assistant", "Hi"),
    ]
    assert history.current_node == history.messages[-1].id
    assert history.messages[1].parent_message_id == history.messages[0].id

    api.rename_conversation(old.id, 'A "better" one')
    assert api.get_history(old.id).title == 'A "better" one'
    assert api.generate_title(old.id) == account.conversations[old.id].title
    assert api.get_conversation(conversation_id=old.id).send_message("Again").endswith('you said: "Hello".')

    api.delete_conversation(old.id)
    assert api.list_conversations() == []
    with pytest.raises(ConversationNotFoundError):
        api.get_history("no such thing/../x")


@pytest.mark.anyio
async def test_iter_conversations_with_small_pages_yields_every_conversation(serve: Serve) -> None:
    server = serve()
    for number in range(5):
        server.add_conversation([("user", "Hello")], title=str(number))
    async with AsyncChatGPTAPI(server.session_token, **base_urls(server)) as api:
        titles = [conversation.title async for conversation in api.iter_conversations(page_size=2)]

    assert sorted(title or "" for title in titles) == ["0", "1", "2", "3", "4"]
    queries = [r.query for r in server.requests if r.path.endswith("/conversations")]
    assert len(queries) == 4


def test_account_request_after_server_error_is_retried_only_if_it_reads(
    account: FakeChatGPT, scripted_site: ScriptedSite, api: ChatGPTAPI
) -> None:
    old = account.add_conversation([("user", "Hello")])
    account.script_path("/models", Answer.server_error())
    assert api.list_models()
    account.script_path(f"/conversation/{old.id}", Answer.server_error())
    with pytest.raises(Exception, match="500"):
        api.rename_conversation(old.id, "x")

    assert len([r for r in scripted_site.requests if r.path.endswith("/models")]) == 2
    assert len([r for r in scripted_site.requests if r.method == "PATCH"]) == 1


@pytest.mark.parametrize(
    "malformed", [None, [], {}, {"models": 1, "items": {}, "mapping": [], "title": 3}, "text"]
)
def test_account_data_parsers_of_malformed_value_return_nothing(malformed: object) -> None:
    assert read_models(malformed) == []
    assert read_conversations(malformed) == []
    assert read_history("c", malformed).messages == ()
    assert read_title(malformed) == ""


def test_read_history_of_cyclic_tree_visits_each_node_once() -> None:
    message = {
        "author": {"role": "user"},
        "content": {"parts": ["a", {"image": 1}]},
        "create_time": "not a time",
    }
    mapping = {"a": {"parent": "b", "message": message}, "b": {"parent": "a", "message": None}}

    (found,) = read_history("c", {"mapping": mapping, "current_node": "a"}).messages
    assert (found.id, found.text, found.create_time) == ("a", "a", None)


def test_history_of_a_reply_with_tools_equals_the_reply(scripted_site: ScriptedSite, api: ChatGPTAPI) -> None:
    """The stream and the stored conversation are read by the same rules."""
    cited = "Rayleigh scattering.\ue200cite\ue202turn0search0\ue201"
    asides = (Aside.thoughts(), Aside.tool_call(), Aside.tool_output(), Aside.hidden())
    message = scripted_site.answering(Reply(cited, asides=asides, channel="final", encoding="delta"))
    conversation = api.get_conversation()
    reply = conversation.send_message(message)
    assert conversation.conversation_id is not None
    history = api.get_history(conversation.conversation_id)

    assert [(m.role, m.text) for m in history.visible_messages] == [
        ("user", message),
        ("assistant", reply),
    ]
    assert [(m.hidden, m.recipient) for m in history.messages] == [
        (False, None),
        (True, None),
        (True, "python"),
        (True, None),
        (True, None),
        (False, None),
    ]


def test_iter_conversations_of_site_that_repeats_a_page_ends(serve: Serve) -> None:
    server = serve()
    page = Answer(200, {"items": [{"id": "a"}, {}, {"id": "b"}]})
    server.script_path("/conversations", *[page] * 50)
    with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
        assert [found.id for found in api.iter_conversations(3)] == ["a", "b"]


def test_iter_conversations_while_deleting_yields_every_conversation(
    account: FakeChatGPT, api: ChatGPTAPI
) -> None:
    added = [account.add_conversation([("user", "Hello")]).id for _ in range(7)]
    found = []
    for each in api.iter_conversations(page_size=2):
        found.append(each.id)
        api.delete_conversation(each.id)
    assert sorted(found) == sorted(added)
    assert api.list_conversations() == []


@pytest.mark.parametrize("conversation_id", ["", ".", "..", "half \ud800"])
def test_get_history_of_id_that_no_url_contains_raises_value_error(conversation_id: str) -> None:
    with ChatGPTAPI("token") as api, pytest.raises(ValueError, match="conversation_id must not"):
        api.get_history(conversation_id)
