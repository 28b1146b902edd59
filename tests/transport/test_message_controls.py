"""Model, effort, tools, temporary chat and project of a message: the site's page applies them, and its request is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import ChatGPTAPI, OptionNotAppliedError, PageError
from chatgpt_browser._messaging.research_poller import ResearchPoller
from chatgpt_browser.testing import Aside, FakeChatGPT, Gate, PageControls, Reply
from tests.support.scripted_site import ScriptedSite, posts_of

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


@pytest.mark.sample(9)
@pytest.mark.parametrize(("picker", "encoding"), [("slider", "delta"), ("menu", "whole")])
@pytest.mark.parametrize("option", OPTIONS)
def test_option_is_applied_and_sent_by_page(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT, option: str, picker: Any, encoding: Any
) -> None:
    options, fields = OPTIONS[option]
    server.page_controls = PageControls(picker=picker, reads_model_address=False, ignores_model_clicks=True)
    message = app_site.answering(Reply("Here it is.", encoding=encoding))
    assert api.send_message(message, **options) == "Here it is."

    body = sent_body(app_site)
    assert {name: body.get(name) for name in fields} == fields


@pytest.mark.sample(2)
@pytest.mark.parametrize("language", ["en", "de", "zh"])
@pytest.mark.parametrize("layout", ["2025", "2026"])
def test_options_in_layout_and_language_are_applied(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT, layout: Any, language: Any
) -> None:
    server.layout, server.language = layout, language
    server.page_controls = PageControls(tools_in_more=True)
    api.send_message("Hello there", effort="extended", tools=["search"])

    body = sent_body(app_site)
    assert (body["thinking_effort"], body["system_hints"]) == ("extended", ["search"])


def test_options_of_each_message_are_its_own(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT
) -> None:
    conversation = api.get_conversation()
    conversation.send_message("One", model="gpt-5-6-thinking", effort="standard")
    conversation.send_message("Two", effort="max", tools=["search"])
    conversation.send_message("Three", model="gpt-5-6")
    api.send_message("Four")

    sent = [
        (body["model"], body.get("thinking_effort"), body.get("system_hints"))
        for body in (request.json for request in posts_of(app_site.requests))
    ]
    assert sent == [
        ("gpt-5-6-thinking", "standard", None),
        ("gpt-5-6-thinking", "max", ["search"]),
        ("gpt-5-6", None, None),
        ("auto", None, None),
    ]


IGNORED: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "effort": ({"effort": "max"}, "max", None),
    "tools": ({"tools": ["search"]}, "search", None),
    "temporary": ({"temporary": True}, "True", None),
    "project": ({"project": "g-p-1"}, "g-p-1", None),
}


@pytest.mark.sample(3)
@pytest.mark.parametrize("option", IGNORED)
def test_option_ignored_by_page_stops_answer_and_raises(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT, option: Any
) -> None:
    options, requested, sent = IGNORED[option]
    server.page_controls = PageControls(ignores=[option])
    message = app_site.answering(Reply(pieces=["One", " two"], hold_after=1, gate=Gate()))
    with pytest.raises(OptionNotAppliedError, match="its answer was stopped") as caught:
        api.send_message(message, **options)

    error = caught.value
    assert (error.option, error.requested, error.sent) == (option, requested, sent)
    (request,) = posts_of(app_site.requests)
    assert request.disconnected.wait(20)


@pytest.mark.parametrize(
    ("options", "controls"),
    [
        ({"effort": "extreme"}, PageControls()),
        ({"effort": "max"}, PageControls(picker="none")),
        ({"tools": ["time_travel"]}, PageControls()),
    ],
)
def test_option_unknown_to_page_raises_and_sends_nothing(
    app_site: ScriptedSite,
    api: ChatGPTAPI,
    server: FakeChatGPT,
    options: dict[str, Any],
    controls: PageControls,
) -> None:
    server.page_controls = controls
    with pytest.raises(OptionNotAppliedError, match="Nothing was sent") as caught:
        api.send_message("Hello there", **options)

    assert caught.value.option in options
    assert posts_of(app_site.requests) == []


def test_temporary_chat_continues_on_its_page_only(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT
) -> None:
    conversation = api.get_conversation()
    conversation.send_message("One", temporary=True)
    assert conversation.send_message("Two") == 'You said: "Two". Before that you said: "One".'
    assert {r.json.get("history_and_training_disabled") for r in posts_of(app_site.requests)} == {True}

    api.send_message("Elsewhere")  # the only page is used for another conversation
    with pytest.raises(PageError, match="cannot be continued. Nothing was sent"):
        conversation.send_message("Three", temporary=True)


def test_work_mode_is_refused_before_sending(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT
) -> None:
    server.page_controls = PageControls(work_mode=True)
    with pytest.raises(PageError, match='mode "Work".*Nothing was sent'):
        api.send_message("Hello there")
    assert posts_of(app_site.requests) == []


def test_list_models_gives_titles_efforts_and_presets(api: ChatGPTAPI) -> None:
    models = {model.slug: model for model in api.list_models()}
    thinking, mini = models["gpt-5-6-thinking"], models["gpt-5-6-mini"]

    assert (thinking.title, thinking.default_effort) == ("GPT-5.6 Thinking", "standard")
    assert thinking.efforts == ("standard", "extended", "max")
    assert thinking.presets == ("Medium", "High", "Extra High")
    assert (mini.title, mini.efforts, mini.default_effort) == ("GPT-5.6 Luna", (), None)
    assert models["gpt-6-wm"].is_work_mode


def test_deep_research_reply_is_the_report(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ResearchPoller, "interval", 0.05)
    research = Aside.research("# Tea\n\nIt is good.", plan=["Search", "Write"], reads=3)
    server.script(Reply("I will research this.", asides=(research,)))
    texts: list[str] = []
    reply = api.send_message("Is tea good?", tools=["deep_research"], on_progress=texts.append)

    assert reply == "# Tea\n\nIt is good."
    assert texts[-2:] == ["I will research this.", reply]
    body = sent_body(app_site)
    assert body["messages"][0]["content"]["parts"] == ["@Deep research Is tea good?"]
    reads = [r for r in app_site.requests if "include_widget_state=true" in r.query]
    assert len(reads) == 4


def test_deep_research_whole_reply_has_citations_of_report(
    api: ChatGPTAPI, server: FakeChatGPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ResearchPoller, "interval", 0.05)
    item = {"title": "On tea", "url": "https://tea.example/"}
    reference = {"type": "webpage", "matched_text": "good", **item}
    server.script(
        Reply("I will research this.", asides=(Aside.research("It is good.", references=[reference]),))
    )
    reply = api.ask("Is tea good?", tools=["deep_research"])

    assert reply.text == "It is good."
    assert [(citation.title, citation.url) for citation in reply.citations] == [(item["title"], item["url"])]


def test_deep_research_ordinary_answer_raises_option_not_applied_error(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ResearchPoller, "interval", 0.05)
    server.script(Reply("Yes, it is."))
    with pytest.raises(OptionNotAppliedError, match="ordinary answer, although deep research") as caught:
        api.send_message("Is tea good?", tools=["deep_research"])

    assert (caught.value.option, caught.value.requested) == ("tools", "deep_research")


def test_research_poller_interval_is_at_least_a_minute() -> None:
    assert ResearchPoller.interval >= 60
