"""Work on text that the site chose: twice the text takes at most about twice the time.

Each input is made so that a quadratic search would need many seconds, and be recognised by its growth.
"""

from __future__ import annotations

import gc
import io
import json
import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from markdown_it.token import Token
from rich.console import Console

from chatgpt_browser import APIStatusError, Citation, ToolCall, User
from chatgpt_browser._browser.playwright_errors import connection_error, to_library_error
from chatgpt_browser._core.models import Head, Response
from chatgpt_browser._protocol.canvas import TextEdit, apply_edits
from chatgpt_browser._protocol.citation_marks import CitationMarkFilter
from chatgpt_browser._protocol.citations import find_citations
from chatgpt_browser._protocol.conversation_tree import find_answer, newest_turn
from chatgpt_browser._protocol.cookies import SessionToken
from chatgpt_browser._protocol.delta import DeltaDecoder
from chatgpt_browser._protocol.error_responses import is_challenge, status_error
from chatgpt_browser._protocol.file_refs import find_file_refs, join_file_refs
from chatgpt_browser._protocol.growing_plain_text import GrowingPlainText
from chatgpt_browser._protocol.plain_text import to_plain_text
from chatgpt_browser._protocol.redaction import scrub, without_secrets
from chatgpt_browser._protocol.reply_changes import ReplyChanges
from chatgpt_browser._protocol.reply_reader import ReplyReader
from chatgpt_browser._protocol.search_results import SearchResults
from chatgpt_browser._protocol.session import read_session
from chatgpt_browser._protocol.sse import EventReader
from chatgpt_browser.cli.chat.slash_commands import split_command
from chatgpt_browser.cli.doctor.anonymization import anonymize_message, remove_words, shape_of
from chatgpt_browser.cli.doctor.context import CheckContext
from chatgpt_browser.cli.doctor.session_checks import mask_emails
from chatgpt_browser.cli.output.activity import describe_call, describe_thinking
from chatgpt_browser.cli.output.code_languages import limit_highlighting
from chatgpt_browser.cli.output.footnotes import Footnotes
from chatgpt_browser.cli.output.markdown_renderer import print_markdown
from chatgpt_browser.testing.recording.scrubber import Scrubber
from tests.support.reply_events import TEXT, item, message
from tests.support.whole_turns import mark, site_message, text_content

Work = Callable[[int], Callable[[], object]]

#: Twice the input may take so many times as long. A quadratic search takes four times as long.
MAX_GROWTH = 2.5
#: Seconds: so fast is fast enough, and too short to measure.
NEGLIGIBLE = 0.03
HTML = Head(403, "Forbidden", {"content-type": "text/html"})


def refusal(html: str) -> Callable[[], object]:
    return lambda: (is_challenge(HTML, html), status_error(Response(HTML, html)))


def conversation(size: int, *, chain: bool) -> Any:
    """Return a conversation whose messages follow each other, or are all replies to the first one."""
    names = [f"id-{number}" for number in range(size)]
    mapping: dict[str, Any] = {
        name: {"parent": names[index - 1] if chain else names[0], "message": user_message(name)}
        for index, name in enumerate(names)
    }
    mapping[names[0]] = {"parent": None, "children": names[:0:-1], "message": user_message(names[0])}
    return {"mapping": mapping, "current_node": names[-1]}


def user_message(message_id: str) -> dict[str, Any]:
    return {"id": message_id, "author": {"role": "user"}}


def answers(data: Any) -> Callable[[], object]:
    unanswered = frozenset(f"other-{number}" for number in range(1000))
    return lambda: (find_answer(data, questions=["id-0"]), newest_turn(data, unanswered))


def deltas(changes: Iterable[Any]) -> Callable[[], object]:
    events = [{"p": "", "o": "add", "v": {"list": []}}, *changes]

    def apply() -> None:
        decoder = DeltaDecoder()
        for event in events:
            decoder.apply(event)

    return apply


def chunked(chunks: list[bytes]) -> Callable[[], object]:
    def read() -> None:
        reader = EventReader()
        for chunk in chunks:
            reader.feed(chunk)
        reader.feed(b"", final=True)

    return read


def recorded(text: str) -> Callable[[], object]:
    def run() -> None:
        scrubber = Scrubber()
        scrubber.find_secrets(text)
        scrubber.text(text)
        scrubber.value({"key": text})

    return run


def marked(pieces: list[str]) -> Callable[[], object]:
    return lambda: CitationMarkFilter().visible("".join(pieces), at_end=True)


def remembered(name: str) -> Callable[[], object]:
    def run() -> None:
        context = CheckContext.__new__(CheckContext)
        context.remember_user(User(name=name, email=name))
        remove_words(["some text " * 1000], context.user_words)

    return run


