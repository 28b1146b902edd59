"""Fixtures for tests of the site's page: a site with a web application, and a client that sends through its page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chatgpt_browser import ChatGPTAPI
from tests.support.scripted_site import ScriptedSite, base_urls

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def app_site() -> Iterator[ScriptedSite]:
    """Yield a site that accepts messages only from its own page."""
    scripted_site = ScriptedSite(form="app")
    with scripted_site.server:
        yield scripted_site
        assert scripted_site.server.errors == []


@pytest.fixture(scope="module")
def page_client(app_site: ScriptedSite) -> Iterator[ChatGPTAPI]:
    """Yield a client that sends through the page of `app_site`. It keeps its access token until the site refuses the token."""
    with ChatGPTAPI(
        app_site.server.session_token,
        send_via="page",
        max_concurrent_messages=3,
        access_token_ttl=3_600_000,
        **base_urls(app_site.server),
    ) as client:
        yield client


@pytest.fixture(autouse=True)
def forget_limits(request: pytest.FixtureRequest) -> None:
    """Forget the rate limits of earlier tests, because tests share the client."""
    if "page_client" in request.fixturenames:
        client: ChatGPTAPI = request.getfixturevalue("page_client")
        client._core._sender.pace.forget_limits()
