"""`POST /backend-api/conversation`: validation, stored conversations and replies."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import Answer, Gate, Reply, Turn

if TYPE_CHECKING:
    from chatgpt_browser.testing import FakeChatGPT
    from tests.support.site_client import Connect, SiteClient, StartServer


def body_with(**changes: Any) -> dict[str, Any]:
    content = {"content_type": "text", "parts": ["Hello"]}
    body = {
        "action": "next",
        "messages": [{"id": str(uuid.uuid4()), "role": "user", "content": content}],
        "model": "text-davinci-002-render",
        "parent_message_id": str(uuid.uuid4()),
    }
    return {**body, **changes}


def message_with(**changes: Any) -> dict[str, Any]:
    message: dict[str, Any] = body_with()["messages"][0]
    return body_with(messages=[{**message, **changes}])


def test_default_reply_quotes_previous_message(client: SiteClient) -> None:
    first = client.send("My name is Ada.")
    second = client.send("What is my name?", first.position)

    assert first.text == 'You said: "My name is Ada.".'
    assert second.text == 'You said: "What is my name?". Before that you said: "My name is Ada.".'


def test_default_reply_follows_branch(client: SiteClient) -> None:
    first = client.send("one")
    client.send("two", first.position)
    branch = client.send("three", first.position)

    assert 'Before that you said: "one".' in branch.text
    (conversation,) = client.server.conversations.values()
    assert conversation.history() == [
        ("user", "one"),
        ("assistant", first.text),
        ("user", "three"),
        ("assistant", branch.text),
    ]
    assert len(conversation.messages[first.position[1]].children) == 2


def test_message_new_conversation_has_no_history(client: SiteClient) -> None:
    client.send("one")

    assert client.send("two").text == 'You said: "two".'
    assert len(client.server.conversations) == 2


def test_default_reply_shortens_long_message(client: SiteClient) -> None:
    text = client.send("word " * 10_000).text

    assert len(text) < 300 and "…" in text


def test_script_precedes_default_reply(start_server: StartServer, connect: Connect) -> None:
    client = connect(start_server(replies=["one", Reply("two")], reply="always"))
    client.server.script("three")

    assert [client.send("x").text for _ in range(5)] == ["one", "two", "three", "always", "always"]


def test_callable_reply_receives_turn(start_server: StartServer, connect: Connect) -> None:
    turns: list[Turn] = []

    def reply(turn: Turn) -> str | Answer:
        turns.append(turn)
        return f"reply {turn.number}" if turn.number < 3 else Answer.server_error()

    client = connect(start_server(reply=reply))
    first = client.send("one")
    second = client.send("two", first.position)
    third = client.send("three", second.position)

    assert [turn.message for turn in turns] == ["one", "two", "three"]
    assert [turn.number for turn in turns] == [1, 2, 3]
    assert turns[1].history == [("user", "one"), ("assistant", "reply 1")]
    assert {turn.conversation_id for turn in turns} == {first.position[0]}
    assert turns[0].model == "text-davinci-002-render"
    assert turns[0].request.json["action"] == "next"
    assert third.response.status_code == 500


def test_callable_reply_raising_returns_500_and_is_recorded(
    start_server: StartServer, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    def reply(_turn: Turn) -> str:
        raise LookupError("not scripted")

    client = connect(start_server(reply=reply))

    assert client.send("x").response.status_code == 500
    assert [repr(error) for error in client.server.errors] == ["LookupError('not scripted')"]
    assert "FakeChatGPT: internal error" in caplog.text
    assert client.backend("GET", "/models").status_code == 200


def test_callable_reply_wrong_type_returns_500_and_is_recorded(
    start_server: StartServer, connect: Connect
) -> None:
    client = connect(start_server(reply=lambda _turn: 42))

    assert client.send("x").response.status_code == 500
    assert "not int" in str(client.server.errors[0])


def test_message_refused_is_not_stored(client: SiteClient) -> None:
    first = client.send("one")
    client.server.script(Answer.too_many_requests())
    client.send("two", first.position)
    client.server.script(Answer.too_many_requests())
    client.send("a conversation that never was")

    (conversation,) = client.server.conversations.values()
    assert [text for _, text in conversation.history()] == ["one", first.text]


def test_reply_partly_sent_is_stored_partly(client: SiteClient) -> None:
    client.server.script(Reply("one two three", hold_after=2, gate=Gate()))
    with client.stream("Count.") as response:
        next(line for line in response.iter_lines() if '"one two"' in line)

    assert client.server.requests[-1].finished.wait(20)
    (conversation,) = client.server.conversations.values()
    assert conversation.history() == [("user", "Count."), ("assistant", "one two")]


def test_message_variant_is_sibling(client: SiteClient) -> None:
    first = client.send("one")
    conversation = client.server.conversations[first.position[0]]
    question = conversation.chain()[0]
    content = {"content_type": "text", "parts": ["one"]}
    client.backend(
        "POST",
        "/conversation",
        body_with(
            action="variant",
            messages=[{"id": question.id, "role": "user", "content": content}],
            parent_message_id=question.parent,
            conversation_id=conversation.id,
        ),
    )

    assert len(question.children) == 2
    assert [role for role, _ in conversation.history()] == ["user", "assistant"]


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ([], ["body"]),
        (body_with(action="dance"), ["body", "action"]),
        (body_with(model=None), ["body", "model"]),
        (body_with(parent_message_id=None), ["body", "parent_message_id"]),
        (body_with(conversation_id=7), ["body", "conversation_id"]),
        (body_with(messages=[]), ["body", "messages"]),
        (body_with(messages="Hello"), ["body", "messages"]),
        (body_with(messages=["Hello"]), ["body", "messages", 0]),
        (message_with(id="not a uuid"), ["body", "messages", 0, "id"]),
        (message_with(role="assistant"), ["body", "messages", 0, "role"]),
        (message_with(role=None), ["body", "messages", 0, "role"]),
        (message_with(content={}), ["body", "messages", 0, "content", "parts"]),
    ],
)
def test_message_invalid_body_returns_422_with_location(
    client: SiteClient, body: Any, location: list[str | int]
) -> None:
    response = client.backend("POST", "/conversation", body)

    assert response.status_code == 422
    assert [error["loc"] for error in response.json()["detail"]] == [location]
    assert response.json()["detail"][0].keys() == {"loc", "msg", "type"}


def test_message_body_not_json_returns_422(client: SiteClient) -> None:
    response = client.http.post(client.messages_url, content=b"{")

    assert response.status_code == 422


def test_message_newer_format_is_accepted(client: SiteClient) -> None:
    message = message_with()["messages"][0]
    del message["role"]
    message["author"] = {"role": "user"}
    body = body_with(messages=[message], parent_message_id="client-created-root", conversation_id=None)

    assert client.backend("POST", "/conversation", body).status_code == 200


def test_message_half_surrogate_pair_gets_reply(client: SiteClient) -> None:
    content = b'"parts": ["\\ud83d"]'
    raw = str(body_with()).replace("'", '"').encode().replace(b'"parts": ["Hello"]', content)
    response = client.http.post(client.messages_url, content=raw)

    assert response.status_code == 200
    assert "[DONE]" in response.text


def test_message_unknown_conversation_returns_404(client: SiteClient) -> None:
    result = client.send("Hello", (str(uuid.uuid4()), str(uuid.uuid4())))

    assert result.response.status_code == 404
    assert result.response.json()["detail"]["code"] == "conversation_not_found"


def test_message_parent_of_other_conversation_returns_404(client: SiteClient) -> None:
    (first, _), (_, other) = client.send("one").position, client.send("two").position
    result = client.send("three", (first, other))

    assert result.response.status_code == 404
    assert result.response.json()["detail"]["code"] == "message_not_found"


def test_message_without_valid_token_takes_no_step(client: SiteClient) -> None:
    client.server.script("scripted")
    client.server.expire_access_tokens()

    assert client.send("x").response.status_code == 401
    client.sign_in()
    assert client.send("x").text == "scripted"


def test_one_message_at_a_time_second_message_returns_429(
    start_server: StartServer, connect: Connect
) -> None:
    gate = Gate()
    server = start_server(one_message_at_a_time=True, replies=[Reply("a b", hold_after=1, gate=gate)])
    client = connect(server)
    with client.stream() as response:
        gate.wait_reached()
        assert server.active_messages == 1
        refused = client.send("another").response
        gate.open()
        response.read()

    assert refused.status_code == 429
    assert refused.json()["detail"].startswith("Only one message at a time.")
    assert client.send("again").response.status_code == 200
    assert server.peak_active_messages == 1


def test_active_messages_counts_concurrent_messages(client: SiteClient, connect: Connect) -> None:
    gate = Gate()
    client.server.script(*[Reply("a b", hold_after=0, gate=gate)] * 3)
    with client.stream(), client.stream(), client.stream():
        gate.wait_reached(count=3)
        assert client.server.active_messages == 3
        gate.open()

    assert client.server.peak_active_messages == 3


def test_add_conversation_can_be_continued(server: FakeChatGPT, client: SiteClient) -> None:
    before = server.add_conversation([("user", "I am Ada."), ("assistant", "Hello, Ada!")], title="Names")
    result = client.send("Who am I?", (before.id, before.current_node))

    assert 'Before that you said: "I am Ada.".' in result.text
    assert server.conversations[before.id].title == "Names"
