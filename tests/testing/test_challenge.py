"""Cloudflare's challenge: who meets it, and who has passed it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser.testing import FakeChatGPT

if TYPE_CHECKING:
    import httpx

    from tests.testing.conftest import Serve, Visit, Visitor


def solve(visitor: Visitor, page: httpx.Response) -> httpx.Response:
    """Do what the page's script does."""
    action = re.search(r'action="([^"]+)"', page.text)
    assert action is not None
    return visitor.http.post(visitor.server.origin + action[1])


def home(visitor: Visitor) -> httpx.Response:
    return visitor.http.get(visitor.server.origin)


@pytest.mark.parametrize("path", ["/", "/api/auth/session", "/backend-api/models", "/nothing"])
def test_challenge_without_clearance_applies_to_every_path(serve: Serve, visit: Visit, path: str) -> None:
    visitor = visit(serve(challenge="passes"), signed_in=False)
    response = visitor.http.get(visitor.server.origin + path)

    assert response.status_code == 403
    assert response.headers["cf-mitigated"] == "challenge"
    assert response.headers["server"] == "cloudflare"
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "<title>Just a moment...</title>" in response.text
    assert visitor.server.requests[-1].status == 403


@pytest.mark.parametrize("kind", ["passes", "person"])
def test_challenge_passed_grants_access(serve: Serve, visit: Visit, kind: str) -> None:
    visitor = visit(serve(challenge=kind), signed_in=False)
    page = home(visitor)
    passed = solve(visitor, page)

    assert f'data-kind="{kind}"' in page.text
    assert passed.status_code == 200
    assert "HttpOnly" in passed.headers["set-cookie"]
    assert home(visitor).status_code == 200


def test_challenge_page_script_is_served(serve: Serve, visit: Visit) -> None:
    visitor = visit(serve(challenge="passes"), signed_in=False)
    source = re.search(r'src="([^"]+)"', home(visitor).text)
    assert source is not None
    script = visitor.http.get(visitor.server.origin + source[1])

    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "location.reload()" in script.text


def test_challenge_clearance_is_bound_to_user_agent(serve: Serve, visit: Visit) -> None:
    visitor = visit(serve(challenge="passes"), signed_in=False)
    solve(visitor, home(visitor))
    visitor.http.headers["user-agent"] = "another"

    assert home(visitor).status_code == 403


def test_challenge_solution_of_other_client_or_repeated_returns_400(serve: Serve, visit: Visit) -> None:
    visitor = visit(serve(challenge="passes"), signed_in=False)
    page = home(visitor)
    visitor.http.headers["user-agent"] = "another"
    assert solve(visitor, page).status_code == 400

    page = home(visitor)
    assert solve(visitor, page).status_code == 200
    assert solve(visitor, page).status_code == 400


def test_challenge_invented_clearance_is_rejected(serve: Serve, visit: Visit) -> None:
    visitor = visit(serve(challenge="passes"), signed_in=False)
    visitor.http.cookies["cf_clearance"] = "made up"

    assert home(visitor).status_code == 403


def test_strike_challenge_during_conversation_can_be_lifted(visitor: Visitor) -> None:
    first = visitor.say("one")
    visitor.server.strike_challenge()
    challenged = visitor.say("two", first.place)
    solve(visitor, home(visitor))
    second = visitor.say("two", first.place)
    visitor.server.strike_challenge("person")
    again = home(visitor)
    visitor.server.strike_challenge(None)

    assert challenged.response.headers["cf-mitigated"] == "challenge"
    assert 'Before that you said: "one".' in second.text
    assert (again.status_code, 'data-kind="person"' in again.text) == (403, True)
    assert home(visitor).status_code == 200


def test_challenge_over_tls_clearance_cookie_is_secure(serve: Serve, visit: Visit) -> None:
    visitor = visit(serve(challenge="passes", tls=True), signed_in=False)

    assert solve(visitor, home(visitor)).headers["set-cookie"].endswith("; Secure")


def test_challenge_unknown_kind_raises(server: FakeChatGPT) -> None:
    with pytest.raises(ValueError, match="hard"):
        FakeChatGPT(challenge="hard")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="hard"):
        server.strike_challenge("hard")  # type: ignore[arg-type]
