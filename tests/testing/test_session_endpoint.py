"""`GET /api/auth/session`: cookies, states of the session, access tokens and rotation."""

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
    from tests.support.site_client import Connect, SiteClient, StartServer

CHUNK = 3933


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def test_session_alive_returns_user_expiry_and_access_token(connect: Connect) -> None:
    response = connect(signed_in=False).get_session()

    body = response.json()
    expires = datetime.fromisoformat(body["expires"].replace("Z", "+00:00"))
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert body["user"].keys() >= {"id", "name", "email", "image", "picture", "groups", "features"}
    assert abs(expires - datetime.now(timezone.utc) - timedelta(days=30)) < timedelta(minutes=1)
    assert body["expires"].endswith("Z")
    assert abs(claims_of(body["accessToken"])["exp"] - time.time() - 3600) < 60


@pytest.mark.parametrize("cookies", [{}, {"next-auth.session-token": "wrong"}, {"other": "cookie"}])
def test_session_without_valid_token_is_empty(connect: Connect, cookies: dict[str, str]) -> None:
    response = connect(signed_in=False).get_session(cookies)

    assert (response.status_code, response.json()) == (200, {})


@pytest.mark.parametrize(
    "name", ["next-auth.session-token", "authjs.session-token", "__Secure-next-auth.session-token"]
)
def test_session_over_http_accepts_every_cookie_name(connect: Connect, name: str) -> None:
    client = connect(signed_in=False)

    assert "accessToken" in client.get_session({name: client.server.session_token}).json()


def test_session_over_https_rejects_cookie_without_prefix(
    start_server: StartServer, connect: Connect
) -> None:
    client = connect(start_server(tls=True), signed_in=False)
    token = client.server.session_token

    assert client.get_session({"next-auth.session-token": token}).json() == {}
    assert "accessToken" in client.get_session({"__Secure-authjs.session-token": token}).json()
    assert "accessToken" in client.get_session().json()


