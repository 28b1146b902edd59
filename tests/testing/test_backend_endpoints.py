"""The other backend endpoints: conversations, titles, models, moderation; scripted paths and redirects."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser.testing import Answer, Stall

if TYPE_CHECKING:
    from tests.support.site_client import Connect, SiteClient, StartServer


def test_conversations_list_is_newest_first_and_paged(client: SiteClient) -> None:
    ids = [client.server.add_conversation(title=f"Number {n}").id for n in range(5)][::-1]
    page = client.backend("GET", "/conversations?offset=1&limit=2").json()

    assert [item["id"] for item in page["items"]] == ids[1:3]
    assert (page["total"], page["offset"], page["limit"]) == (5, 1, 2)
    assert page["items"][0].keys() == {"id", "title", "create_time", "update_time"}
    assert datetime.fromisoformat(page["items"][0]["create_time"]).tzinfo is not None
    assert len(client.backend("GET", "/conversations").json()["items"]) == 5


@pytest.mark.parametrize("query", ["offset=x", "limit=0", "offset=-1", "limit=101"])
def test_conversations_list_invalid_query_returns_422(client: SiteClient, query: str) -> None:
    assert client.backend("GET", f"/conversations?{query}").status_code == 422


def test_conversation_detail_is_message_tree(client: SiteClient) -> None:
    result = client.send("Hello")
    conversation_id, reply_id = result.position
    detail = client.backend("GET", f"/conversation/{conversation_id}").json()
    mapping = detail["mapping"]

    reply = mapping[reply_id]
    question = mapping[reply["parent"]]
    root = mapping[question["parent"]]
    assert detail["current_node"] == reply_id
    assert detail["title"] == "New chat"
    assert reply["message"]["content"]["parts"] == [result.text]
    assert (question["message"]["author"]["role"], question["children"]) == ("user", [reply_id])
    assert (root["message"], root["parent"], root["children"]) == (None, None, [question["id"]])
    assert root["id"] == client.server.requests[-2].json["parent_message_id"]


def test_conversation_patch_changes_title(client: SiteClient) -> None:
    conversation = client.server.add_conversation()
    response = client.backend("PATCH", f"/conversation/{conversation.id}", {"title": "Über «it»"})

    assert response.json() == {"success": True}
    assert client.backend("GET", f"/conversation/{conversation.id}").json()["title"] == "Über «it»"


def test_conversation_deleted_returns_404(client: SiteClient) -> None:
    result = client.send("Hello")
    path = f"/conversation/{result.position[0]}"
    client.backend("PATCH", path, {"is_visible": False})

    assert client.backend("GET", path).status_code == 404
    assert client.backend("PATCH", path, {"title": "x"}).status_code == 404
    assert client.backend("GET", "/conversations").json()["items"] == []
    assert client.send("again", result.position).response.status_code == 404
    assert client.server.conversations[result.position[0]].is_visible is False


@pytest.mark.parametrize("change", [{}, {"title": 7}, {"is_visible": "no"}, [], None])
def test_conversation_patch_invalid_body_returns_422(client: SiteClient, change: object) -> None:
    conversation = client.server.add_conversation(title="Kept")
    response = client.backend("PATCH", f"/conversation/{conversation.id}", change)

    assert response.status_code == 422
    assert conversation.title == "Kept"


def test_generate_title_uses_first_words(client: SiteClient) -> None:
    result = client.send("Why is the sky blue, and not green?")
    path = f"/conversation/gen_title/{result.position[0]}"
    response = client.backend("POST", path, {"message_id": result.position[1]})

    assert response.json() == {"title": "Why is the sky blue,"}
    assert client.server.conversations[result.position[0]].title == "Why is the sky blue,"
    assert client.backend("POST", path, {"message_id": "other"}).status_code == 422
    assert client.backend("POST", "/conversation/gen_title/other", {}).status_code == 404


@pytest.mark.parametrize("path", ["/conversation/gen_title/{id}", "/share/create", "/f/conversation/resume"])
@pytest.mark.parametrize("value", [["x"], {"a": 1}, 7, None])
def test_backend_value_of_another_type_is_refused(client: SiteClient, path: str, value: object) -> None:
    conversation_id = client.send("Hello").position[0]
    body = {
        "conversation_id": conversation_id,
        "message_id": value,
        "current_node_id": value,
        "offset": value,
    }
    response = client.backend("POST", path.format(id=conversation_id), body)
    assert response.status_code in (404, 422)
    assert client.server.errors == []


@pytest.mark.parametrize("content", [b"", b"[", b"\xff", b"7", b"[" * 100_000])
@pytest.mark.parametrize("path", ["/conversation", "/f/conversation/resume", "/share/create", "/files"])
def test_backend_body_that_is_no_json_object_is_refused(
    client: SiteClient, path: str, content: bytes
) -> None:
    headers = {"authorization": f"Bearer {client.sign_in()}"}
    response = client.http.post(client.server.backend_api_base_url + path, content=content, headers=headers)
    assert response.status_code in (404, 422)
    assert client.server.errors == []


def test_models_default_and_custom_are_listed(
    start_server: StartServer, connect: Connect, client: SiteClient
) -> None:
    (model, *_) = client.backend("GET", "/models").json()["models"]
    mine = [{"slug": "mine", "max_tokens": 1}]

    assert model["slug"] == "text-davinci-002-render"
    assert connect(start_server(models=mine)).backend("GET", "/models").json() == {"models": mine}


def test_moderations_nothing_is_flagged(client: SiteClient) -> None:
    body = {"input": "x", "model": "text-moderation-playground"}
    verdict = client.backend("POST", "/moderations", body).json()

    assert (verdict["flagged"], verdict["blocked"]) == (False, False)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/conversations"),
        ("GET", "/conversation/x"),
        ("PATCH", "/conversation/x"),
        ("POST", "/conversation/gen_title/x"),
        ("GET", "/models"),
        ("POST", "/moderations"),
        ("POST", "/conversation"),
    ],
)
def test_backend_without_access_token_returns_401(connect: Connect, method: str, path: str) -> None:
    response = connect(signed_in=False).backend(method, path, {})

    assert response.status_code == 401


def test_conversation_unknown_id_returns_404(client: SiteClient) -> None:
    response = client.backend("GET", "/conversation/other")

    assert response.status_code == 404
    assert response.json()["detail"]["code"] == "conversation_not_found"


def test_backend_unknown_path_returns_json_404(client: SiteClient) -> None:
    response = client.backend("GET", "/nothing")

    assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})
    assert client.backend("DELETE", "/models").status_code == 405


def test_home_page_returns_html(client: SiteClient) -> None:
    response = client.http.get(client.server.origin)

    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>ChatGPT</title>" in response.text


def test_script_path_answers_matching_requests_in_order(client: SiteClient) -> None:
    client.server.script_path("/models", Answer.server_error(), Answer(200, {"models": []}))

    assert client.backend("GET", "/conversations").status_code == 200
    assert client.backend("GET", "/models").status_code == 500
    assert client.backend("GET", "/models").json() == {"models": []}
    assert client.backend("GET", "/models").json()["models"] != []


def test_script_path_needs_no_access_token(connect: Connect) -> None:
    client = connect(signed_in=False)
    client.server.script_path("/models", Stall(before_head=False))
    with client.http.stream("GET", f"{client.server.backend_api_base_url}/models") as response:
        assert response.status_code == 200

    assert client.server.requests[-1].disconnected.wait(20)


def test_redirect_to_redirects_every_request(client: SiteClient) -> None:
    client.server.redirect_to = "https://chatgpt.com"
    response = client.http.get(f"{client.server.origin}/chat?a=b")
    client.server.redirect_to = None

    assert response.status_code == 308
    assert response.headers["location"] == "https://chatgpt.com/chat?a=b"
    assert client.http.get(client.server.origin).status_code == 200


def test_response_has_edge_server_header(client: SiteClient) -> None:
    assert client.backend("GET", "/models").headers.get_list("server") == ["cloudflare"]
