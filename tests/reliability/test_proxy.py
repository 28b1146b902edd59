"""Proxies: credentials in the URL, and the error for a proxy that refuses or cannot be reached."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import ProxyError
from chatgpt_browser.testing import FakeChatGPT
from tests.support.http_proxy import http_proxy
from tests.support.scripted_site import can_send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.client_fixtures import Connect

USER, PASSWORD, QUOTED_PASSWORD = "ada", "s3:cr@t", "s3%3Acr%40t"
#: Chromium uses no proxy for loopback by default.
BYPASS = {"bypass": "<-loopback>"}


@pytest.fixture
def real_site() -> Iterator[FakeChatGPT]:
    """Provide a site under its real name, which only the proxy can reach."""
    with FakeChatGPT(tls=True, public_origin="https://chat.openai.com") as site:
        yield site


@pytest.fixture
def plain_site() -> Iterator[FakeChatGPT]:
    """Provide a site over http: its requests are sent to the proxy without a tunnel."""
    with FakeChatGPT() as site:
        yield site


def test_proxy_credentials_in_url_are_used(real_site: FakeChatGPT, connect: Connect) -> None:
    with http_proxy(real_site, (USER, PASSWORD)) as proxy:
        url = f"http://{USER}:{QUOTED_PASSWORD}@{proxy.address}"
        api = connect(real_site, proxy=url, ignore_https_errors=True)

        assert can_send(api)

    assert set(proxy.targets) == {"chat.openai.com:443"}


@pytest.mark.skipif(sys.platform != "linux", reason="Chromium reads the variable on Linux only")
def test_proxy_credentials_in_environment_are_used(
    real_site: FakeChatGPT, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http_proxy(real_site, (USER, PASSWORD)) as proxy:
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.setenv("https_proxy", f"http://{USER}:{QUOTED_PASSWORD}@{proxy.address}")

        assert can_send(connect(real_site, ignore_https_errors=True))

    assert set(proxy.targets) == {"chat.openai.com:443"}


def test_proxy_credentials_in_url_are_used_without_tunnel(plain_site: FakeChatGPT, connect: Connect) -> None:
    with http_proxy(plain_site, (USER, PASSWORD)) as proxy:
        server = f"http://{USER}:{QUOTED_PASSWORD}@{proxy.address}"

        assert can_send(connect(plain_site, proxy={"server": server, **BYPASS}))


@pytest.mark.parametrize(
    ("send_via", "credentials"),
    [
        ("fetch", ""),
        ("page", f"{USER}:wrong-password@"),
        pytest.param("fetch", f"{USER}:wrong-password@", marks=pytest.mark.long),
        pytest.param("page", "", marks=pytest.mark.long),
    ],
)
def test_proxy_that_refuses_credentials_raises_proxy_error(
    real_site: FakeChatGPT, connect: Connect, credentials: str, send_via: str
) -> None:
    with http_proxy(real_site, (USER, PASSWORD)) as proxy:
        url = f"http://{credentials}{proxy.address}"
        api = connect(real_site, proxy=url, ignore_https_errors=True, send_via=send_via)

        with pytest.raises(ProxyError, match="user name and a password") as caught:
            api.send_message("Hello", timeout_ms=60_000)

        assert caught.value.permanent
        assert_names_proxy(caught.value, f"http://{proxy.address}")
        assert api.get_is_authenticated() is False


def test_plain_request_that_proxy_refuses_raises_proxy_error(
    plain_site: FakeChatGPT, connect: Connect
) -> None:
    with http_proxy(plain_site, (USER, PASSWORD)) as proxy:
        api = connect(plain_site, proxy={"server": f"http://{proxy.address}", **BYPASS})

        with pytest.raises(ProxyError, match="407"):
            api.list_models()


@pytest.mark.parametrize("status", ["403 Forbidden", pytest.param("502 Bad Gateway", marks=pytest.mark.long)])
def test_proxy_that_refuses_tunnel_raises_proxy_error(
    real_site: FakeChatGPT, connect: Connect, status: str
) -> None:
    with http_proxy(real_site, status=status) as proxy:
        api = connect(real_site, proxy=f"http://{USER}:{QUOTED_PASSWORD}@{proxy.address}", retries=0)

        with pytest.raises(ProxyError, match="ERR_TUNNEL_CONNECTION_FAILED") as caught:
            api.send_message("Hello", timeout_ms=60_000)

        assert_names_proxy(caught.value, f"http://{proxy.address}")


@pytest.mark.parametrize(
    "server", ["http://127.0.0.1:9", "http://proxy.invalid:8080", "socks5://127.0.0.1:9"]
)
def test_proxy_that_cannot_be_reached_raises_proxy_error(
    connect: Connect, real_site: Any, server: str
) -> None:
    api = connect(real_site, proxy=server, retries=0)

    with pytest.raises(ProxyError, match="could not be reached") as caught:
        api.send_message("Hello", timeout_ms=60_000)

    assert_names_proxy(caught.value, server)


def assert_names_proxy(error: ProxyError, server: str) -> None:
    assert error.proxy == server
    assert server in str(error)
    for secret in (USER + ":", PASSWORD, QUOTED_PASSWORD, "wrong-password"):
        assert secret not in f"{error} {error!r} {vars(error)}"
