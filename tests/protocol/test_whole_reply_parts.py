"""Citations, thoughts, tool calls and the reason of the end, from single messages."""

from __future__ import annotations

from typing import Any

import pytest

from chatgpt_browser import Citation, Thought, ToolCall
from chatgpt_browser._protocol.answer_tracker import AnswerTracker
from chatgpt_browser._protocol.citation_marks import VisiblePositions
from chatgpt_browser._protocol.citations import find_citations
from chatgpt_browser._protocol.history import read_history
from chatgpt_browser._protocol.reply_collector import collect_stored_reply, finish_reason
from chatgpt_browser._protocol.reply_text import clean_text
from chatgpt_browser._protocol.search_results import SearchResults
from chatgpt_browser._protocol.text_positions import to_plain_spans
from chatgpt_browser._protocol.thoughts import find_thoughts
from chatgpt_browser._protocol.tool_calls import find_tool_calls
from tests.support.reply_events import message, tree, user_message
from tests.support.whole_turns import mark, site_message, text_content, tool_output

URL, OTHER = "https://one.example/?utm_source=chatgpt.com", "https://two.example/"
SOURCE = {"title": "One", "url": URL, "attribution": "One Inc."}
ONE = ("One", URL, "One Inc.")


def cited(text: str, *references: dict[str, Any], **metadata: Any) -> list[Citation]:
    """Return the citations of an answer."""
    return find_citations(message(text, metadata={"content_references": [*references], **metadata}))


def parts(citation: Citation) -> tuple[str | None, str | None, str | None]:
    return citation.title, citation.url, citation.source


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ({"type": "grouped_webpages", "items": [SOURCE]}, [ONE]),
        (
            {"type": "grouped_webpages", "items": [SOURCE | {"supporting_websites": [{"url": OTHER}]}]},
            [ONE, (None, OTHER, None)],
        ),
        ({"type": "grouped_webpages", "items": [], "fallback_items": [SOURCE]}, [ONE]),
        ({"type": "grouped_webpages", "items": None, "safe_urls": [OTHER]}, [(None, OTHER, None)]),
        ({"type": "grouped_webpages", "alt": f"([One]({OTHER}))"}, [("One", OTHER, None)]),
        (
            {"type": "webpage", "alt": f"([A [1]]({OTHER}a_(b)?c=d), [B]({OTHER}))"},
            [("A [1]", f"{OTHER}a_(b)?c=d", None), ("B", OTHER, None)],
        ),
        ({"type": "webpage", **SOURCE}, [ONE]),
        ({"type": "webpage_extended", **SOURCE, "snippet": "…"}, [ONE]),
        ({"type": "url", "item": SOURCE}, [ONE]),
        (
            {"type": "nav_list", "items": [SOURCE, {"title": "Two", "url": OTHER}]},
            [ONE, ("Two", OTHER, None)],
        ),
        ({"type": "news", "items": [SOURCE]}, [ONE]),
        ({"type": "products", "products": [SOURCE]}, [ONE]),
        ({"type": "product_entity", "product": SOURCE}, [ONE]),
        ({"type": "image_group", "images": [SOURCE]}, [ONE]),
        (
            {"type": "file", "id": "file-1", "name": "a.pdf", "source": "my_files"},
            [("a.pdf", None, "my_files")],
        ),
        ({"type": "file", "id": "file-1", "name": None, "source": "my_files"}, []),
        ({"type": "alt_text", "alt": "a picture"}, []),
        ({"type": "followup_a", "safe_urls": [OTHER]}, []),
        ({"type": "invented", "items": [SOURCE, 7, None]}, [ONE]),
        ({"type": "invented", "items": "damaged", "refs": 7}, []),
    ],
)
def test_find_citations_of_each_type_returns_its_sources(
    reference: dict[str, Any], expected: list[tuple[str | None, ...]]
) -> None:
    found = cited(f"Sky is blue.{mark(0)} Yes.", reference | {"matched_text": mark(0)})

    assert [parts(citation) for citation in found] == expected
    assert {(citation.start, citation.end) for citation in found} <= {(12, 12)}


def test_find_citations_ignores_offsets_and_uses_each_occurrence() -> None:
    text = f"A{mark(0)} B{mark(1)} C{mark(0)}"
    offsets = {"start_idx": 0, "end_idx": 0}
    references = [{"type": "webpage", "matched_text": mark(n), "url": f"u{n}", **offsets} for n in (1, 0, 0)]

    found = [(citation.url, citation.start) for citation in cited(text, *references)]

    assert clean_text(text) == "A B C"
    assert found == [("u1", 3), ("u0", 1), ("u0", 5)]


