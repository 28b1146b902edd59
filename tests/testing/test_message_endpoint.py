"""`POST /backend-api/conversation`: what the server takes, remembers and refuses."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import Answer, Gate, Reply, Turn

if TYPE_CHECKING:
    from chatgpt_browser.testing import FakeChatGPT
    from tests.testing.conftest import Serve, Visit, Visitor


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


def test_default_reply_quotes_previous_message(visitor: Visitor) -> None:
    first = visitor.say("My name is Ada.")
    second = visitor.say("What is my name?", first.place)

    assert first.text == 'You said: "My name is Ada.".'
    assert second.text == 'You said: "What is my name?". Before that you said: "My name is Ada.".'


def test_default_reply_follows_branch(visitor: Visitor) -> None:
    first = visitor.say("one")
    visitor.say("two", first.place)
    branch = visitor.say("three", first.place)

    assert 'Before that you said: "one".' in branch.text
    (conversation,) = visitor.server.conversations.values()
    assert conversation.history() == [
        ("user", "one"),
        ("assistant", first.text),
        ("user", "three"),
        ("assistant", branch.text),
    ]
    assert len(conversation.messages[first.place[1]].children) == 2


def test_message_new_conversation_has_no_history(visitor: Visitor) -> None:
    visitor.say("one")

    assert visitor.say("two").text == 'You said: "two".'
    assert len(visitor.server.conversations) == 2


def test_default_reply_shortens_long_message(visitor: Visitor) -> None:
    text = visitor.say("word " * 10_000).text

    assert len(text) < 300 and "…" in text


def test_script_precedes_default_reply(serve: Serve, visit: Visit) -> None:
    visitor = visit(serve(replies=["one", Reply("two")], reply="always"))
    visitor.server.script("three")

    assert [visitor.say("x").text for _ in range(5)] == ["one", "two", "three", "always", "always"]


def test_callable_reply_receives_turn(serve: Serve, visit: Visit) -> None:
    turns: list[Turn] = []

    def reply(turn: Turn) -> str | Answer:
        turns.append(turn)
        return f"reply {turn.number}" if turn.number < 3 else Answer.server_error()

    visitor = visit(serve(reply=reply))
    first = visitor.say("one")
    second = visitor.say("two", first.place)
    third = visitor.say("three", second.place)

    assert [turn.message for turn in turns] == ["one", "two", "three"]
    assert [turn.number for turn in turns] == [1, 2, 3]
    assert turns[1].history == [("user", "one"), ("assistant", "reply 1")]
    assert {turn.conversation_id for turn in turns} == {first.place[0]}
    assert turns[0].model == "text-davinci-002-render"
    assert turns[0].request.json["action"] == "next"
    assert third.response.status_code == 500


def test_callable_reply_raising_returns_500_and_is_recorded(
    serve: Serve, visit: Visit, caplog: pytest.LogCaptureFixture
) -> None:
    def reply(_turn: Turn) -> str:
        raise LookupError("not scripted")

    visitor = visit(serve(reply=reply))

    assert visitor.say("x").response.status_code == 500
    assert [repr(error) for error in visitor.server.errors] == ["LookupError('not scripted')"]
    assert "FakeChatGPT: internal error" in caplog.text
    assert visitor.backend("GET", "/models").status_code == 200


def test_callable_reply_wrong_type_returns_500_and_is_recorded(serve: Serve, visit: Visit) -> None:
    visitor = visit(serve(reply=lambda _turn: 42))

    assert visitor.say("x").response.status_code == 500
    assert "not int" in str(visitor.server.errors[0])


def test_message_refused_is_not_stored(visitor: Visitor) -> None:
    first = visitor.say("one")
    visitor.server.script(Answer.too_many_requests())
    visitor.say("two", first.place)
    visitor.server.script(Answer.too_many_requests())
    visitor.say("a conversation that never was")

    (conversation,) = visitor.server.conversations.values()
    assert [text for _, text in conversation.history()] == ["one", first.text]


def test_reply_partly_sent_is_stored_partly(visitor: Visitor) -> None:
    visitor.server.script(Reply("one two three", hold_after=2, gate=Gate()))
    with visitor.stream("Count.") as response:
        next(line for line in response.iter_lines() if '"one two"' in line)

    assert visitor.server.requests[-1].finished.wait(5)
    (conversation,) = visitor.server.conversations.values()
    assert conversation.history() == [("user", "Count."), ("assistant", "one two")]


def test_message_variant_is_sibling(visitor: Visitor) -> None:
    first = visitor.say("one")
    conversation = visitor.server.conversations[first.place[0]]
    question = conversation.chain()[0]
    content = {"content_type": "text", "parts": ["one"]}
    visitor.backend(
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
    visitor: Visitor, body: Any, location: list[str | int]
) -> None:
    response = visitor.backend("POST", "/conversation", body)

    assert response.status_code == 422
    assert [error["loc"] for error in response.json()["detail"]] == [location]
    assert response.json()["detail"][0].keys() == {"loc", "msg", "type"}


def test_message_body_not_json_returns_422(visitor: Visitor) -> None:
    response = visitor.http.post(visitor.messages_url, content=b"{")

    assert response.status_code == 422


def test_message_newer_format_is_accepted(visitor: Visitor) -> None:
    message = message_with()["messages"][0]
    del message["role"]
    message["author"] = {"role": "user"}
    body = body_with(messages=[message], parent_message_id="client-created-root", conversation_id=None)

    assert visitor.backend("POST", "/conversation", body).status_code == 200


def test_message_half_surrogate_pair_gets_reply(visitor: Visitor) -> None:
    content = b'"parts": ["\\ud83d"]'
    raw = str(body_with()).replace("'", '"').encode().replace(b'"parts": ["Hello"]', content)
    response = visitor.http.post(visitor.messages_url, content=raw)

    assert response.status_code == 200
    assert "[DONE]" in response.text


def test_message_unknown_conversation_returns_404(visitor: Visitor) -> None:
    said = visitor.say("Hello", (str(uuid.uuid4()), str(uuid.uuid4())))

    assert said.response.status_code == 404
    assert said.response.json()["detail"]["code"] == "conversation_not_found"


def test_message_parent_of_other_conversation_returns_404(visitor: Visitor) -> None:
    (first, _), (_, other) = visitor.say("one").place, visitor.say("two").place
    said = visitor.say("three", (first, other))

    assert said.response.status_code == 404
    assert said.response.json()["detail"]["code"] == "message_not_found"


def test_message_without_valid_token_takes_no_step(visitor: Visitor) -> None:
    visitor.server.script("scripted")
    visitor.server.expire_access_tokens()

    assert visitor.say("x").response.status_code == 401
    visitor.sign_in()
    assert visitor.say("x").text == "scripted"


def test_one_message_at_a_time_second_message_returns_429(serve: Serve, visit: Visit) -> None:
    gate = Gate()
    server = serve(one_message_at_a_time=True, replies=[Reply("a b", hold_after=1, gate=gate)])
    visitor = visit(server)
    with visitor.stream() as response:
        gate.wait_reached()
        assert server.active_messages == 1
        refused = visitor.say("another").response
        gate.open()
        response.read()

    assert refused.status_code == 429
    assert refused.json()["detail"].startswith("Only one message at a time.")
    assert visitor.say("again").response.status_code == 200
    assert server.peak_active_messages == 1


def test_active_messages_counts_concurrent_messages(visitor: Visitor, visit: Visit) -> None:
    gate = Gate()
    visitor.server.script(*[Reply("a b", hold_after=0, gate=gate)] * 3)
    with visitor.stream(), visitor.stream(), visitor.stream():
        gate.wait_reached(count=3)
        assert visitor.server.active_messages == 3
        gate.open()

    assert visitor.server.peak_active_messages == 3


def test_add_conversation_can_be_continued(server: FakeChatGPT, visitor: Visitor) -> None:
    before = server.add_conversation([("user", "I am Ada."), ("assistant", "Hello, Ada!")], title="Names")
    said = visitor.say("Who am I?", (before.id, before.current_node))

    assert 'Before that you said: "I am Ada.".' in said.text
    assert server.conversations[before.id].title == "Names"
