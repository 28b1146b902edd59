"""The proxy in the environment: which variable applies, its credentials, and the hosts that are excluded."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser._client.base_client import default_options
from chatgpt_browser._core.environment_proxy import environment_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Chromium reads the variables on Linux only")

SITE = "https://chat.openai.com"
PROXY = "http://ada:s3%3Acr%40t@proxy:3128"
VARIABLES = ("https_proxy", "http_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    yield


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"HTTPS_PROXY": PROXY}, "HTTPS_PROXY"),
        ({"https_proxy": PROXY, "HTTPS_PROXY": "http://other:1"}, "https_proxy"),
        ({"ALL_PROXY": PROXY}, "ALL_PROXY"),
        ({"HTTPS_PROXY": PROXY, "ALL_PROXY": "http://other:1"}, "HTTPS_PROXY"),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "example.com, penai.com"}, "HTTPS_PROXY"),
    ],
)
def test_environment_proxy_with_credentials_is_returned(environment: dict[str, str], name: str) -> None:
    found = environment_proxy(SITE, environment)

    assert found is not None
    assert (found[0], found[1]["server"]) == (name, PROXY)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"HTTPS_PROXY": "http://proxy:3128"},
        {"HTTPS_PROXY": "http://proxy:3128", "ALL_PROXY": PROXY},
        {"HTTP_PROXY": PROXY},
        {"HTTPS_PROXY": PROXY, "NO_PROXY": "*"},
        {"HTTPS_PROXY": PROXY, "NO_PROXY": "example.com,openai.com"},
        {"HTTPS_PROXY": PROXY, "no_proxy": ".openai.com"},
        {"HTTPS_PROXY": PROXY, "no_proxy": "Chat.OpenAI.com:443"},
    ],
)
def test_environment_proxy_without_credentials_or_excluded_is_none(environment: dict[str, str]) -> None:
    assert environment_proxy(SITE, environment) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "a.localhost"])
def test_environment_proxy_for_loopback_is_none(host: str) -> None:
    assert environment_proxy(f"http://{host}:8000", {"HTTP_PROXY": PROXY}) is None


def test_options_environment_proxy_is_used_unless_option_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", "example.com,.example.org")
    expected = {
        "server": "http://proxy:3128",
        "username": "ada",
        "password": "s3:cr@t",
        "bypass": "example.com,.example.com,example.org,.example.org",
    }

    assert default_options().proxy == expected
    assert default_options(proxy="http://other:1").proxy == {"server": "http://other:1"}
    assert default_options(browser_url="ws://127.0.0.1:1/").proxy is None


@pytest.mark.parametrize(
    "value", ["socks5://ada:s3cret@proxy:1080", "http://ada:s3 cret@proxy", "http://ada:s3cret@"]
)
def test_options_unusable_environment_proxy_is_logged_without_password(
    value: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("ALL_PROXY", value)

    assert default_options().proxy is None
    assert "ALL_PROXY are not used" in caplog.text
    assert "cret" not in caplog.text
