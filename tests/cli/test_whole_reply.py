"""Thoughts, tool calls and sources in what the commands write."""

from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import (
    Citation,
    Done,
    History,
    HistoryMessage,
    Reply,
    TextDelta,
    ThoughtDelta,
    ToolCall,
    ToolUpdate,
)
from chatgpt_browser.cli.output import reply as reply_output
from chatgpt_browser.cli.output.activity import MAX_LENGTH, describe_call, describe_thinking
from chatgpt_browser.cli.output.conversation_formats import Format, format_conversation
from chatgpt_browser.cli.output.footnotes import Footnotes
from chatgpt_browser.cli.output.reply_pieces import ReplyPieces
from chatgpt_browser.testing import Reply as ScriptedReply
from chatgpt_browser.testing import Thought
from chatgpt_browser.testing import ToolCall as ScriptedCall

if TYPE_CHECKING:
    from tests.support.cli_fixtures import Account, Invoke

SKY = Citation("Sky [blue]", "https://sky.example/", "Example", 12, 12)
SEA = Citation(None, "https://sea.example/", None, 4, 4)
CALL = ToolCall("web.run", json.dumps({"search_query": [{"q": "sky"}, {"q": "sea"}]}))
SCRIPTED = ScriptedReply(
    "The sky is blue.",
    citations=["https://sky.example/"],
    thoughts=[Thought("Colours", "Light scatters.", 7)],
    tool_calls=[ScriptedCall("web.run", 'search("sky")', "found")],
)
QUOTE = "> Colours\n> \n> Light scatters.\n> \n> thought for 7 s\n> \n> searched: sky\n\n"


