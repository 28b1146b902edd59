"""The other paths: lists, histories, titles, models."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser.testing import Answer, Stall

if TYPE_CHECKING:
    from tests.testing.conftest import Serve, Visit, Visitor


def test_conversations_list_is_newest_first_and_paged(visitor: Visitor) -> None:
    ids = [visitor.server.add_conversation(title=f"Number {n}").id for n in range(5)][::-1]
    page = visitor.backend("GET", "/conversations?offset=1&limit=2").json()

    assert [item["id"] for item in page["items"]] == ids[1:3]
    assert (page["total"], page["offset"], page["limit"]) == (5, 1, 2)
    assert page["items"][0].keys() == {"id", "title", "create_time", "update_time"}
    assert datetime.fromisoformat(page["items"][0]["create_time"]).tzinfo is not None
    assert len(visitor.backend("GET", "/conversations").json()["items"]) == 5


@pytest.mark.parametrize("query", ["offset=x", "limit=0", "offset=-1", "limit=101"])
def test_conversations_list_invalid_query_returns_422(visitor: Visitor, query: str) -> None:
    assert visitor.backend("GET", f"/conversations?{query}").status_code == 422


def test_conversation_detail_is_message_tree(visitor: Visitor) -> None:
    said = visitor.say("Hello")
    conversation_id, reply_id = said.place
    detail = visitor.backend("GET", f"/conversation/{conversation_id}").json()
    mapping = detail["mapping"]

    reply = mapping[reply_id]
    question = mapping[reply["parent"]]
    root = mapping[question["parent"]]
    assert detail["current_node"] == reply_id
    assert detail["title"] == "New chat"
    assert reply["message"]["content"]["parts"] == [said.text]
    assert (question["message"]["author"]["role"], question["children"]) == ("user", [reply_id])
    assert (root["message"], root["parent"], root["children"]) == (None, None, [question["id"]])
    assert root["id"] == visitor.server.requests[-2].json["parent_message_id"]


def test_conversation_patch_changes_title(visitor: Visitor) -> None:
    conversation = visitor.server.add_conversation()
    response = visitor.backend("PATCH", f"/conversation/{conversation.id}", {"title": "Über «it»"})

    assert response.json() == {"success": True}
    assert visitor.backend("GET", f"/conversation/{conversation.id}").json()["title"] == "Über «it»"


def test_conversation_deleted_returns_404(visitor: Visitor) -> None:
    said = visitor.say("Hello")
    path = f"/conversation/{said.place[0]}"
    visitor.backend("PATCH", path, {"is_visible": False})

    assert visitor.backend("GET", path).status_code == 404
    assert visitor.backend("PATCH", path, {"title": "x"}).status_code == 404
    assert visitor.backend("GET", "/conversations").json()["items"] == []
    assert visitor.say("again", said.place).response.status_code == 404
    assert visitor.server.conversations[said.place[0]].is_visible is False


@pytest.mark.parametrize("change", [{}, {"title": 7}, {"is_visible": "no"}, [], None])
def test_conversation_patch_invalid_body_returns_422(visitor: Visitor, change: object) -> None:
    conversation = visitor.server.add_conversation(title="Kept")
    response = visitor.backend("PATCH", f"/conversation/{conversation.id}", change)

    assert response.status_code == 422
    assert conversation.title == "Kept"


def test_generate_title_uses_first_words(visitor: Visitor) -> None:
    said = visitor.say("Why is the sky blue, and not green?")
    path = f"/conversation/gen_title/{said.place[0]}"
    response = visitor.backend("POST", path, {"message_id": said.place[1]})

    assert response.json() == {"title": "Why is the sky blue,"}
    assert visitor.server.conversations[said.place[0]].title == "Why is the sky blue,"
    assert visitor.backend("POST", path, {"message_id": "other"}).status_code == 422
    assert visitor.backend("POST", "/conversation/gen_title/other", {}).status_code == 404


def test_models_default_and_custom_are_listed(serve: Serve, visit: Visit, visitor: Visitor) -> None:
    (model, *_) = visitor.backend("GET", "/models").json()["models"]
    mine = [{"slug": "mine", "max_tokens": 1}]

    assert model["slug"] == "text-davinci-002-render"
    assert visit(serve(models=mine)).backend("GET", "/models").json() == {"models": mine}


def test_moderations_nothing_is_flagged(visitor: Visitor) -> None:
    body = {"input": "x", "model": "text-moderation-playground"}
    verdict = visitor.backend("POST", "/moderations", body).json()

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
def test_backend_without_access_token_returns_401(visit: Visit, method: str, path: str) -> None:
    response = visit(signed_in=False).backend(method, path, {})

    assert response.status_code == 401


def test_conversation_unknown_id_returns_404(visitor: Visitor) -> None:
    response = visitor.backend("GET", "/conversation/other")

    assert response.status_code == 404
    assert response.json()["detail"]["code"] == "conversation_not_found"


def test_backend_unknown_path_returns_json_404(visitor: Visitor) -> None:
    response = visitor.backend("GET", "/nothing")

    assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})
    assert visitor.backend("DELETE", "/models").status_code == 405


def test_home_page_returns_html(visitor: Visitor) -> None:
    response = visitor.http.get(visitor.server.origin)

    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>ChatGPT</title>" in response.text


def test_script_path_answers_matching_requests_in_order(visitor: Visitor) -> None:
    visitor.server.script_path("/models", Answer.server_error(), Answer(200, {"models": []}))

    assert visitor.backend("GET", "/conversations").status_code == 200
    assert visitor.backend("GET", "/models").status_code == 500
    assert visitor.backend("GET", "/models").json() == {"models": []}
    assert visitor.backend("GET", "/models").json()["models"] != []


def test_script_path_needs_no_access_token(visit: Visit) -> None:
    visitor = visit(signed_in=False)
    visitor.server.script_path("/models", Stall(before_head=False))
    with visitor.http.stream("GET", f"{visitor.server.backend_api_base_url}/models") as response:
        assert response.status_code == 200

    assert visitor.server.requests[-1].disconnected.wait(5)


def test_redirect_to_redirects_every_request(visitor: Visitor) -> None:
    visitor.server.redirect_to = "https://chatgpt.com"
    response = visitor.http.get(f"{visitor.server.origin}/chat?a=b")
    visitor.server.redirect_to = None

    assert response.status_code == 308
    assert response.headers["location"] == "https://chatgpt.com/chat?a=b"
    assert visitor.http.get(visitor.server.origin).status_code == 200


def test_response_has_edge_server_header(visitor: Visitor) -> None:
    assert visitor.backend("GET", "/models").headers.get_list("server") == ["cloudflare"]