def test_find_citations_of_marked_passage_returns_the_passage() -> None:
    text = f"So: \ue203sky is blue\ue204 {mark(0)}."

    (found,) = cited(text, {"type": "webpage", "matched_text": mark(0), "url": URL})

    assert clean_text(text)[found.start : found.end] == "sky is blue"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"So \ue203it is blue.\ue204{mark(0)}{mark(1)}", ["it is blue.", "it is blue."]),
        (f"So \ue203it is blue.\ue204 {mark(0)}\n{mark(1)}", ["it is blue.", "it is blue."]),
        (f"\ue203So \ue203blue\ue204{mark(0)} it is\ue204{mark(1)}.", ["blue", "So blue it is"]),
        (f"\ue203So \ue205it\ue204{mark(0)} is\ue206{mark(1)}.", ["So it", "it is"]),
        (f"\ue203So\ue204{mark(0)} it is.{mark(1)}", ["So", ""]),
        (f"\ue203So\ue204 \ue200entity\ue202it\ue201{mark(0)}{mark(1)}", ["", ""]),
        (f"So\ue204{mark(0)} \ue203it{mark(1)}", ["", ""]),
    ],
)
def test_find_citations_of_passages_returns_the_passage_before_each_mark(
    text: str, expected: list[str]
) -> None:
    found = cited(text, *({"type": "webpage", "matched_text": mark(n), "url": f"{URL}/{n}"} for n in (0, 1)))

    assert [clean_text(text)[each.start : each.end] for each in found] == expected


def test_find_citations_of_visible_mark_returns_its_text() -> None:
    text = f"See \ue200url\ue202the page\ue202{URL}\ue201."
    matched = text[4:-1]

    (found,) = cited(text, {"type": "url", "matched_text": matched, "item": {"title": "P", "url": URL}})

    assert clean_text(text)[found.start : found.end] == "the page"


def test_find_citations_of_footnote_adds_only_new_sources() -> None:
    footnote = {"type": "sources_footnote", "matched_text": " ", "sources": [SOURCE, {"url": OTHER}]}

    found = cited(f"A b.{mark(0)}", {"type": "webpage", "matched_text": mark(0), **SOURCE}, footnote)

    assert [(citation.url, citation.start) for citation in found] == [(URL, 4), (OTHER, None)]


def test_find_citations_of_absent_text_has_no_position() -> None:
    (found,) = cited("A b.", {"type": "webpage", "matched_text": mark(0), **SOURCE})

    assert found == Citation(*ONE, None, None)


def test_find_citations_of_older_form_uses_number_of_mark() -> None:
    text = "B【7†source】 A【3†source】."
    citations = [
        {"start_ix": 0, "end_ix": 0, "metadata": {"title": n, "url": n, "extra": {"cited_message_idx": n}}}
        for n in ("3", "7", "9")
    ]

    found = cited(text, citations=citations)

    assert [text[each.start : each.end] for each in found[:2]] == ["【3†source】", "【7†source】"]
    assert found[2] == Citation("9", "9")


def test_find_citations_in_both_forms_returns_source_once() -> None:
    text = "A【3†source】."
    older = {"metadata": {"title": "One", "url": URL, "extra": {"cited_message_idx": 3}}}

    found = cited(text, {"type": "webpage", "matched_text": "【3†source】", **SOURCE}, citations=[older])

    assert found == [Citation(*ONE, 1, 11)]


def result(number: int, turn: int | None = None, kind: str = "search") -> dict[str, Any]:
    """Return a search result. If ``turn`` is given, the result has a reference."""
    ref = {} if turn is None else {"ref_id": {"turn_index": turn, "ref_type": kind, "ref_index": number}}
    return {"title": f"R{number}", "url": f"https://{turn or 0}.example/{kind}/{number}", **ref}


def groups(*entries: Any) -> dict[str, Any]:
    """Return the metadata of a message with search results. Each result is in its own group."""
    return {"search_result_groups": [{"domain": "d", "entries": [entry]} for entry in entries]}


def refs(*names: str, kind: str = "cite") -> str:
    return "\ue200" + "\ue202".join((kind, *names)) + "\ue201"