def displayed(markdown: str) -> Callable[[], object]:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system="truecolor")
    return lambda: print_markdown(console, markdown)


def converted(block: str, step: int = 20) -> Work:
    """Return the conversion of a reply that arrives in pieces of ``step`` characters: its pieces, and its progress."""

    def make(size: int) -> Callable[[], object]:
        text = (block * (size // len(block) + 1))[:size]
        return lambda: receive(text, step, batch=8)

    return make


def receive(text: str, step: int, *, batch: int) -> None:
    pieces, progress = GrowingPlainText(), GrowingPlainText()
    for count, end in enumerate(range(step, len(text) + step, step), 1):
        pieces.finished(text[:end])
        progress.progress(text[:end], more_waits=count % batch > 0)
    assert pieces.whole(text) == progress.whole(text)


#: Replies of which each is one kind of block. The Markdown of most is one block that is open until the end.
REPLIES = {
    "paragraphs": "Some **words** of a paragraph.\n\n",
    "paragraph": "Some **words** ",
    "lines": "Some `words`\n",
    "items": "- an item\n",
    "loose_items": "   - a nested **item**\n\n",
    "rows": "|a|b|\n|-|-|\n",
    "quotes": "> a *quote*\n>\n",
    "fences": "```\nx\n\n",
    "formulas": "\\(x ",
    "tags": "<b>",
    "dollars": "$a ",
    "dollars_after_backslashes": "\\\\$",
    "dollars_before_emphasis": "\\\\$ ** ",
    "links": "[a](b ",
}
WORK: dict[str, Work] = {
    "title_opened_often": lambda n: refusal("<title" * n),
    "title_never_closed": lambda n: refusal("<title>" + "a" * 6 * n),
    "title_attributes": lambda n: refusal("<title " + "x=1 " * n),
    "challenge_marks": lambda n: refusal("/cdn-cgi/challenge-platform" * n),
    "validation_errors": lambda n: refusal(json.dumps({"detail": [{"loc": ["a"], "msg": "b"}] * (n // 10)})),
    "session": lambda n: lambda: read_error(Response(HTML, json.dumps({"detail": "<title" * n}))),
    "url_prefixes": lambda n: lambda: scrub("http://" * n, ["secret"]),
    "url_queries": lambda n: lambda: scrub("http://a?" * n, ["secret"]),
    "url_query_marks": lambda n: lambda: scrub("http://a/" + "?#" * n, ["secret"]),
    "jose_prefixes": lambda n: lambda: without_secrets("eyJ" * n + " eyJ." * n, ["secret"]),
    "jose_dots": lambda n: lambda: without_secrets("eyJabcdefgh" + "." * n + "!", ["secret"]),
    "children_of_one": lambda n: answers(conversation(n // 16, chain=False)),
    "children_in_chain": lambda n: answers(conversation(n // 16, chain=True)),
    "delta_of_list": lambda n: deltas(
        {"p": "/list", "o": "append", "v": [number]} for number in range(n // 4)
    ),
    "delta_of_object": lambda n: deltas(
        {"p": "", "o": "append", "v": {f"key{number}": 1}} for number in range(n // 4)
    ),
    "sse_line_in_chunks": lambda n: chunked([b"data: "] + [b"x" * 50] * n),
    "sse_carriage_returns": lambda n: chunked([b"\r"] * n),
    "sse_lines": lambda n: chunked([b"data: x\n" * n]),
    "citation_marks_opened": lambda n: marked(["\ue200"] * n),
    "citation_marks_with_fields": lambda n: marked(["\ue200entity\ue202["] * n + ["\ue201"]),
    "quotations_escaped": lambda n: lambda: anonymize_message(APIStatusError("\\'" * n)),
    "quotations_opened": lambda n: lambda: anonymize_message(APIStatusError(" \"a '" * n)),
    "shape": lambda n: lambda: shape_of({f"key{i}": {"p": "/a" * 5} for i in range(n)}),
    "user_of_many_words": lambda n: remembered("word " * n),
    "user_of_one_word": lambda n: remembered("a" * n),
    "email_without_at": lambda n: lambda: mask_emails("a" * n),
    "email_with_dots": lambda n: lambda: mask_emails("a@b" + ".c" * n + "!"),
    "recorded_blob_of_letters": lambda n: recorded("a" * n),
    "recorded_blob_of_digits": lambda n: recorded("1" * n),
    "recorded_accounts": lambda n: recorded("user-" * n),
    "recorded_keys": lambda n: recorded("sk-" * n),
    "recorded_bearers": lambda n: recorded("bearer " * n + "bearer" + " " * n),
    "recorded_email": lambda n: recorded("a.b+" * n),
    "recorded_uuids": lambda n: recorded("12345678-1234-" * n),
    "command_spaces": lambda n: lambda: split_command("/save" + " " * n),
    "command_words": lambda n: lambda: split_command("/save" + " a" * n + " " * n),
    "command_name": lambda n: lambda: split_command("/" + "a" * n + "!"),
    "cookie_lines": lambda n: lambda: SessionToken.parse("a=b; " * n),
    "cookie_names": lambda n: lambda: SessionToken.parse("a" * n + " !"),
    "cookie_headers": lambda n: lambda: SessionToken.parse("cookie:" * n),
    "cookie_equals": lambda n: lambda: SessionToken.parse("=" * n),
    "citations_with_references": lambda n: cited("x" * 20 + "{mark}", n // 8),
    "citations_with_unknown_texts": lambda n: cited("x" * 20 + "\ue204", n // 8),
    "citations_without_opener": lambda n: cited("x\ue204{mark}", n // 8),
    "citations_of_results": lambda n: cited("x" * 20 + "{mark}", n // 8, matched="{mark} {number}"),
    "citations_with_numbers": lambda n: numbered(n // 8),
    "citation_events": lambda n: events_of(cited_events(n // 80)),
    "thought_events": lambda n: events_of(thought_events(n // 40)),
    "interpreter_links_of_spaces": lambda n: linked("(sandbox:/" + " " * n),
    "interpreter_links_with_titles": lambda n: linked('(sandbox:/a "t' * (n // 14)),
    "interpreter_links_with_brackets": lambda n: linked("(sandbox:/a (b) " * (n // 16)),
    "interpreter_files_of_one_name": lambda n: files_of("sandbox:/{number}/a ", n // 20),
    "canvas_edits": lambda n: lambda: apply_edits("a" * 2000, (TextEdit("a*b", ""),) * n),
    "canvas_edits_that_double": lambda n: lambda: apply_edits("a" * n, (TextEdit("a", "aa", True),) * n),
    "dollars_in_plain_text": lambda n: lambda: to_plain_text("\\\\$" * (n // 8)),
    "footnotes_in_code": lambda n: footnoted("a `b` c ", n // 20),
    "search_calls": lambda n: lambda: describe_call(ToolCall("web", "search('" * n)),
    "thoughts_shown": lambda n: lambda: [describe_thinking("word " * n) for _ in range(10)],
    "remote_versions": lambda n: lambda: connection_error(ConnectionError("server version: v1" * n), "x"),
    "browser_text": lambda n: lambda: to_library_error(ConnectionError("distribution 'x" * n)),
}


def cited(piece: str, count: int, matched: str = "{mark}") -> Callable[[], object]:
    """Return the search for citations in a text with one reference and one search result for each piece."""
    values = [{"mark": mark(number), "number": number} for number in range(count)]
    references = [{"type": "webpage", "matched_text": matched.format(**each), "url": "u"} for each in values]
    entries = [
        {"url": "u", "ref_id": {"turn_index": 0, "ref_type": "search", "ref_index": count - number}}
        for number in range(count)
    ]
    metadata = {"content_references": references, "search_result_groups": [{"entries": entries}]}
    answer = message("".join(piece.format(**each) for each in values), metadata=metadata)
    return lambda: find_citations(answer, SearchResults([answer]))


def linked(text: str) -> Callable[[], object]:
    return lambda: find_file_refs(message(text), None)


def files_of(link: str, count: int) -> Callable[[], object]:
    answer = message("".join(link.format(number=number) for number in range(count)))
    return lambda: join_file_refs(find_file_refs(answer, None))


def footnoted(piece: str, count: int) -> Callable[[], object]:
    """Return the insertion of a footnote mark into each piece of a text."""
    size = len(piece)
    citations = [Citation("t", f"u{n}", None, n * size, n * size + size - 2) for n in range(count)]
    return lambda: Footnotes(citations).mark(piece * count)


def numbered(count: int) -> Callable[[], object]:
    """Return the search for citations of the older form. Their order is opposite to the order of the marks."""
    citations = [
        {"metadata": {"url": f"u{n}", "extra": {"cited_message_idx": count - n}}} for n in range(count)
    ]
    text = "".join(f"x【{number}†source】" for number in range(count))
    return lambda: find_citations(message(text, metadata={"citations": citations}))


def cited_events(count: int) -> list[dict[str, str]]:
    """Return the deltas of an answer whose references arrive one by one, each with a piece of the text."""
    answer = site_message("a", text_content(""), status="in_progress", metadata={"content_references": []})
    events = [item({"p": "", "o": "add", "v": {"message": answer | {"channel": "final"}}}, "delta")]
    for number in range(count):
        reference = {"type": "webpage", "matched_text": mark(number), "url": f"u{number}"}
        place = f"/message/metadata/content_references/{number}"
        changes = [
            {"p": TEXT, "o": "append", "v": "word " * 4 + mark(number)},
            {"p": place, "o": "add", "v": reference},
        ]
        events.append(item({"p": "", "o": "patch", "v": changes}, "delta"))
    return events


def thought_events(count: int) -> list[dict[str, str]]:
    """Return the deltas of a thought whose text grows in pieces of 20 characters."""
    content = {"content_type": "thoughts", "thoughts": [{"summary": "s", "content": ""}]}
    thought = site_message("t", content, status="in_progress", channel="analysis")
    start = item({"p": "", "o": "add", "v": {"message": thought}}, "delta")
    first = item({"p": "/message/content/thoughts/0/content", "o": "append", "v": "x"}, "delta")
    return [start, first, *[item({"v": "y" * 20}, "delta")] * count]


def events_of(events: list[dict[str, str]]) -> Callable[[], object]:
    """Return the comparison of a reply with its earlier state after each event."""

    def read() -> None:
        reader = ReplyReader()
        changes = ReplyChanges(reader, with_positions=True)
        assert sum(bool(reader.feed(each)) + len([*changes.read()]) for each in events) > len(events) / 2

    return read


def read_error(response: Response) -> None:
    with pytest.raises(Exception, match="ChatGPT failed"):
        read_session(response)


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of the work, without the garbage collector: it looks at all objects of the test run again and again."""
    gc.disable()
    try:
        started = time.process_time()
        work()
        return time.process_time() - started
    finally:
        gc.enable()


def check_growth(make: Work, size: int) -> None:
    """Compare the CPU times for one size and for twice the size; measure again if a busy machine may have disturbed them."""
    single, double = make(size), make(2 * size)
    for repetitions in (1, 3, 3):
        second = statistics.median(seconds(double) for _ in range(repetitions))
        if second <= NEGLIGIBLE:
            return
        # The minimum, because a disturbance of this time would hide a growth.
        first = min(seconds(single) for _ in range(repetitions + 1))
        if second <= MAX_GROWTH * first:
            return
    pytest.fail(f"{size:,}: {first:.3f} s, {2 * size:,}: {second:.3f} s")


@pytest.mark.parametrize("name", WORK)
def test_work_on_text_of_the_site_grows_linearly(name: str) -> None:
    check_growth(WORK[name], 80_000)


def test_code_in_language_with_slow_lexer_takes_no_longer_than_text() -> None:
    """Pygments 2.20 needs minutes for some of its 500 lexers: only the allowed ones are used, and for short blocks only."""
    code = "".join("a" * 80 + "(\n" for _ in range(400))
    as_text = seconds(displayed(f"```text\n{code}\n```\n"))

    for language in ("perl", "haskell", "python"):
        assert seconds(displayed(f"```{language}\n{code}\n```\n")) < 5 * as_text + 1


@pytest.mark.parametrize(
    ("language", "piece"),
    [("cs", "a\n"), ("cs", "@a\n"), ("java", "a\n"), ("c", " \n"), ("python", " \n"), ("makefile", "a(")],
)
def test_code_that_its_lexer_reads_slowly_is_shown_without_colours(language: str, piece: str) -> None:
    code = (piece * 10_000)[:9_990]
    tokens = [Token("fence", "code", 0, info=language, content=code) for language in (language, "text")]

    assert seconds(lambda: limit_highlighting(tokens)) < 4
    if language == "cs":  # the slowest one; the others depend on the machine
        assert tokens[0].info == "text"


def test_code_in_other_language_or_too_long_has_no_colours() -> None:
    def shown(language: str, code: str) -> str:
        console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system="truecolor")
        print_markdown(console, f"```{language}\n{code}\n```\n")
        text: str = console.file.getvalue()  # type: ignore[attr-defined]
        return text

    plain = shown("text", "import os")
    assert shown("python", "import os") != plain
    assert shown("Python title=x", "import os") != plain
    assert shown("perl", "import os") == shown("no-such-language", "import os") == plain


@pytest.mark.parametrize("depth", [200, 400, 900])
def test_deeply_nested_refusal_raises_status_error_without_secrets(depth: int) -> None:
    body = '{"detail": ' + "[" * depth + '"secret-of-the-session"' + "]" * depth + "}"
    error = status_error(Response(Head(400, "Bad", {}), body))

    assert isinstance(error, APIStatusError)
    assert "secret-of-the-session" not in json.dumps(without_secrets(error.detail, ["secret-of-the-session"]))
    shape_of(error.detail)


@pytest.mark.parametrize("kind", REPLIES)
def test_plain_text_of_growing_reply_grows_linearly(kind: str) -> None:
    check_growth(converted(REPLIES[kind]), 2500)


def test_without_secrets_removes_secrets_from_keys() -> None:
    cleaned = without_secrets({"a secret-key": {"secret-key": 1}}, ["secret-key"])

    assert "secret-key" not in json.dumps(cleaned)
