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
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenAIServer]:
    """Start the server that all tests of this folder share. A test scripts its own messages."""
    site = ScriptedSite()
    with site.server, OpenAIServer(site, tmp_path_factory.mktemp("server"), send_via="fetch") as server:
        yield server


@pytest.fixture
def site(running: OpenAIServer) -> ScriptedSite:
    """Return the site of the server. Only the requests of this test are counted."""
    running.site.begin()
    return running.site


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
