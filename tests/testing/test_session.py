"""`GET /api/auth/session`: cookies in, access tokens out."""

from __future__ import annotations

import base64
import json
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from chatgpt_browser.testing import Answer, FakeChatGPT, Stall

if TYPE_CHECKING:
    from tests.testing.conftest import Serve, Visit, Visitor

CHUNK = 3933


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def test_a_live_session_gives_user_expiry_and_access_token(visit: Visit) -> None:
    response = visit(signed_in=False).session()

    body = response.json()
    expires = datetime.fromisoformat(body["expires"].replace("Z", "+00:00"))
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert body["user"].keys() >= {"id", "name", "email", "image", "picture", "groups", "features"}
    assert abs(expires - datetime.now(timezone.utc) - timedelta(days=30)) < timedelta(minutes=1)
    assert body["expires"].endswith("Z")
    assert abs(claims_of(body["accessToken"])["exp"] - time.time() - 3600) < 60


@pytest.mark.parametrize("cookies", [{}, {"next-auth.session-token": "wrong"}, {"other": "cookie"}])
def test_without_a_valid_token_the_session_is_empty(visit: Visit, cookies: dict[str, str]) -> None:
    response = visit(signed_in=False).session(cookies)

    assert (response.status_code, response.json()) == (200, {})


@pytest.mark.parametrize(
    "name", ["next-auth.session-token", "authjs.session-token", "__Secure-next-auth.session-token"]
)
def test_over_http_every_name_of_the_cookie_is_taken(visit: Visit, name: str) -> None:
    visitor = visit(signed_in=False)

    assert "accessToken" in visitor.session({name: visitor.server.session_token}).json()


def test_over_https_a_cookie_without_the_prefix_is_not_taken(serve: Serve, visit: Visit) -> None:
    visitor = visit(serve(tls=True), signed_in=False)
    token = visitor.server.session_token

    assert visitor.session({"next-auth.session-token": token}).json() == {}
    assert "accessToken" in visitor.session({"__Secure-authjs.session-token": token}).json()
    assert "accessToken" in visitor.session().json()


