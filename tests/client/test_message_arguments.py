"""The options of a message by in-page fetch, and with `send_via="auto"`, in both forms of the reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import ChatGPTAPI
from chatgpt_browser.testing import Reply
from tests.support.scripted_site import ScriptedSite, base_urls, posts_of

if TYPE_CHECKING:
    from collections.abc import Iterator


def open_site(**options: Any) -> Iterator[tuple[ScriptedSite, ChatGPTAPI]]:
    """Yield a site and a client with the default `send_via`."""
    scripted_site = ScriptedSite(**options)
    with scripted_site.server as server, ChatGPTAPI(server.session_token, **base_urls(server)) as client:
        yield scripted_site, client
        assert server.errors == []


@pytest.fixture(scope="module")
def fetch() -> Iterator[tuple[ScriptedSite, ChatGPTAPI]]:
    """Yield a site that accepts messages of in-page fetch, and its client."""
    yield from open_site()


@pytest.fixture(scope="module")
def page() -> Iterator[tuple[ScriptedSite, ChatGPTAPI]]:
    """Yield a site that accepts messages only from its own page, and its client."""
    yield from open_site(form="app")


@pytest.mark.parametrize("encoding", ["whole", "delta"])
def test_model_of_a_message_is_sent_by_fetch(fetch: tuple[ScriptedSite, ChatGPTAPI], encoding: Any) -> None:
    site, api = fetch
    site.begin()
    message = site.answering(Reply("Yes.", encoding=encoding))

    assert str(api.ask(message, model="gpt-5-6-mini")) == "Yes."
    (request,) = posts_of(site.requests)
    assert (request.path, request.json["model"]) == ("/backend-api/conversation", "gpt-5-6-mini")


@pytest.mark.parametrize("encoding", ["whole", "delta"])
def test_temporary_message_is_sent_by_fetch(fetch: tuple[ScriptedSite, ChatGPTAPI], encoding: Any) -> None:
    site, api = fetch
    site.begin()
    message = site.answering(Reply("Yes.", encoding=encoding))

    assert api.send_message(message, temporary=True) == "Yes."
    (request,) = posts_of(site.requests)
    assert request.path == "/backend-api/conversation"
    assert request.json["history_and_training_disabled"] is True


@pytest.mark.parametrize(
    "options",
    [{"effort": "max"}, {"tools": ["search"]}, {"project": "g-p-1"}, {"files": [("a.txt", b"A")]}],
    ids=lambda options: next(iter(options)),
)
def test_message_with_page_option_is_sent_by_page_with_auto(
    page: tuple[ScriptedSite, ChatGPTAPI], options: Any
) -> None:
    site, api = page
    site.begin()
    with api.stream_message("Hello", **options) as stream:
        assert "".join(stream) == 'You said: "Hello".'
    (request,) = posts_of(site.requests)
    assert request.path == "/backend-api/f/conversation"
