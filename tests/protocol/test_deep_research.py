"""The state of a deep research in a stored conversation, read as plain data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatgpt_browser._protocol.deep_research import is_under_way, read_research

REPORT = {"content": {"content_type": "text", "parts": ["# Tea"]}, "status": "finished_successfully"}
PLAN = {"steps": [{"title": "Search"}, "Write", 3]}


def conversation(state: object, *, before: bool = False) -> dict[str, Any]:
    """Return a conversation in which a tool message has this state, after the question or before it."""
    tool = {"author": {"role": "tool"}, "metadata": {"chatgpt_sdk": {"widget_state": state}}}
    nodes = [("tool", tool), ("question", {})] if before else [("question", {}), ("tool", tool)]
    nodes.append(("answer", {"author": {"role": "assistant"}, "metadata": {}}))
    mapping: dict[str, Any] = {}
    parent = None
    for node_id, message in nodes:
        mapping[node_id] = {"parent": parent, "message": message}
        parent = node_id
    return {"mapping": mapping, "current_node": parent}


@pytest.mark.parametrize("encode", [json.dumps, dict])
def test_read_research_complete_state_gives_report_and_plan(encode: Any) -> None:
    state = {"status": "completed", "plan": PLAN, "report_message": REPORT}
    research = read_research(conversation(encode(state)), ("question",))
    assert research is not None
    assert (research.text, research.steps) == ("# Tea", ("Search", "Write", ""))


@pytest.mark.parametrize(
    "state",
    [
        {"status": "running", "plan": PLAN, "report_message": REPORT},
        {"status": "completed", "report_message": REPORT | {"status": "in_progress"}},
        {"status": "completed", "report_message": None},
        {},
    ],
)
def test_read_research_incomplete_state_has_no_report(state: dict[str, Any]) -> None:
    research = read_research(conversation(state), ("question",))
    assert research is not None
    assert (research.report, research.text, research.is_failed) == (None, "", False)


def test_read_research_failed_state_is_failed() -> None:
    research = read_research(conversation({"status": "failed"}), ("question",))
    assert research is not None
    assert research.is_failed


@pytest.mark.parametrize("data", [None, {}, conversation("not JSON"), conversation([1])])
def test_read_research_without_state_is_none(data: Any) -> None:
    assert read_research(data, ("question",)) is None


def test_read_research_ignores_research_of_earlier_question() -> None:
    state = {"status": "completed", "report_message": REPORT}
    assert read_research(conversation(state, before=True), (None, "question")) is None


def test_is_under_way_depends_on_async_status() -> None:
    assert [is_under_way(data) for data in ({"async_status": 7}, {"async_status": None}, {}, None)] == [
        True,
        False,
        False,
        False,
    ]