class Spinner:
    """A spinner that records the steps that it shows."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.is_stopped = False

    def __setattr__(self, name: str, value: object) -> None:
        if name == "step":
            self.steps.append(str(value))
        super().__setattr__(name, value)

    def stop(self) -> None:
        self.is_stopped = True


def pieces_of(*events: Any, show_thoughts: bool = False) -> tuple[ReplyPieces, Spinner]:
    stream: Any = SimpleNamespace(events=lambda: iter(events))
    spinner: Any = Spinner()
    return ReplyPieces(stream, spinner, show_thoughts=show_thoughts), spinner


EVENTS = (
    ThoughtDelta("Colours"),
    ThoughtDelta("\n\nLight"),
    ThoughtDelta("", 7.2),
    ToolUpdate(CALL),
    ToolUpdate(ToolCall("python", "1")),
    TextDelta("The ", "The "),
    TextDelta("sky", "The sky"),
    Done(Reply("The sky", citations=(SKY,))),
)


def test_reply_pieces_show_activity_beside_the_spinner_only() -> None:
    pieces, spinner = pieces_of(*EVENTS)

    assert list(pieces) == ["The ", "sky"]
    assert spinner.steps == [
        "thinking: Colours",
        "thinking: Light",
        "thought for 7 s",
        "searching: sky, sea",
        "using python",
    ]
    assert (pieces.text, pieces.citations, spinner.is_stopped) == ("The sky", (SKY,), True)


def test_reply_pieces_with_shown_thoughts_begin_with_a_quote() -> None:
    pieces, _ = pieces_of(*EVENTS, show_thoughts=True)

    assert "".join(pieces) == "> Colours\n> \n> Light\n> \n> thought for 7 s\n\nThe sky" == pieces.text


def test_reply_pieces_with_shown_thoughts_name_a_call_with_growing_output_once() -> None:
    updates = [ToolUpdate(ToolCall("python", "1", output)) for output in ("", "a", "ab", "abc")]
    pieces, _ = pieces_of(*updates, show_thoughts=True)

    assert "".join(pieces) == "> used python"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (ToolCall("search", "blue\nsky"), "searching: blue sky"),
        (ToolCall("browser", 'search("blue sky", recency_days=3)'), "searching: blue sky"),
        (ToolCall("web.run", '{"open": [1]}'), 'searching: {"open": [1]}'),
        (ToolCall("web.run", ""), "searching: …"),
        (ToolCall("canmore.create_textdoc", "{}"), "using canmore.create_textdoc"),
    ],
)
def test_describe_call_names_queries_or_the_tool(call: ToolCall, expected: str) -> None:
    assert describe_call(call) == expected


def test_descriptions_have_limited_length() -> None:
    assert len(describe_thinking("x" * 500)) == MAX_LENGTH


def test_footnotes_mark_each_passage_and_number_each_source_once() -> None:
    footnotes = Footnotes([SKY, SEA, Citation("Sky", SKY.url, None, 4, 4), Citation("No position", None)])

    assert footnotes.mark("Sea. The sky") == "Sea.[1][2] The sky[1]"
    assert footnotes.lines() == [
        "[1] Sky [blue], Example, https://sky.example/",
        "[2] https://sea.example/",
        "[3] No position",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Use `a|b` now.", "Use `ab`[1] now."),
        ("Use ``a ` b|`` now.", "Use ``a ` b``[1] now."),
        ("Use `ab`| now.", "Use `ab`[1] now."),
        ("A \\`b| c` d.", "A \\`b[1] c` d."),
        ("A lone ` and b| c.", "A lone ` and b[1] c."),
        ("| a | b |\n| - | - |\n| `x^y` | z |", "| a | b |\n| - | - |\n| `xy`[1] | z |"),
        ("```py\nx = 1|\ny\n```\n\nNext.", "```py\nx = 1\ny\n```\n\n[1]\n\nNext."),
        ("```\nx|\n```\nNext.", "```\nx\n```\n\n[1]\n\nNext."),
        ("```\nx\n```|", "```\nx\n```\n\n[1]"),
        ("- a\n  ```\n  x|\n  ```\n- b", "- a\n  ```\n  x\n  ```\n\n  [1]\n\n- b"),
        ("> ```\n> x|\n> ```", "> ```\n> x\n> ```\n>\n> [1]"),
        ("A.\n\n    code| here\n\nB.", "A.\n\n    code here\n\n    [1]\n\nB."),
        ("```\nx|", "```\nx"),
    ],
)
def test_footnotes_mark_is_never_in_code(text: str, expected: str) -> None:
    mark = "^" if "^" in text else "|"
    end = text.index(mark)
    citation = Citation("Sky", SKY.url, None, 0, end)
    assert Footnotes([citation]).mark(text[:end] + text[end + 1 :]) == expected


def test_footnotes_several_marks_after_same_code_are_in_order() -> None:
    citations = [Citation("Sky", SKY.url, None, 2, 3), Citation("Sea", SEA.url, None, 2, 2)]
    footnotes = Footnotes([*citations, Citation("Sky", SKY.url, None, 0, 4)])
    assert footnotes.mark("`abc` d") == "`abc`[1][2] d"


def test_format_conversation_as_markdown_has_footnotes() -> None:
    answer = HistoryMessage("m-2", "assistant", "Sea. The sky\n", citations=(SKY, SEA))
    history = History("c", "T", None, None, "m-2", (HistoryMessage("m-1", "user", "?"), answer))

    assert format_conversation(history, Format.markdown).endswith(
        "## ChatGPT\n\nSea.[^2-2] The sky[^2-1]\n\n"
        "[^2-1]: [Sky \\[blue\\]](<https://sky.example/>) (Example)\n"
        "[^2-2]: [https://sea.example/](<https://sea.example/>)\n"
    )
    content = json.loads(format_conversation(history, Format.json))
    assert content["messages"][1]["citations"][0]["source"] == "Example"


def test_print_sources_writes_to_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stdout)
    reply_output.print_sources((SEA,))
    assert stdout.getvalue() == ""

    monkeypatch.setattr(stdout, "isatty", lambda: True)
    reply_output.print_sources((SEA,))
    assert "[1] https://sea.example/" in stdout.getvalue()


def test_ask_writes_only_the_text_to_a_pipe(invoke: Invoke, account: Account) -> None:
    account.server.script(SCRIPTED)

    assert invoke("ask", "Why?").stdout == "The sky is blue.\n"


@pytest.mark.parametrize("option", [[], ["--no-stream"]])
def test_ask_show_thoughts_writes_a_quote_before_the_reply(
    invoke: Invoke, account: Account, option: list[str]
) -> None:
    account.server.script(SCRIPTED)

    assert invoke("ask", "Why?", "--show-thoughts", *option).stdout == f"{QUOTE}The sky is blue.\n"


def test_ask_json_has_the_parts_of_the_reply(invoke: Invoke, account: Account) -> None:
    account.server.script(SCRIPTED)

    content = json.loads(invoke("ask", "Why?", "--json", "--show-thoughts").stdout)

    assert (content["reply"], content["finish_reason"]) == ("The sky is blue.", "stop")
    (citation,) = content["citations"]
    assert (citation["url"], citation["end"]) == ("https://sky.example/", 16)
    assert content["thoughts"] == [{"summary": "Colours", "text": "Light scatters.", "seconds": 7.0}]
    assert [call["name"] for call in content["tool_calls"]] == ["web.run"]
    assert content["files"] == []


def test_history_export_has_footnotes(invoke: Invoke, account: Account) -> None:
    account.server.script(SCRIPTED)
    reply = account.api.ask("Why?")

    exported = invoke("history", "export", reply.conversation_id).stdout

    assert "The sky is blue.[^2-1]\n\n[^2-1]: [https://sky.example/](<https://sky.example/>)\n" in exported
