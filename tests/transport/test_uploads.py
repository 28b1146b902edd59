"""Files of messages: the site's page uploads them, and the message is sent with them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import ChatGPTAPI, OptionNotAppliedError, UploadError
from chatgpt_browser._protocol import upload_tracker
from chatgpt_browser.testing import Answer, FakeChatGPT, Reply, UploadOptions
from tests.support.scripted_site import ScriptedSite, posts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = ("notes.txt", b"Buy bread.")
IMAGE = ("cat.png", b"\x89PNG not really", "image/png")


@pytest.fixture
def server(app_site: ScriptedSite) -> Iterator[FakeChatGPT]:
    app_site.begin()
    app_site.server._site.storage.files.clear()
    yield app_site.server
    app_site.server.uploads = UploadOptions()
    app_site.server.layout = "usual"


@pytest.fixture
def api(page_client: ChatGPTAPI, server: FakeChatGPT) -> ChatGPTAPI:
    return page_client


def sent_attachments(site: ScriptedSite) -> list[Any]:
    """Return the names and sizes of the attachments of the only message since the test began."""
    (request,) = posts_of(site.requests)
    return [(item["name"], item["size"]) for item in request.json["messages"][0]["metadata"]["attachments"]]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("order", "encoding"), [("processed", "delta"), ("uploaded", "whole"), ("finalized", "delta")]
)
def test_files_each_order_of_requests_arrive_and_are_attached(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT, tmp_path: Path, order: Any, encoding: Any
) -> None:
    server.uploads = UploadOptions(order=order)
    path = tmp_path / "bericht ä.csv"
    path.write_bytes(b"a;b\n1;2\n")
    message = app_site.answering(Reply("I have read them.", encoding=encoding))

    assert api.send_message(message, files=[path, TEXT, IMAGE]) == "I have read them."
    assert {file.name: file.read() for file in server.files} == {
        "bericht ä.csv": b"a;b\n1;2\n",
        "notes.txt": TEXT[1],
        "cat.png": IMAGE[1],
    }
    assert sorted(sent_attachments(app_site)) == [("bericht ä.csv", 8), ("cat.png", 15), ("notes.txt", 10)]


@pytest.mark.parametrize("place", ["photos", "menu", "single"])
def test_files_each_kind_of_input_are_attached(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT, place: Any
) -> None:
    server.uploads = UploadOptions(input=place, shows_chip=False)
    api.send_message("Read these.", files=[TEXT, ("b.txt", b"B")])

    assert sorted(sent_attachments(app_site)) == [("b.txt", 1), ("notes.txt", 10)]


@pytest.mark.parametrize("layout", ["2025", "2026"])
def test_files_layout_of_year_are_attached(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT, layout: Any
) -> None:
    server.layout = layout
    api.send_message("Read this.", files=[TEXT])

    assert sent_attachments(app_site) == [("notes.txt", 10)]


def test_files_message_is_sent_after_processing_has_ended(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT
) -> None:
    server.uploads = UploadOptions(starts_after=0.5, processing_time=1.5)
    api.send_message("Read this.", files=[TEXT])

    (processed,) = [r for r in app_site.requests if r.path.endswith("/process_upload_stream")]
    (message,) = posts_of(app_site.requests)
    assert processed.finished_at is not None
    assert processed.finished_at < message.received_at


def test_files_unread_response_of_storage_is_no_failure(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_tracker, "FAILURE_TIME", 0.0)
    server.uploads = UploadOptions(processing_time=1.0)  # Chromium cancels the unread body within this time.
    api.send_message("Read this.", files=[TEXT])

    assert sent_attachments(app_site) == [("notes.txt", 10)]


def test_files_with_the_same_name_as_path_and_as_data_are_attached_once_each(
    app_site: ScriptedSite, api: ChatGPTAPI, tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"Buy milk, too.")
    api.send_message("Read these.", files=[path, TEXT])

    assert sorted(sent_attachments(app_site)) == [("notes.txt", 10), ("notes.txt", 14)]


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_files_link_to_a_file_is_attached_with_the_name_of_the_link(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT, tmp_path: Path
) -> None:
    (tmp_path / "2026-11-28.csv").write_bytes(b"a;b")
    link = tmp_path / "report.csv"
    link.symlink_to("2026-11-28.csv")
    api.send_message("Read this.", files=[link])

    assert sent_attachments(app_site) == [("report.csv", 3)]
    assert [file.read() for file in server.files] == [b"a;b"]


def test_files_each_attempt_on_a_used_page_attaches_only_its_own(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT
) -> None:
    conversation = api.get_conversation()
    conversation.send_message("One", files=[TEXT])
    conversation.send_message("Two", files=[("b.txt", b"B")])
    conversation.send_message("Three")

    sent = [r.json["messages"][0]["metadata"].get("attachments", []) for r in posts_of(app_site.requests)]
    assert [[item["name"] for item in items] for items in sent] == [["notes.txt"], ["b.txt"], []]


def test_files_large_data_goes_through_temporary_file_that_is_deleted(
    app_site: ScriptedSite,
    api: ChatGPTAPI,
    server: FakeChatGPT,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    seen: list[tuple[int, list[str]]] = []
    write = Path.write_bytes

    def record(path: Path, data: Any) -> int:
        seen.append((path.parents[1].stat().st_mode & 0o777, [*path.parts[-1:]]))
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", record)
    api.send_message("Read this.", files=[("data.bin", bytes(3 << 20)), TEXT])

    assert sorted(sent_attachments(app_site)) == [("data.bin", 3 << 20), ("notes.txt", 10)]
    assert seen == [(0o700, ["data.bin"])]
    assert [*tmp_path.glob("chatgpt_browser_*")] == []


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "too large": (
        {"max_file_size": 5},
        r"HTTP 413: The file is too large\. Files can have at most 5 bytes\.",
    ),
    "an image too large": ({"max_image_size": 5}, r"HTTP 413: The file is too large"),
    "too many today": ({"remaining": 0}, "HTTP 429: You've reached the limit for file uploads"),
    "not processed": ({"unprocessable": ["notes.txt", "cat.png"]}, "The file could not be processed"),
    "too many for the page": ({"max_files": 0}, "You can attach at most 0 files"),
}


@pytest.mark.sample(3)
@pytest.mark.parametrize("reason", REFUSED)
def test_files_refused_by_site_raise_upload_error_and_send_nothing(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT, reason: str
) -> None:
    options, words = REFUSED[reason]
    server.uploads = UploadOptions(**options)
    file = IMAGE if "image" in reason else TEXT
    with pytest.raises(UploadError, match=f"{words}.*Nothing was sent") as caught:
        api.send_message("Read this.", files=[file])

    assert caught.value.file == file[0]
    assert posts_of(app_site.requests) == []


def test_files_refused_by_storage_raise_upload_error(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT
) -> None:
    server.script_path("/raw", Answer(403, "AuthorizationFailure"))
    with pytest.raises(UploadError, match=r"notes\.txt.*Nothing was sent") as caught:
        api.send_message("Read this.", files=[TEXT])

    assert caught.value.file == "notes.txt"
    assert posts_of(app_site.requests) == []


@pytest.mark.sample(2)
@pytest.mark.parametrize("shows_chip", [True, False])
@pytest.mark.parametrize("body", ["", '{"event": "file.processing.started"}\n{"event": "file.pro'])
def test_files_processed_without_completion_raise_upload_error(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT, body: str, shows_chip: bool
) -> None:
    server.uploads = UploadOptions(shows_chip=shows_chip)
    server.script_path("/files/process_upload_stream", Answer(200, body))
    with pytest.raises(UploadError, match=r"notes\.txt.*processed.*Nothing was sent") as caught:
        api.send_message("Read this.", files=[TEXT])

    assert caught.value.file == "notes.txt"
    assert posts_of(app_site.requests) == []


def test_files_processed_without_completion_and_kept_by_page_are_attached(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT
) -> None:
    server.uploads = UploadOptions(requires_completion=False)
    server.script_path("/files/process_upload_stream", Answer(200, ""))
    api.send_message("Read this.", files=[TEXT])

    assert sent_attachments(app_site) == [("notes.txt", 10)]


def test_files_missing_in_message_raise_option_not_applied_error(
    app_site: ScriptedSite, api: ChatGPTAPI, server: FakeChatGPT
) -> None:
    server.uploads = UploadOptions(dropped=["notes.txt"])
    with pytest.raises(OptionNotAppliedError, match=r"without the file 'notes.txt'.*was stopped") as caught:
        api.send_message("Read these.", files=[TEXT, ("b.txt", b"B")])

    error = caught.value
    assert (error.option, error.requested, error.sent) == ("files", "notes.txt", "b.txt")


def test_files_over_limit_or_unreadable_raise_before_any_request(
    app_site: ScriptedSite, api: ChatGPTAPI, tmp_path: Path
) -> None:
    big = tmp_path / "big.bin"
    with big.open("wb") as file:
        file.truncate((512 << 20) + 1)
    image = tmp_path / "big.jpg"
    with image.open("wb") as file:
        file.truncate((20 << 20) + 1)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    cases: list[tuple[list[Any], str, str]] = [
        ([big], "big.bin", "at most 512 MB for a file"),
        ([image], "big.jpg", "at most 20 MB for an image"),
        ([TEXT] * 11, "notes.txt", "at most 10 files"),
        ([tmp_path / "none.txt"], "none.txt", "No such file"),
        ([tmp_path], tmp_path.name, "it is a folder"),
        ([fifo], "fifo", "not a regular file"),
        ([("a/b.txt", b"")], "a/b.txt", "not the name of a file"),
        ([("\udcff.txt", b"")], "\udcff.txt", "not valid Unicode"),
    ]
    for files, name, words in cases:
        with pytest.raises(UploadError, match=f"{words}.*Nothing was sent") as caught:
            api.send_message("Read this.", files=files)
        assert caught.value.file == name
    assert [r for r in app_site.requests if r.method == "POST"] == []