@pytest.mark.parametrize("length", [1, CHUNK, CHUNK + 1, 12 * 1024])
def test_session_cookie_chunks_are_joined_by_number(
    start_server: StartServer, connect: Connect, length: int
) -> None:
    token = "".join(chr(ord("a") + n % 26) for n in range(length))
    client = connect(start_server(session_token=token), signed_in=False)
    chunks = {f"{client.cookie_name}.{n}": token[n * CHUNK :][:CHUNK] for n in range(-(-length // CHUNK))}

    backwards = dict(reversed([*chunks.items()]))
    assert "accessToken" in client.get_session(backwards).json()
    assert "accessToken" in client.get_session({**chunks, f"{client.cookie_name}.9": ""}).json()
    assert client.get_session({**chunks, client.cookie_name: "stale"}).json() == {}
    assert client.get_session({**chunks, f"{client.cookie_name}.9": "stale"}).json() == {}


def test_session_cookie_chunks_are_sorted_numerically(start_server: StartServer, connect: Connect) -> None:
    client = connect(start_server(session_token="abcdefghijkl"), signed_in=False)
    chunks = {f"{client.cookie_name}.{n}": letter for n, letter in enumerate("abcdefghijkl")}

    assert "accessToken" in client.get_session(chunks).json()


@pytest.mark.parametrize("token", ["", "a b", "a;b", 'a"b', "a,b", "ä", "a\nb"])
def test_session_token_invalid_in_cookie_raises(token: str) -> None:
    with pytest.raises(ValueError, match="session_token"):
        FakeChatGPT(session_token=token)


def test_access_token_is_stable_until_expired(client: SiteClient) -> None:
    first, second = client.sign_in(), client.sign_in()
    client.server.expire_access_tokens()

    assert first == second
    assert client.backend("GET", "/models").json()["detail"]["code"] == "token_expired"
    assert client.sign_in() not in (first, second)
    assert client.backend("GET", "/models").status_code == 200


@pytest.mark.parametrize("lifetime", [0, timedelta(0)])
def test_access_token_lifetime_zero_is_expired(
    start_server: StartServer, connect: Connect, lifetime: object
) -> None:
    client = connect(start_server(access_token_lifetime=lifetime))

    assert client.backend("GET", "/models").json()["detail"]["code"] == "token_expired"


@pytest.mark.parametrize(
    ("lifetime", "seconds"), [(90_000, 90), (timedelta(minutes=5), 300)], ids=["milliseconds", "timedelta"]
)
def test_access_token_jwt_contains_expiry(
    start_server: StartServer, connect: Connect, lifetime: object, seconds: int
) -> None:
    claims = claims_of(connect(start_server(access_token_lifetime=lifetime)).sign_in())

    assert claims["exp"] - claims["iat"] == seconds


@pytest.mark.parametrize("header", ["Bearer never-issued", "Basic abc", "Bearer", ""])
def test_access_token_unknown_returns_401(client: SiteClient, header: str) -> None:
    client.http.headers["authorization"] = header
    response = client.backend("GET", "/models")

    assert response.status_code == 401
    assert response.json()["detail"]["code"] == "invalid_jwt"


def test_sign_out_then_sign_in_changes_session(connect: Connect) -> None:
    client = connect(signed_in=False)
    client.server.sign_out()
    assert client.get_session().json() == {}

    client.server.sign_in("another-token")
    assert client.server.session_token == "another-token"
    assert "accessToken" in client.get_session().json()


def test_session_answer_signed_out_is_empty(connect: Connect) -> None:
    client = connect(signed_in=False)
    client.server.session_answer = "signed_out"

    assert (client.get_session().status_code, client.get_session().json()) == (200, {})


def test_session_answer_refresh_error_has_expired_token(connect: Connect) -> None:
    client = connect(signed_in=False)
    client.server.session_answer = "refresh_error"
    body = client.get_session().json()
    client.http.headers["authorization"] = f"Bearer {body['accessToken']}"

    assert body["error"] == "RefreshAccessTokenError"
    assert client.backend("GET", "/models").json()["detail"]["code"] == "token_expired"


def test_session_answer_challenge_returns_403(connect: Connect) -> None:
    client = connect(signed_in=False)
    client.server.session_answer = "challenge"
    response = client.get_session()

    assert response.status_code == 403
    assert response.headers["cf-mitigated"] == "challenge"
    assert "Just a moment..." in response.text


def test_session_answer_step_is_played(connect: Connect) -> None:
    client = connect(signed_in=False)
    client.server.session_answer = Answer(304)

    assert client.get_session().status_code == 304


def test_session_answer_unknown_raises(server: FakeChatGPT) -> None:
    with pytest.raises(ValueError, match="dead"):
        server.session_answer = "dead"  # type: ignore[assignment]

    with pytest.raises(ValueError, match="dead"):
        server.script_session("dead")  # type: ignore[arg-type]


def test_script_session_answers_are_used_once(connect: Connect) -> None:
    client = connect(signed_in=False)
    client.server.script_session("signed_out", Answer.server_error(), Stall(before_head=True, gate=None))
    client.server.script_session("alive")

    assert client.get_session().json() == {}
    assert client.get_session().status_code == 500
    with pytest.raises(httpx.ReadTimeout):
        client.http.get(f"{client.server.api_base_url}/auth/session", timeout=1)
    assert "accessToken" in client.get_session().json()


def test_rotation_sets_new_token_and_keeps_previous(start_server: StartServer, connect: Connect) -> None:
    client = connect(start_server(session_token="first-token", rotate_session_token=True), signed_in=False)
    cookies = client.get_session().headers.get_list("set-cookie")
    second = client.server.session_token

    assert cookies[0].startswith(f"next-auth.session-token={second}; ")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {*cookies[0].split("; ")}
    assert "Secure" not in cookies[0]
    assert len(second) == len("first-token") and second != "first-token"
    assert "accessToken" in client.get_session({client.cookie_name: "first-token"}).json()
    assert client.get_session({client.cookie_name: "first-token"}).json() == {}


def test_rotation_between_whole_and_chunks_deletes_stale_cookies(
    start_server: StartServer, connect: Connect
) -> None:
    long = "x" * (CHUNK + 10)
    server = start_server(session_token="short", rotate_session_token=[long, "brief"], tls=True)
    client = connect(server, signed_in=False)
    name = "__Secure-next-auth.session-token"

    to_chunks = client.get_session().headers.get_list("set-cookie")
    assert [cookie.split(";")[0] for cookie in to_chunks] == [
        f"{name}.0={'x' * CHUNK}",
        f"{name}.1={'x' * 10}",
        f"{name}=",
    ]
    assert ["Max-Age=0" in cookie for cookie in to_chunks] == [False, False, True]
    assert all(cookie.endswith("; Secure") for cookie in to_chunks)

    jar = {f"{name}.0": "x" * CHUNK, f"{name}.1": "x" * 10}
    to_whole = client.get_session(jar).headers.get_list("set-cookie")
    assert [cookie.split(";")[0] for cookie in to_whole] == [f"{name}=brief", f"{name}.0=", f"{name}.1="]
    assert client.get_session().headers["set-cookie"].startswith(f"{name}=brief; ")
    assert server.session_token == "brief"
