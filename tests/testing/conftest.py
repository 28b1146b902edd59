"""Fixtures: servers with options, and plain clients of them."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser.testing import FakeChatGPT
from chatgpt_browser.testing.server.server_thread import HypercornConfig
from tests.support.site_client import SiteClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.site_client import Connect, StartServer


@pytest.fixture
def long_graceful_timeout(monkeypatch: pytest.MonkeyPatch) -> float:
    """Return a graceful timeout in seconds that applies to servers started later: far longer than any close() may take."""
    monkeypatch.setattr(
        HypercornConfig, "graceful_timeout", property(lambda config: 60.0, lambda config, value: None)
    )
    return 60.0


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """Return a function that starts a server; all servers are closed at the end of the test."""
    with ExitStack() as stack:

        def start(**options: Any) -> FakeChatGPT:
            return stack.enter_context(FakeChatGPT(**options))

        yield start


@pytest.fixture
def connect(server: FakeChatGPT) -> Iterator[Connect]:
    """Return a function that creates a client, by default of `server`; all clients are closed at the end of the test."""
    default = server
    with ExitStack() as stack:

        def create(
            server: FakeChatGPT | None = None, *, signed_in: bool = True, http2: bool = False
        ) -> SiteClient:
            client = SiteClient(server or default, http2=http2)
            stack.enter_context(client.http)
            if signed_in:
                client.sign_in()

            return client

        yield create


@pytest.fixture
def client(connect: Connect) -> SiteClient:
    """A client of `server`, signed in."""
    return connect()
