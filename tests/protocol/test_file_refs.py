"""The files in the messages of a reply."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from chatgpt_browser._protocol.canvas import TextEdit, apply_edits
from chatgpt_browser._protocol.file_refs import (
    FileRef,
    file_id,
    find_file_refs,
    is_image_pending,
    join_file_refs,
)


def message(content: Any, role: str = "assistant", **fields: Any) -> dict[str, Any]:
    content = {"content_type": "text", "parts": [content]} if isinstance(content, str) else content
    return {"id": "m1", "author": {"role": role}, "recipient": "all", "content": content, **fields}


def image(pointer: str, role: str = "tool", **fields: Any) -> dict[str, Any]:
    part = {"content_type": "image_asset_pointer", "asset_pointer": pointer, "size_bytes": 7}
    return message({"content_type": "multimodal_text", "parts": [part, "a caption"]}, role, **fields)


def files_of(*messages: dict[str, Any]) -> list[FileRef]:
    return join_file_refs(ref for each in messages for ref in find_file_refs(each, "c1"))


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("sediment://file_1", "file_1"),
        ("file-service://file-1", "file-1"),
        ("sediment://0a1b#file_1#p_0.png", "file_1"),
        ("file-service://file-1?shared_conversation_id=9", "file-1"),
        ("file_1", "file_1"),
        ("sediment://", None),
        ("sediment://..", None),
        (None, None),
        (7, None),
    ],
)
def test_file_id_of_each_form_of_pointer(pointer: object, expected: str | None) -> None:
    assert file_id(pointer) == expected


def test_find_file_refs_generated_image_is_found() -> None:
    ref = FileRef("image", "file_1", "A cat.png", "image/png", 7, "c1", "m1")
    assert files_of(image("sediment://file_1", metadata={"image_gen_title": "A cat"})) == [ref]


def test_find_file_refs_content_that_is_a_pointer_is_found() -> None:
    content = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_1"}
    assert [ref.id for ref in files_of(message(content, "tool"))] == ["file_1"]


def test_find_file_refs_plot_of_the_interpreter_is_found() -> None:
    output = {"message_type": "image", "image_url": "file-service://file-2", "width": 1}
    metadata = {"aggregate_result": {"messages": [{"message_type": "stream"}, output]}}
    plot = message({"content_type": "execution_output", "text": ""}, "tool", metadata=metadata)
    assert [(ref.kind, ref.id, ref.name) for ref in files_of(plot)] == [("image", "file-2", "file-2.png")]


@pytest.mark.parametrize(
    "other",
    [
        image("sediment://file_1", "user"),
        image("sediment://file_1", author={"role": "tool", "name": "file_search"}),
        message("[x](sandbox:/mnt/data/a.csv)", "user"),
        message("[x](sandbox:/mnt/data/a.csv)", recipient="python"),
        message("sandbox: /mnt and sandbox:relative"),
        message({"content_type": "multimodal_text", "parts": [None, 7, {"asset_pointer": "x"}]}, "tool"),
        {"id": "m1", "author": {"role": "tool"}, "content": None, "metadata": {"aggregate_result": 7}},
    ],
    ids=["upload", "page of an upload", "question", "tool call", "no path", "other parts", "no content"],
)
def test_find_file_refs_other_messages_have_no_files(other: dict[str, Any]) -> None:
    assert files_of(other) == []


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("[x](sandbox:/mnt/data/a.csv)", ["/mnt/data/a.csv"]),
        ("[x](sandbox:/mnt/data/a%20b.csv)", ["/mnt/data/a b.csv"]),
        ("[x](sandbox:/mnt/data/a b (1).csv 'T') ![y](sandbox:/p.png)", ["/mnt/data/a b (1).csv", "/p.png"]),
        ("see <sandbox:/mnt/data/my file.txt>.", ["/mnt/data/my file.txt"]),
        ("`sandbox:/a.txt`, **sandbox:/b.txt**. sandbox:/c.zip.", ["/a.txt", "/b.txt", "/c.zip"]),
        ("[x](sandbox:/a.csv) and again [y](sandbox:/a.csv)", ["/a.csv"]),
        ("[x](sandbox:/folder/)", []),
        (f"sandbox:/{'a' * 5000}", []),
    ],
)
def test_find_file_refs_links_of_the_interpreter_are_found(text: str, paths: list[str]) -> None:
    assert [ref.id for ref in files_of(message(text))] == paths


def test_find_file_refs_hostile_text_takes_little_time() -> None:
    started = time.process_time()
    for text in (
        "(sandbox:/" + "(a)" * 50_000,
        "(sandbox:/" + "a'" * 50_000,
        '(sandbox:/a "' + ' "' * 50_000,
    ):
        find_file_refs(message(text * 2), "c1")
    assert time.process_time() - started < 20


def test_join_file_refs_names_are_safe_and_differ() -> None:
    first = message("[x](sandbox:/mnt/data/one/a.csv) [x](sandbox:/mnt/data/two/a.csv)")
    titled = image("sediment://file_1", metadata={"image_gen_title": "../../CON"})
    assert [ref.name for ref in files_of(first, titled)] == ["a.csv", "a (2).csv", "_CON.png"]


def test_join_file_refs_same_file_twice_has_the_newest_message() -> None:
    newer = message("[x](sandbox:/a.csv)", id="m2")
    assert [(ref.id, ref.message_id) for ref in files_of(message("[x](sandbox:/a.csv)"), newer)] == [
        ("/a.csv", "m2")
    ]


# ---- canvas ----------------------------------------------------------------------------------------------------------


def canvas_call(what: str, /, **fields: Any) -> dict[str, Any]:
    return message({"content_type": "code", "text": json.dumps(fields)}, recipient=f"canmore.{what}_textdoc")


def canvas_result(**fields: Any) -> dict[str, Any]:
    canvas = {"textdoc_id": "d1", "title": "Plan", "textdoc_type": "document", **fields}
    return message("Done", "tool", metadata={"canvas": canvas})


CREATED = (canvas_call("create", name="Plan", type="document", content="hello world"), canvas_result())


def change(pattern: str, replacement: str) -> dict[str, Any]:
    return canvas_call(
        "update", updates=[{"pattern": pattern, "multiple": False, "replacement": replacement}]
    )


def test_join_file_refs_canvas_document_has_its_id_and_text() -> None:
    (ref,) = files_of(*CREATED)
    assert (ref.kind, ref.id, ref.name, ref.media_type, ref.text) == (
        "document",
        "d1",
        "Plan.md",
        "text/markdown",
        "hello world",
    )


@pytest.mark.parametrize(
    ("messages", "text"),
    [
        ((*CREATED, change("world", "you"), canvas_result()), "hello you"),
        ((*CREATED, change("world", "you")), "hello you"),
        ((*CREATED, change("w[a-z]+", "you"), canvas_result()), "hello you"),
        ((*CREATED, change(".*", "all new"), canvas_result()), "all new"),
        ((*CREATED, change("world", "you"), canvas_result(is_failure=True)), "hello world"),
        ((*CREATED, change("(a+)+$", "x"), canvas_result()), None),
        ((change("world", "you"), canvas_result()), None),
        ((CREATED[0],), "hello world"),
    ],
    ids=[
        "literal",
        "no result",
        "expression",
        "whole",
        "refused",
        "exponential",
        "created before",
        "only created",
    ],
)
def test_join_file_refs_changes_of_a_document_are_applied(
    messages: tuple[Any, ...], text: str | None
) -> None:
    (ref,) = files_of(*messages)
    assert ref.text == text


def test_join_file_refs_two_documents_are_two_files() -> None:
    second = (
        canvas_call("create", name="main", type="code/python", content="1"),
        canvas_result(textdoc_id="d2"),
    )
    assert [(ref.id, ref.name) for ref in files_of(*CREATED, *second)] == [
        ("d1", "Plan.md"),
        ("d2", "main.py"),
    ]


@pytest.mark.parametrize("body", ["{", "[]", '{"updates": 7}', "null"])
def test_find_file_refs_unreadable_canvas_call_is_ignored(body: str) -> None:
    content = {"content_type": "code", "text": body}
    assert files_of(message(content, recipient="canmore.update_textdoc")) == []


def test_apply_edits_invalid_replacement_makes_the_text_unknown() -> None:
    assert apply_edits("abc", (TextEdit("[b]", "\\7"),)) is None


# ---- images that are made later --------------------------------------------------------------------------------------

TASK = message("Processing image", "tool", metadata={"async_task_type": "image_gen"})


@pytest.mark.parametrize(
    ("messages", "pending"),
    [
        ([TASK], True),
        ([TASK, message("Here it is.")], True),
        ([TASK, image("sediment://file_1")], False),
        ([image("sediment://file_1", metadata={"async_task_type": "image_gen"})], False),
        ([image("sediment://file_1"), TASK], True),
        ([TASK | {"status": "finished_with_error"}], False),
        ([message("hello")], False),
    ],
)
def test_is_image_pending_until_an_image_follows(messages: list[dict[str, Any]], pending: bool) -> None:
    assert is_image_pending(messages) is pending


@pytest.mark.parametrize(
    "edit",
    [
        TextEdit("(a*)\\1\\1b", ""),  # cubic time
        TextEdit("(a*)(?P=x)b", ""),
        TextEdit("(?:a|a)" * 30 + "b", ""),  # exponential time
        TextEdit("a", "b" * 1000, multiple=True),  # too long a result
        TextEdit("[a]", "b" * 1000, multiple=True),
        TextEdit("[a]+", "\\g<0>" * 1000),
        TextEdit("", "b" * 1000, multiple=True),
    ],
)
def test_apply_edits_that_take_much_time_or_memory_make_the_text_unknown(edit: TextEdit) -> None:
    assert apply_edits("a" * 20_000, (edit,)) is None


def test_join_file_refs_edits_of_all_messages_share_a_budget() -> None:
    edits = [change("a*b", "") for _ in range(50)]
    created = canvas_call("create", name="Plan", type="document", content="a" * 20_000)

    (document,) = files_of(created, canvas_result(), *edits)

    assert document.text is None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[a](sandbox:/mnt/data/Bild 10\u202fPM.png)", "/mnt/data/Bild 10\u202fPM.png"),
        ("[a]( sandbox:/mnt/data/a  b (1).csv 'the title' )", "/mnt/data/a  b (1).csv"),
        ('[a](sandbox:/mnt/data/it\'s.csv\n"title")', "/mnt/data/it's.csv"),
    ],
)
def test_find_file_refs_link_with_spaces_has_whole_path(text: str, path: str) -> None:
    assert [ref.id for ref in find_file_refs(message(text), None)] == [path]
