"""Model, effort, tools, temporary chat and project of a message: the site's page applies them, and its request is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import ChatGPTAPI
from chatgpt_browser.testing import FakeChatGPT, PageControls
from tests.support.scripted_site import ScriptedSite, base_urls, posts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

#: An option of a message, and the fields of the page's request with which it is sent.
OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "model": ({"model": "gpt-5-6-mini"}, {"model": "gpt-5-6-mini"}),
    "effort": ({"effort": "max"}, {"thinking_effort": "max"}),
    "model and effort": (
        {"model": "gpt-5-6-thinking", "effort": "extended"},
        {"model": "gpt-5-6-thinking", "thinking_effort": "extended"},
    ),
    "search": ({"tools": ["search"]}, {"system_hints": ["search"]}),
    "image": ({"tools": ["image"]}, {"system_hints": ["picture_v2"]}),
    "tool by hint": ({"tools": ["tatertot"]}, {"system_hints": ["tatertot"]}),
    "temporary": ({"temporary": True}, {"history_and_training_disabled": True}),
    "project": (
        {"project": "g-p-12ab"},
        {"conversation_mode": {"kind": "gizmo_interaction", "gizmo_id": "g-p-12ab"}},
    ),
    "everything": (
        {"model": "gpt-5-6-thinking", "effort": "max", "tools": ["search"], "project": "g-p-12ab-taxes"},
        {"model": "gpt-5-6-thinking", "thinking_effort": "max", "system_hints": ["search"]},
    ),
}


@pytest.fixture(scope="module")
def app_site() -> Iterator[ScriptedSite]:
    scripted_site = ScriptedSite(form="app")
    with scripted_site.server:
        yield scripted_site
        assert scripted_site.server.errors == []


@pytest.fixture(scope="module")
def page_client(app_site: ScriptedSite) -> Iterator[ChatGPTAPI]:
    server = app_site.server
    with ChatGPTAPI(server.session_token, send_via="page", **base_urls(server)) as client:
        yield client


@pytest.fixture
def server(app_site: ScriptedSite) -> Iterator[FakeChatGPT]:
    app_site.begin()
    yield app_site.server
    app_site.server.page_controls = PageControls()
    app_site.server.layout, app_site.server.language = "usual", "en"


@pytest.fixture
def api(page_client: ChatGPTAPI, server: FakeChatGPT) -> ChatGPTAPI:
    return page_client


def sent_body(site: ScriptedSite) -> dict[str, Any]:
    """Return the body of the only message since the test began."""
    (request,) = posts_of(site.requests)
    body: dict[str, Any] = request.json
    return body


@pytest.mark.parametrize("picker", ["slider", "menu"])
@pytest.mark.parametrize("option", OPTIONS)
def test_option_is_applied_and_sent_by_page(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT, option: str, picker: Any
) -> None:
    options, fields = OPTIONS[option]
    server.page_controls = PageControls(picker=picker, reads_model_address=False, ignores_model_clicks=True)
    assert api.send_message("Hello there", **options) == 'You said: "Hello there".'

    body = sent_body(app_site)
    assert {name: body.get(name) for name in fields} == fields