@pytest.mark.parametrize(
    ("text", "searches", "own", "expected"),
    [
        ("A" + refs("turn0search1"), [[result(0), result(1)]], [], ["0.example/search/1"]),
        ("A" + refs("turn0search1"), [], [result(0), result(1)], ["0.example/search/1"]),
        (
            "A" + refs("turn0search0", "turn0search1"),
            [],
            [result(0), result(1)],
            ["0.example/search/0", "0.example/search/1"],
        ),
        # A message of an earlier question has made the first searches.
        ("A" + refs("turn4search0"), [[result(0)]], [], ["0.example/search/0"]),
        ("A" + refs("turn1search0"), [[result(0, 0)], [result(0, 1)]], [], ["1.example/search/0"]),
        ("A" + refs("turn0news0"), [[result(0, 0), result(0, 0, "news")]], [], ["0.example/news/0"]),
        (
            "A" + refs("Title", "turn0search0,turn0search1", kind="navlist"),
            [[result(0)]],
            [],
            ["0.example/search/0"],
        ),
        # No certain result.
        ("A" + refs("turn0search2"), [[result(0), result(1)]], [], []),
        ("A" + refs("turn2search0"), [[result(0)], [result(1)]], [], []),
        ("A" + refs("turn1search0"), [[result(0, 0)]], [], []),
        ("A" + refs("turn0view0"), [[result(0)]], [], []),
        ("A" + refs("turn0search0"), [[7, None]], [], []),
        ("A" + refs("x"), [[result(0)]], [], []),
    ],
)
def test_citations_of_marks_without_references_come_from_search_results(
    text: str, searches: list[list[Any]], own: list[Any], expected: list[str]
) -> None:
    outputs = [
        tool_output(f"o{number}", "web.run", text_content(""), metadata=groups(*entries))
        for number, entries in enumerate(searches)
    ]

    found = collect_stored_reply([*outputs, message(text, metadata=groups(*own))], "c").citations

    assert [each.url for each in found] == [f"https://{url}" for url in expected]
    assert {(each.start, each.end) for each in found} <= {(1, 1)}
    assert all((each.title or "").startswith("R") for each in found)


def test_citation_of_mark_with_reference_does_not_come_from_search_results() -> None:
    references = [
        {"type": "webpage", "matched_text": mark(0), **SOURCE},
        {"type": "hidden", "matched_text": mark(1)},
    ]
    metadata = {"content_references": references, **groups(result(0), result(1), result(2))}
    text = f"A{mark(0)} B{mark(1)} C{mark(2)} D{mark(0)}"

    found = collect_stored_reply([message(text, metadata=metadata)], "c").citations

    assert [(each.url, each.start) for each in found] == [(URL, 1), ("https://0.example/search/2", 5)]


@pytest.mark.parametrize(
    "raw",
    ["a", f"a{mark(0)}b", f"{mark(0)}{mark(1)}b", '\ue200entity\ue202["x","Name"]\ue201 c', "\ue203p\ue204q"],
)
def test_visible_positions_agree_with_visible_text(raw: str) -> None:
    positions = VisiblePositions(raw)

    assert positions.find(0) == 0
    assert positions.find(len(raw)) == len(clean_text(raw))


def test_plain_spans_that_change_the_text_are_unknown() -> None:
    markdown, plain = "# Head\n\nText", "Head\n\nText"
    given = [Citation("a", None, None, 0, 0), Citation("b", None, None, 12, 12)]

    found = [each.start for each in to_plain_spans(given, markdown, plain)]

    assert found == [None, 10]


def test_plain_spans_of_many_citations_are_known_beside_an_unknown_one() -> None:
    plain = "Head\n\n" + "Yes. " * 40
    ends = range(12, 212, 5)
    given = [Citation("a", None, None, at, at) for at in (0, *ends)]

    found = [each.start for each in to_plain_spans(given, f"# {plain}", plain.rstrip())]

    assert found == [None, *(at - 2 for at in ends)]


def thought(*items: tuple[str, str]) -> dict[str, Any]:
    found = [{"summary": summary, "content": content} for summary, content in items]
    return message(content={"content_type": "thoughts", "thoughts": found})


def recap(seconds: Any) -> dict[str, Any]:
    content = {"content_type": "reasoning_recap", "content": "Thought for a while"}
    return message(content=content, metadata={"finished_duration_sec": seconds})


def test_find_thoughts_stores_duration_in_newest_thought() -> None:
    found = find_thoughts([thought(("A", "a"), ("", "")), thought(("B", "")), recap(7), recap(2)])

    assert found == [Thought("A", "a"), Thought("B", "", 7), Thought("Thought for a while", "", 2)]


