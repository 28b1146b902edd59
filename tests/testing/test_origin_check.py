"""Requests of other web sites to FakeChatGPT: they are refused and not recorded, and they use up no fault."""

from __future__ import annotations

import http.client
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from chatgpt_browser.testing import FakeChatGPT

if TYPE_CHECKING:
    from collections.abc import Iterator

PATHS = ["/", "/api/auth/session", "/backend-api/conversation", "/__watch", "/__watch/events", "/unknown"]


@pytest.fixture(scope="module")
def server() -> Iterator[FakeChatGPT]:
    with FakeChatGPT(form="app") as server:
        yield server


def request(server: FakeChatGPT, method: str, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
    connection.putrequest(method, path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    # The response is closed too: it keeps the socket open if the server closes the connection.
    with closing(connection), connection.getresponse() as response:
        return response.status


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::2]", ""])
def test_request_for_other_host_is_refused(server: FakeChatGPT, path: str, host: str) -> None:
    before = len(server.requests)

    assert request(server, "GET", path, {"Host": host}) in (400, 404)
    assert len(server.requests) == before


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", ["[::1", "[", "[]", "a]b["])
def test_request_with_malformed_host_is_400(server: FakeChatGPT, path: str, host: str) -> None:
    assert request(server, "GET", path, {"Host": host}) in (400, 404)
    assert request(server, "GET", path, {"Host": "[::1"}) == 400
    assert server.errors == []


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "empty"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "iframe"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "script"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_request_from_page_of_other_origin_is_refused_and_uses_up_no_fault(
    server: FakeChatGPT, headers: dict[str, str]
) -> None:
    before = len(server.requests)

    assert request(server, "POST", "/backend-api/conversation", headers) == 403
    assert len(server.requests) == before


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty"},
    ],
)
def test_request_of_user_or_own_page_is_served(server: FakeChatGPT, headers: dict[str, str]) -> None:
    assert request(server, "GET", "/", headers) == 200


def test_request_with_own_origin_is_served(server: FakeChatGPT) -> None:
    assert request(server, "POST", "/backend-api/conversation", {"Origin": server.origin}) == 401
    local = {"Host": f"localhost:{server.port}", "Origin": f"http://localhost:{server.port}"}
    assert request(server, "POST", "/backend-api/conversation", local) == 401


@pytest.mark.parametrize("path", ["/", "/__watch"])
def test_page_may_not_be_framed(server: FakeChatGPT, path: str) -> None:
    connection = http.client.HTTPConnection(server.host, server.port, timeout=20)
    connection.request("GET", path)
    with closing(connection), connection.getresponse() as response:
        policy = response.getheader("content-security-policy")

    assert "frame-ancestors 'none'" in (policy or "")
