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


def test_session_alive_returns_user_expiry_and_access_token(visit: Visit) -> None:
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
def test_session_without_valid_token_is_empty(visit: Visit, cookies: dict[str, str]) -> None:
    response = visit(signed_in=False).session(cookies)

    assert (response.status_code, response.json()) == (200, {})


@pytest.mark.parametrize(
    "name", ["next-auth.session-token", "authjs.session-token", "__Secure-next-auth.session-token"]
)
def test_session_over_http_accepts_every_cookie_name(visit: Visit, name: str) -> None:
    visitor = visit(signed_in=False)

    assert "accessToken" in visitor.session({name: visitor.server.session_token}).json()


def test_session_over_https_rejects_cookie_without_prefix(serve: Serve, visit: Visit) -> None:
    visitor = visit(serve(tls=True), signed_in=False)
    token = visitor.server.session_token

    assert visitor.session({"next-auth.session-token": token}).json() == {}
    assert "accessToken" in visitor.session({"__Secure-authjs.session-token": token}).json()
    assert "accessToken" in visitor.session().json()


@pytest.mark.parametrize("length", [1, CHUNK, CHUNK + 1, 12 * 1024])
def test_session_cookie_chunks_are_joined_by_number(serve: Serve, visit: Visit, length: int) -> None:
    token = "".join(chr(ord("a") + n % 26) for n in range(length))
    visitor = visit(serve(session_token=token), signed_in=False)
    chunks = {f"{visitor.cookie_name}.{n}": token[n * CHUNK :][:CHUNK] for n in range(-(-length // CHUNK))}

    backwards = dict(reversed([*chunks.items()]))
    assert "accessToken" in visitor.session(backwards).json()
    assert "accessToken" in visitor.session({**chunks, f"{visitor.cookie_name}.9": ""}).json()
    assert visitor.session({**chunks, visitor.cookie_name: "stale"}).json() == {}
    assert visitor.session({**chunks, f"{visitor.cookie_name}.9": "stale"}).json() == {}


def test_session_cookie_chunks_are_sorted_numerically(serve: Serve, visit: Visit) -> None:
    visitor = visit(serve(session_token="abcdefghijkl"), signed_in=False)
    chunks = {f"{visitor.cookie_name}.{n}": letter for n, letter in enumerate("abcdefghijkl")}

    assert "accessToken" in visitor.session(chunks).json()


@pytest.mark.parametrize("token", ["", "a b", "a;b", 'a"b', "a,b", "ä", "a\nb"])
def test_session_token_invalid_in_cookie_raises(token: str) -> None:
    with pytest.raises(ValueError, match="session_token"):
        FakeChatGPT(session_token=token)


def test_access_token_is_stable_until_expired(visitor: Visitor) -> None:
    first, second = visitor.sign_in(), visitor.sign_in()
    visitor.server.expire_access_tokens()

    assert first == second
    assert visitor.backend("GET", "/models").json()["detail"]["code"] == "token_expired"
    assert visitor.sign_in() not in (first, second)
    assert visitor.backend("GET", "/models").status_code == 200


@pytest.mark.parametrize("lifetime", [0, timedelta(0)])
def test_access_token_lifetime_zero_is_expired(serve: Serve, visit: Visit, lifetime: object) -> None:
    visitor = visit(serve(access_token_lifetime=lifetime))

    assert visitor.backend("GET", "/models").json()["detail"]["code"] == "token_expired"


@pytest.mark.parametrize(
    ("lifetime", "seconds"), [(90_000, 90), (timedelta(minutes=5), 300)], ids=["milliseconds", "timedelta"]
)
def test_access_token_jwt_contains_expiry(serve: Serve, visit: Visit, lifetime: object, seconds: int) -> None:
    claims = claims_of(visit(serve(access_token_lifetime=lifetime)).sign_in())

    assert claims["exp"] - claims["iat"] == seconds


@pytest.mark.parametrize("header", ["Bearer never-issued", "Basic abc", "Bearer", ""])
def test_access_token_unknown_returns_401(visitor: Visitor, header: str) -> None:
    visitor.http.headers["authorization"] = header
    response = visitor.backend("GET", "/models")

    assert response.status_code == 401
    assert response.json()["detail"]["code"] == "invalid_jwt"


def test_sign_out_then_sign_in_changes_session(visit: Visit) -> None:
    visitor = visit(signed_in=False)
    visitor.server.sign_out()
    assert visitor.session().json() == {}

    visitor.server.sign_in("another-token")
    assert visitor.server.session_token == "another-token"
    assert "accessToken" in visitor.session().json()


def test_session_answer_signed_out_is_empty(visit: Visit) -> None:
    visitor = visit(signed_in=False)
    visitor.server.session_answer = "signed_out"

    assert (visitor.session().status_code, visitor.session().json()) == (200, {})


def test_session_answer_refresh_error_has_expired_token(visit: Visit) -> None:
    visitor = visit(signed_in=False)
    visitor.server.session_answer = "refresh_error"
    body = visitor.session().json()
    visitor.http.headers["authorization"] = f"Bearer {body['accessToken']}"

    assert body["error"] == "RefreshAccessTokenError"
    assert visitor.backend("GET", "/models").json()["detail"]["code"] == "token_expired"


def test_session_answer_challenge_returns_403(visit: Visit) -> None:
    visitor = visit(signed_in=False)
    visitor.server.session_answer = "challenge"
    response = visitor.session()

    assert response.status_code == 403
    assert response.headers["cf-mitigated"] == "challenge"
    assert "Just a moment..." in response.text


def test_session_answer_step_is_played(visit: Visit) -> None:
    visitor = visit(signed_in=False)
    visitor.server.session_answer = Answer(304)

    assert visitor.session().status_code == 304


def test_session_answer_unknown_raises(server: FakeChatGPT) -> None:
    with pytest.raises(ValueError, match="dead"):
        server.session_answer = "dead"  # type: ignore[assignment]

    with pytest.raises(ValueError, match="dead"):
        server.script_session("dead")  # type: ignore[arg-type]


def test_script_session_answers_are_used_once(visit: Visit) -> None:
    visitor = visit(signed_in=False)
    visitor.server.script_session("signed_out", Answer.server_error(), Stall(before_head=True, gate=None))
    visitor.server.script_session("alive")

    assert visitor.session().json() == {}
    assert visitor.session().status_code == 500
    with pytest.raises(httpx.ReadTimeout):
        visitor.http.get(f"{visitor.server.api_base_url}/auth/session", timeout=0.05)
    assert "accessToken" in visitor.session().json()


def test_rotation_sets_new_token_and_keeps_previous(serve: Serve, visit: Visit) -> None:
    visitor = visit(serve(session_token="first-token", rotate_session_token=True), signed_in=False)
    cookies = visitor.session().headers.get_list("set-cookie")
    second = visitor.server.session_token

    assert cookies[0].startswith(f"next-auth.session-token={second}; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {*cookies[0].split("; ")}
    assert "Secure" not in cookies[0]
    assert len(second) == len("first-token") and second != "first-token"
    assert "accessToken" in visitor.session({visitor.cookie_name: "first-token"}).json()
    assert visitor.session({visitor.cookie_name: "first-token"}).json() == {}


def test_rotation_off_sets_no_cookie(visit: Visit) -> None:
    assert "set-cookie" not in visit(signed_in=False).session().headers


def test_rotation_between_whole_and_chunks_deletes_stale_cookies(serve: Serve, visit: Visit) -> None:
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
