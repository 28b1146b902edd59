"""Behaviours of the site that other clients and the site's own page need."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import Reply
from chatgpt_browser.testing.server.chat_app import REQUIREMENTS_HEADER
from tests.support.site_client import SendResult, message_body

if TYPE_CHECKING:
    import httpx

    from chatgpt_browser.testing import Turn
    from tests.support.site_client import Connect, SiteClient, StartServer


def post(client: SiteClient, path: str = "/conversation", **changes: Any) -> httpx.Response:
    """Send a message as the page does: with a token for the message, if the server issues one."""
    body = {**message_body("Hello"), **changes}
    token = client.backend("POST", "/sentinel/chat-requirements").json().get("token", "")
    headers = {REQUIREMENTS_HEADER: token}
    return client.http.post(f"{client.server.backend_api_base_url}{path}", json=body, headers=headers)


@pytest.mark.parametrize("form", ["api", "app"])
@pytest.mark.parametrize("path", ["/conversation", "/f/conversation"])
@pytest.mark.parametrize("fault", ["rate-limit-header", "cut-short"])
def test_fault_of_a_message_strikes_both_paths(
    start_server: StartServer, connect: Connect, form: str, path: str, fault: str
) -> None:
    client = connect(start_server(form=form))
    injection = client.server.inject(fault)
    response = post(client, path)

    assert [record.path for record in injection.struck] == [f"/backend-api{path}"]
    assert (response.status_code == 429) == (fault == "rate-limit-header")
    assert post(client, path).text.rstrip().endswith("data: [DONE]")
    client.server.assert_all_used()


def test_fault_of_a_message_leaves_its_preparation_alone(client: SiteClient) -> None:
    client.server.inject("server-error", times=None)
    assert client.backend("POST", "/f/conversation/prepare").status_code == 200


# ---- variants and continued answers ------------------------------------------------------------


@pytest.mark.parametrize("with_message", [True, False], ids=["2023", "today"])
def test_variant_answers_the_same_message_again(client: SiteClient, with_message: bool) -> None:
    client.server.script("First.", "Second.")
    first = client.send("Hello")
    conversation_id, _ = first.position
    question = first.events[0]["message"]
    conversation = client.server.conversations[conversation_id]
    parent = conversation.messages[question["id"]].parent
    changes: dict[str, Any] = {"messages": [question], "parent_message_id": parent}
    if not with_message:
        changes = {"messages": [], "parent_message_id": question["id"]}

    second = SendResult(post(client, action="variant", conversation_id=conversation_id, **changes))

    assert second.text == "Second."
    assert conversation.history() == [("user", "Hello"), ("assistant", "Second.")]
    answers = conversation.messages[question["id"]].children
    assert [conversation.messages[each].text for each in answers] == ["First.", "Second."]


@pytest.mark.parametrize("without", [{}, {"messages": []}, {"messages": None}])
def test_continue_adds_the_rest_as_a_further_answer(client: SiteClient, without: dict[str, Any]) -> None:
    turns: list[Turn] = []

    def continued(turn: Turn) -> str:
        turns.append(turn)
        return " three."

    client.server.script(Reply("One two", finish="max_tokens"), continued)
    conversation_id, answer_id = client.send("Count").position
    body = message_body("") | {"action": "continue", "conversation_id": conversation_id}
    del body["messages"]
    result = SendResult(
        client.http.post(client.messages_url, json={**body, "parent_message_id": answer_id, **without})
    )

    assert result.text == " three."
    assert {event["message"]["author"]["role"] for event in result.events} == {"assistant"}
    history = client.server.conversations[conversation_id].history()
    assert history == [("user", "Count"), ("assistant", "One two"), ("assistant", " three.")]
    assert [(turn.message, turn.number, turn.history) for turn in turns] == [("Count", 1, [])]


@pytest.mark.parametrize("action", ["variant", "continue"])
def test_variant_or_continue_without_a_question_returns_404(client: SiteClient, action: str) -> None:
    root = client.server.add_conversation().current_node
    assert post(client, action=action, messages=[], parent_message_id=root).status_code == 404
    assert post(client, action="next", messages=[]).status_code == 422


def test_every_turn_starts_with_the_users_message(client: SiteClient) -> None:
    first = client.send("One")
    second = client.send("Two", first.position)

    for result, text in ((first, "One"), (second, "Two")):
        echo = result.events[0]["message"]
        assert (echo["author"]["role"], echo["content"]["parts"]) == ("user", [text])


# ---- other endpoints -----------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"is_visible": False}), ("DELETE", None)])
def test_all_conversations_are_deleted(client: SiteClient, method: str, body: Any) -> None:
    position = client.send("Hello").position
    client.send("Hello")
    assert client.backend("PATCH", "/conversations", {"is_visible": True}).status_code == 422

    assert client.backend(method, "/conversations", body).json() == {"success": True}
    assert client.backend("GET", "/conversations").json()["items"] == []
    assert client.backend("GET", f"/conversation/{position[0]}").status_code == 404
    client.send("After")
    assert client.backend("GET", "/conversations").json()["total"] == 1


def test_share_is_created_published_listed_and_deleted(client: SiteClient) -> None:
    conversation_id, answer_id = client.send("<Hello>").position
    body = {"conversation_id": conversation_id, "current_node_id": answer_id, "is_anonymous": True}
    share = client.backend("POST", "/share/create", body).json()

    assert (share["title"], share["current_node_id"], share["already_exists"]) == (
        "New chat",
        answer_id,
        False,
    )
    assert client.http.get(share["share_url"]).status_code == 404
    assert client.backend("POST", "/share/create", body).json() == {**share, "already_exists": True}

    changed = client.backend("PATCH", f"/share/{share['share_id']}", {"title": "Ours", "is_public": True})
    assert (changed.status_code, changed.json()["title"]) == (200, "Ours")
    assert "<title>Ours</title>" in client.http.get(share["share_url"]).text
    assert "&lt;Hello&gt;" in client.http.get(share["share_url"]).text
    assert client.backend("GET", "/shared_conversations").json()["items"][0]["id"] == share["share_id"]

    assert client.backend("DELETE", f"/share/{share['share_id']}").status_code == 200
    assert client.backend("DELETE", f"/share/{share['share_id']}").status_code == 404
    assert client.backend("PATCH", f"/share/{share['share_id']}", {}).status_code == 404
    assert client.http.get(share["share_url"]).status_code == 404


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"conversation_id": "other"}, 404), ({"current_node_id": "other"}, 422), ({"current_node_id": None}, 422)],
)  # fmt: skip
def test_share_of_something_unknown_is_refused(
    client: SiteClient, changes: dict[str, Any], status: int
) -> None:
    conversation_id, answer_id = client.send("Hello").position
    body = {"conversation_id": conversation_id, "current_node_id": answer_id, **changes}
    assert client.backend("POST", "/share/create", body).status_code == status


# ---- the session's cookie, the error event, and models --------------------------------------------


@pytest.mark.parametrize(
    "cookies",
    [
        {"next-auth.session-token": "a-token"},
        {"__Secure-next-auth.session-token": "a-token"},
        {"next-auth.session-token.0": "a-to", "next-auth.session-token.1": "ken", "other": "x"},
    ],
)
def test_session_response_sets_the_session_cookie_again(
    start_server: StartServer, connect: Connect, cookies: dict[str, str]
) -> None:
    client = connect(start_server(session_token="a-token"), signed_in=False)
    response = client.get_session(cookies)

    set_cookies = [each.partition(";")[0] for each in response.headers.get_list("set-cookie")]
    assert set_cookies == [f"{name}={value}" for name, value in cookies.items() if name != "other"]


@pytest.mark.parametrize("cookies", [{}, {"next-auth.session-token": "another"}])
def test_session_response_without_a_session_sets_no_cookie(connect: Connect, cookies: dict[str, str]) -> None:
    assert "set-cookie" not in connect(signed_in=False).get_session(cookies).headers


@pytest.mark.parametrize(
    ("encoding", "error", "sent"),
    [
        ("whole", "No.", {"message": "No."}),
        ("whole", {"code": "x"}, {"code": "x"}),
        ("delta", "No.", "No."),
    ],
)
def test_error_event_has_the_form_of_its_encoding(
    client: SiteClient, encoding: Any, error: Any, sent: Any
) -> None:
    client.server.script(Reply("a", error=error, encoding=encoding))
    assert client.send("x").events[-1]["error"] == sent


@pytest.mark.parametrize(
    ("models", "model", "status"),
    [
        (None, "gpt-99", 400),
        (None, "", 400),
        (None, "auto", 200),
        (None, "gpt-4o", 200),
        (None, "gpt-5-6-thinking", 200),
        (None, "text-davinci-002-render", 200),
        (None, "text-davinci-002-render-paid", 200),
        ([{"slug": "gpt-99"}], "gpt-99", 200),
        ([{"slug": "gpt-99"}], "text-davinci-002-render", 200),
        ([{"slug": "gpt-99"}], "text-davinci-002-render-paid", 400),
    ],
)
def test_message_for_an_unknown_model_is_refused(
    start_server: StartServer, connect: Connect, models: Any, model: str, status: int
) -> None:
    client = connect(start_server(models=models))
    client.server.script("scripted")
    response = post(client, model=model, conversation_id=None, parent_message_id=str(uuid.uuid4()))

    assert response.status_code == status
    if status == 400:
        assert response.json()["detail"]["code"] == "model_not_found"
        assert repr(model) in response.json()["detail"]["message"]
        assert client.send("Hello").text == "scripted", "a refusal takes no reply"
