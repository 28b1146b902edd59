"""Fixtures: one server with a client of a fake site, and the clients of the `openai` package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from openai import AsyncOpenAI, OpenAI

from tests.support.openai_server import KEY, OpenAIServer
from tests.support.scripted_site import ScriptedSite

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(scope="session")
def shared_site() -> ScriptedSite:
    """Return the site of the shared server, which is not started yet."""
    return ScriptedSite()


@pytest.fixture(scope="session")
def running(shared_site: ScriptedSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAIServer]:
    """Start the server that all tests of this folder share."""
    folder = tmp_path_factory.mktemp("server")
    with shared_site.server as site, OpenAIServer(site, folder, send_via="fetch") as server:
        yield server


@pytest.fixture
def site(shared_site: ScriptedSite, running: OpenAIServer) -> ScriptedSite:
    """Return the site of the server. A test scripts its own messages, counts only its own requests, and begins without limits."""
    running.forget_limits()
    shared_site.begin()
    return shared_site


@pytest.fixture(scope="session")
def openai(running: OpenAIServer) -> Iterator[OpenAI]:
    """Provide the synchronous client, without retries."""
    with OpenAI(base_url=running.base_url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
async def async_openai(running: OpenAIServer) -> AsyncIterator[AsyncOpenAI]:
    """Provide the asynchronous client, without retries."""
    async with AsyncOpenAI(base_url=running.base_url, api_key=KEY, max_retries=0) as client:
        yield client
