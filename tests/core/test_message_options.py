"""The options of one message, checked as plain data."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from chatgpt_browser._core.message_options import Attachment, MessageOptions


def test_options_without_arguments_leave_every_choice_to_the_site() -> None:
    options = MessageOptions.checked({}, "fetch")

    assert options == MessageOptions()
    assert not options.needs_page


@pytest.mark.parametrize(
    "value, attachment",
    [
        ("report.pdf", Attachment("report.pdf", Path("report.pdf"))),
        (Path("folder/a.txt"), Attachment("a.txt", Path("folder/a.txt"))),
        ("~$report.docx", Attachment("~$report.docx", Path("~$report.docx"))),
        (("a.txt", b"text"), Attachment("a.txt", None, b"text")),
        (("a.csv", b"1,2", "text/csv"), Attachment("a.csv", None, b"1,2", "text/csv")),
    ],
)
def test_files_accept_paths_and_bytes(value: Any, attachment: Attachment) -> None:
    assert MessageOptions.checked({"files": [value]}, "auto").files == (attachment,)


@pytest.mark.parametrize(
    "arguments",
    [
        {"files": "report.pdf"},
        {"files": [b"bytes"]},
        {"files": [("a.txt", "text")]},
        {"files": 1},
        {"tools": "search"},
        {"tools": [1]},
        {"model": 1},
        {"unknown": True},
    ],
)
def test_options_of_a_wrong_type_raise_type_error(arguments: Any) -> None:
    with pytest.raises(TypeError, match=next(iter(arguments))):
        MessageOptions.checked(arguments, "auto")


@pytest.mark.parametrize("name", ["model", "effort", "project"])
def test_empty_option_raises_value_error_with_its_name(name: Any) -> None:
    with pytest.raises(ValueError, match=name):
        MessageOptions.checked(cast("Any", {name: " "}), "auto")


@pytest.mark.parametrize("name", ["files", "tools", "effort", "project"])
def test_option_that_needs_the_page_is_refused_with_fetch(name: Any) -> None:
    arguments: Any = {name: {"files": ["a.txt"], "tools": ["search"]}.get(name, "x")}

    with pytest.raises(ValueError, match=f"{name} .*send_via"):
        MessageOptions.checked(arguments, "fetch")
    assert MessageOptions.checked(arguments, "auto").needs_page


def test_repr_of_attachment_contains_no_bytes() -> None:
    assert "secret" not in repr(MessageOptions.checked({"files": [("a.txt", b"secret")]}, "auto"))


@pytest.mark.parametrize("other", [{"project": "g-p-1"}, {"tools": ["deep_research"]}])
def test_temporary_with_option_that_needs_a_stored_chat_raises_value_error(other: Any) -> None:
    with pytest.raises(ValueError, match="temporary and .* cannot be used together"):
        MessageOptions.checked(cast("Any", {"temporary": True, **other}), "page")