def test_find_tool_calls_joins_parallel_calls_with_their_outputs() -> None:
    def call(text: str, tool: str) -> dict[str, Any]:
        return site_message(text, {"content_type": "code", "text": text}, recipient=tool)

    found = find_tool_calls(
        [
            call("1", "python"),
            call("2", "python"),
            tool_output("o1", "python", text_content("one")),
            tool_output("o2", "python", text_content("two")),
            call("3", "web.run"),
            tool_output("o3", "web", text_content("three"), status="in_progress"),
            call("4", "python"),
            tool_output("o4", "tool_error", {"content_type": "system_error", "text": "failed"}),
        ]
    )

    done = "finished_successfully"
    assert found == [
        ToolCall("python", "1", "one", done),
        ToolCall("python", "2", "two", done),
        ToolCall("web.run", "3", "three", "in_progress"),
        ToolCall("python", "4", "failed", done),
    ]


def test_find_tool_calls_of_search_step_without_recipient_returns_queries() -> None:
    content = {"content_type": "code", "text": ""}
    metadata = {"reasoning_status": "is_reasoning", "search_queries": [{"q": "sky"}, {"q": "blue"}]}

    assert find_tool_calls([message(content=content, metadata=metadata)]) == [ToolCall("search", "sky\nblue")]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"metadata": {"finish_details": {"type": "stop"}}}, "stop"),
        ({"metadata": {"finish_details": {"type": "max_tokens"}}}, "length"),
        ({"metadata": {"finish_details": {"type": "interrupted"}}}, "interrupted"),
        ({"metadata": {"finish_details": {"type": "invented"}}}, None),
        ({"status": "finished_successfully", "end_turn": True}, "stop"),
        ({"status": "finished_partial_completion"}, None),
        ({"status": "in_progress"}, None),
    ],
)
def test_finish_reason_of_message_is_named(fields: dict[str, Any], expected: str | None) -> None:
    assert finish_reason(message(**fields)) == expected


def test_model_that_the_site_resolved_is_not_replaced_by_a_requested_model() -> None:
    tracker = AnswerTracker()
    tracker.note_model({"metadata": {"model_slug": "a", "resolved_model_slug": "b"}})
    tracker.note_model({"metadata": {"model_slug": "a"}})

    assert tracker.model == "b"


def test_collect_stored_reply_of_damaged_messages_returns_what_is_readable() -> None:
    damaged = {"id": "x", "author": 7, "content": {"content_type": "thoughts", "thoughts": [1, {}]}}
    refs = {"content_references": [None, {"type": ["x"], "matched_text": 7, "items": {"url": 1}}]}
    answer = message("Yes", metadata={**refs, "citations": {}, "model_slug": 7}, create_time="never")

    reply = collect_stored_reply([damaged, None, answer], "c")

    assert (reply.text, reply.citations, reply.model, reply.created_at) == ("Yes", (), None, None)


def test_history_gives_parts_of_turn_to_its_answer() -> None:
    call = site_message("call", {"content_type": "code", "text": "1"}, recipient="python")
    data = tree(
        user_message("q1"), thought(("A", "a")) | {"id": "t"}, message("Yes"), user_message("q2"), call
    )

    history = read_history("c", data)

    by_id = {each.id: each for each in history.messages}
    assert by_id["answer"].thoughts == (Thought("A", "a"),)
    assert (by_id["t"].thoughts, by_id["t"].hidden) == ((), True)
    assert [each.name for each in by_id["call"].tool_calls] == ["python"]
    assert by_id["call"].recipient == "python"
    assert history.get_reply("t") == history.get_reply("answer")
    assert history.get_reply("q1") is None


@pytest.mark.parametrize("seconds", [10**400, float("inf"), float("nan"), -1, True, "7"])
def test_find_thoughts_recap_without_possible_duration_has_no_seconds(seconds: Any) -> None:
    recap = {"content_type": "reasoning_recap", "content": "Thought for long"}

    found = find_thoughts([site_message("r", recap, metadata={"finished_duration_sec": seconds})])

    assert found == [Thought("Thought for long", "", None)]


def test_find_citations_of_mark_with_huge_number_finds_no_source() -> None:
    text = f"Sky.\ue200cite\ue202turn{'9' * 5000}search1\ue201"
    results = SearchResults([message(metadata={"search_result_groups": [{"entries": [SOURCE]}]})])

    assert find_citations(message(text), results) == []


def test_history_of_messages_without_ids_uses_ids_of_nodes() -> None:
    answer = {name: value for name, value in message("Sky", end_turn=True).items() if name != "id"}
    nodes = {"q": {"parent": None, "message": user_message("q")}, "n": {"parent": "q", "message": answer}}

    history = read_history("c1", {"mapping": nodes, "current_node": "n"})
    reply = history.get_reply()

    assert reply is not None
    assert (reply.text, reply.message_id, history.messages[-1].id) == ("Sky", "n", "n")