@pytest.mark.parametrize("length", [1, CHUNK, CHUNK + 1, 12 * 1024])
def test_chunks_are_joined_by_their_number(serve: Serve, visit: Visit, length: int) -> None:
    token = "".join(chr(ord("a") + n % 26) for n in range(length))
    visitor = visit(serve(session_token=token), signed_in=False)
    chunks = {f"{visitor.cookie_name}.{n}": token[n * CHUNK :][:CHUNK] for n in range(-(-length // CHUNK))}

    backwards = dict(reversed([*chunks.items()]))
    assert "accessToken" in visitor.session(backwards).json()
    assert "accessToken" in visitor.session({**chunks, f"{visitor.cookie_name}.9": ""}).json()
    assert visitor.session({**chunks, visitor.cookie_name: "stale"}).json() == {}
    assert visitor.session({**chunks, f"{visitor.cookie_name}.9": "stale"}).json() == {}


def test_more_than_ten_chunks_are_sorted_as_numbers(serve: Serve, visit: Visit) -> None:
    visitor = visit(serve(session_token="abcdefghijkl"), signed_in=False)
    chunks = {f"{visitor.cookie_name}.{n}": letter for n, letter in enumerate("abcdefghijkl")}

    assert "accessToken" in visitor.session(chunks).json()


@pytest.mark.parametrize("token", ["", "a b", "a;b", 'a"b', "a,b", "ä", "a\nb"])
def test_a_token_that_no_cookie_can_hold_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="session_token"):
        FakeChatGPT(session_token=token)


def test_the_access_token_stays_the_same_until_it_expires(visitor: Visitor) -> None:
    first, second = visitor.sign_in(), visitor.sign_in()
    visitor.server.expire_access_tokens()

    assert first == second
    assert visitor.backend("GET", "/models").json()["detail"]["code"] == "token_expired"
    assert visitor.sign_in() not in (first, second)
    assert visitor.backend("GET", "/models").status_code == 200


@pytest.mark.parametrize("lifetime", [0, timedelta(0)])
def test_the_lifetime_of_access_tokens_can_be_set(serve: Serve, visit: Visit, lifetime: object) -> None:
    visitor = visit(serve(access_token_lifetime=lifetime))

    assert visitor.backend("GET", "/models").json()["detail"]["code"] == "token_expired"


@pytest.mark.parametrize(
    ("lifetime", "seconds"), [(90_000, 90), (timedelta(minutes=5), 300)], ids=["milliseconds", "timedelta"]
)
def test_the_jwt_says_when_it_expires(serve: Serve, visit: Visit, lifetime: object, seconds: int) -> None:
    claims = claims_of(visit(serve(access_token_lifetime=lifetime)).sign_in())

    assert claims["exp"] - claims["iat"] == seconds


@pytest.mark.parametrize("header", ["Bearer never-issued", "Basic abc", "Bearer", ""])
def test_an_unknown_access_token_is_refused(visitor: Visitor, header: str) -> None:
    visitor.http.headers["authorization"] = header
    response = visitor.backend("GET", "/models")

    assert response.status_code == 401
    assert response.json()["detail"]["code"] == "invalid_jwt"


def test_signing_out_ends_the_session_and_signing_in_starts_another(visit: Visit) -> None:
    visitor = visit(signed_in=False)
    visitor.server.sign_out()
    assert visitor.session().json() == {}

    visitor.server.sign_in("another-token")
    assert visitor.server.session_token == "another-token"
    assert "accessToken" in visitor.session().json()


def test_a_signed_out_session_is_empty(visit: Visit) -> None:
    visitor = visit(signed_in=False)
    visitor.server.session_answer = "signed_out"

    assert (visitor.session().status_code, visitor.session().json()) == (200, {})


def test_a_broken_session_has_an_error_and_an_old_access_token(visit: Visit) -> None:
    visitor = visit(signed_in=False)
    visitor.server.session_answer = "refresh_error"
    body = visitor.session().json()
    visitor.http.headers["authorization"] = f"Bearer {body['accessToken']}"

    assert body["error"] == "RefreshAccessTokenError"
    assert visitor.backend("GET", "/models").json()["detail"]["code"] == "token_expired"


def test_the_session_can_be_behind_a_challenge(visit: Visit) -> None:
    visitor = visit(signed_in=False)
    visitor.server.session_answer = "challenge"
    response = visitor.session()

    assert response.status_code == 403
    assert response.headers["cf-mitigated"] == "challenge"
    assert "Just a moment..." in response.text


def test_the_session_can_be_any_answer(visit: Visit) -> None:
    visitor = visit(signed_in=False)
    visitor.server.session_answer = Answer(304)

    assert visitor.session().status_code == 304


def test_an_unknown_session_answer_is_refused(server: FakeChatGPT) -> None:
    with pytest.raises(ValueError, match="dead"):
        server.session_answer = "dead"  # type: ignore[assignment]

    with pytest.raises(ValueError, match="dead"):
        server.script_session("dead")  # type: ignore[arg-type]


def test_scripted_session_answers_are_taken_once_each(visit: Visit) -> None:
    visitor = visit(signed_in=False)
    visitor.server.script_session("signed_out", Answer.server_error(), Stall(before_head=True, gate=None))
    visitor.server.script_session("alive")

    assert visitor.session().json() == {}
    assert visitor.session().status_code == 500
    with pytest.raises(httpx.ReadTimeout):
        visitor.http.get(f"{visitor.server.api_base_url}/auth/session", timeout=1)
    assert "accessToken" in visitor.session().json()


def test_rotation_sets_a_new_token_and_keeps_the_one_before(serve: Serve, visit: Visit) -> None:
    visitor = visit(serve(session_token="first-token", rotate_session_token=True), signed_in=False)
    cookies = visitor.session().headers.get_list("set-cookie")
    second = visitor.server.session_token

    assert cookies[0].startswith(f"next-auth.session-token={second}; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {*cookies[0].split("; ")}
    assert "Secure" not in cookies[0]
    assert len(second) == len("first-token") and second != "first-token"
    assert "accessToken" in visitor.session({visitor.cookie_name: "first-token"}).json()
    assert visitor.session({visitor.cookie_name: "first-token"}).json() == {}


def test_without_rotation_no_cookie_is_set(visit: Visit) -> None:
    assert "set-cookie" not in visit(signed_in=False).session().headers


def test_rotation_from_one_form_to_the_other_deletes_the_stale_cookies(serve: Serve, visit: Visit) -> None:
    long = "x" * (CHUNK + 10)
    server = serve(session_token="short", rotate_session_token=[long, "brief"], tls=True)
    visitor = visit(server, signed_in=False)
    name = "__Secure-next-auth.session-token"

    to_chunks = visitor.session().headers.get_list("set-cookie")
    assert [cookie.split(";")[0] for cookie in to_chunks] == [
        f"{name}.0={'x' * CHUNK}",
        f"{name}.1={'x' * 10}",
        f"{name}=",
    ]
    assert ["Max-Age=0" in cookie for cookie in to_chunks] == [False, False, True]
    assert all(cookie.endswith("; Secure") for cookie in to_chunks)

    jar = {f"{name}.0": "x" * CHUNK, f"{name}.1": "x" * 10}
    to_whole = visitor.session(jar).headers.get_list("set-cookie")
    assert [cookie.split(";")[0] for cookie in to_whole] == [f"{name}=brief", f"{name}.0=", f"{name}.1="]
    assert "set-cookie" not in visitor.session().headers
    assert server.session_token == "brief"
