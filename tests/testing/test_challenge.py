"""Challenges and clearances."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser.testing import FakeChatGPT

if TYPE_CHECKING:
    import httpx

    from tests.support.site_client import Connect, SiteClient, StartServer


def solve(client: SiteClient, page: httpx.Response) -> httpx.Response:
    """Send the request that the page's script sends."""
    action = re.search(r'action="([^"]+)"', page.text)
    assert action is not None
    return client.http.post(client.server.origin + action[1])


def home(client: SiteClient) -> httpx.Response:
    return client.http.get(client.server.origin)


@pytest.mark.parametrize("path", ["/", "/api/auth/session", "/backend-api/models", "/nothing"])
def test_challenge_without_clearance_applies_to_every_path(
    start_server: StartServer, connect: Connect, path: str
) -> None:
    client = connect(start_server(challenge="passes"), signed_in=False)
    response = client.http.get(client.server.origin + path)

    assert response.status_code == 403
    assert response.headers["cf-mitigated"] == "challenge"
    assert response.headers["server"] == "cloudflare"
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>Just a moment...</title>" in response.text
    assert client.server.requests[-1].status == 403


@pytest.mark.parametrize("kind", ["passes", "person"])
def test_challenge_passed_grants_access(start_server: StartServer, connect: Connect, kind: str) -> None:
    client = connect(start_server(challenge=kind), signed_in=False)
    page = home(client)
    passed = solve(client, page)

    assert f'data-kind="{kind}"' in page.text
    assert passed.status_code == 200
    assert "HttpOnly" in passed.headers["set-cookie"]
    assert home(client).status_code == 200


def test_challenge_page_script_is_served(start_server: StartServer, connect: Connect) -> None:
    client = connect(start_server(challenge="passes"), signed_in=False)
    source = re.search(r'src="([^"]+)"', home(client).text)
    assert source is not None
    script = client.http.get(client.server.origin + source[1])

    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "location.reload()" in script.text


def test_challenge_clearance_is_bound_to_user_agent(start_server: StartServer, connect: Connect) -> None:
    client = connect(start_server(challenge="passes"), signed_in=False)
    solve(client, home(client))
    client.http.headers["user-agent"] = "another"

    assert home(client).status_code == 403


def test_challenge_solution_of_other_client_or_repeated_returns_400(
    start_server: StartServer, connect: Connect
) -> None:
    client = connect(start_server(challenge="passes"), signed_in=False)
    page = home(client)
    client.http.headers["user-agent"] = "another"
    assert solve(client, page).status_code == 400

    page = home(client)
    assert solve(client, page).status_code == 200
    assert solve(client, page).status_code == 400


def test_challenge_invented_clearance_is_rejected(start_server: StartServer, connect: Connect) -> None:
    client = connect(start_server(challenge="passes"), signed_in=False)
    client.http.cookies["cf_clearance"] = "made up"

    assert home(client).status_code == 403


def test_strike_challenge_during_conversation_can_be_lifted(client: SiteClient) -> None:
    first = client.send("one")
    client.server.strike_challenge()
    challenged = client.send("two", first.position)
    solve(client, home(client))
    second = client.send("two", first.position)
    client.server.strike_challenge("person")
    again = home(client)
    client.server.strike_challenge(None)

    assert challenged.response.headers["cf-mitigated"] == "challenge"
    assert 'Before that you said: "one".' in second.text
    assert (again.status_code, 'data-kind="person"' in again.text) == (403, True)
    assert home(client).status_code == 200


def test_challenge_over_tls_clearance_cookie_is_secure(start_server: StartServer, connect: Connect) -> None:
    client = connect(start_server(challenge="passes", tls=True), signed_in=False)

    assert solve(client, home(client)).headers["set-cookie"].endswith("; Secure")


def test_challenge_unknown_kind_raises(server: FakeChatGPT) -> None:
    with pytest.raises(ValueError, match="hard"):
        FakeChatGPT(challenge="hard")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="hard"):
        server.strike_challenge("hard")  # type: ignore[arg-type]
