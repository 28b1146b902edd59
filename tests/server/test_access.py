"""The check of who may call the server, with the headers of a request as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.server.access import AccessCheck, is_loopback_host

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY = "sk-secret"


async def status_of(headers: Iterable[tuple[str, str]], path: str = "/v1/models") -> int:
    """Return the status of the response to a request with these headers. 200 is the status of the application."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive() -> Any:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    await AccessCheck(app, api_key=KEY)({"type": "http", "path": path, "headers": raw}, receive, send)
    return int(sent[0]["status"])


HOST = ("host", "127.0.0.1:8000")
BEARER = ("authorization", f"Bearer {KEY}")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([HOST, BEARER], 200),
        ([HOST, ("authorization", f"bearer  {KEY} ")], 200),
        ([HOST], 401),
        ([HOST, ("authorization", KEY)], 401),
        ([HOST, ("authorization", f"Bearer {KEY}x")], 401),
        ([HOST, ("authorization", "Bearer ")], 401),
        ([HOST, ("authorization", "Bearer \xe4")], 401),
        ([HOST, BEARER, BEARER], 401),
        ([BEARER], 403),
        ([HOST, HOST, BEARER], 403),
        ([("host", "rebound.example:8000"), BEARER], 403),
        ([HOST, BEARER, ("origin", "https://evil.example")], 403),
        ([HOST, BEARER, ("origin", "null")], 403),
        ([HOST, BEARER, ("origin", "http://127.0.0.1:8000")], 403),
        ([HOST, BEARER, ("sec-fetch-site", "cross-site")], 403),
        ([HOST, BEARER, ("sec-fetch-site", "none")], 200),
    ],
)
@pytest.mark.anyio
async def test_access_check_request_has_status(headers: list[tuple[str, str]], status: int) -> None:
    assert await status_of(headers) == status


@pytest.mark.anyio
async def test_access_check_health_needs_no_key_but_a_loopback_host() -> None:
    assert await status_of([HOST], "/health") == 200
    assert await status_of([("host", "evil.example")], "/health") == 403


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("localhost", True),
        ("LOCALHOST:80", True),
        ("localhost.", True),
        ("127.0.0.1", True),
        ("127.1.2.3:65535", True),
        ("[::1]:8000", True),
        ("[::1", False),
        ("localhost.evil.example", False),
        ("evil.example", False),
        ("127.0.0.1.nip.io", False),
        ("127.0.0.1@evil.example", False),
        ("evil.example#@127.0.0.1", False),
        ("evil.example\\127.0.0.1", False),
        ("192.168.0.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("", False),
    ],
)
def test_is_loopback_host_forms(host: str, is_loopback: bool) -> None:
    assert is_loopback_host(host) is is_loopback
