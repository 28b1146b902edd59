"""The paths that resolve files, their responses, and the hosts to which a link may lead."""

from __future__ import annotations

from typing import Any

import pytest

from chatgpt_browser import APIStatusError, OriginError
from chatgpt_browser._core.urls import Site
from chatgpt_browser._protocol.file_refs import FileRef
from chatgpt_browser._protocol.file_requests import (
    absolute_url,
    checked_origin,
    download_request,
    link_paths,
    read_link,
    read_textdoc,
)

SITE = Site("https://chatgpt.com/api", "https://chatgpt.com/backend-api")
LOCAL = Site("http://127.0.0.1:8000/api", "http://127.0.0.1:8000/backend-api")


@pytest.mark.parametrize(
    "url",
    [
        "https://files.oaiusercontent.com/a?sig=1%2F",
        "https://sdmntprwestus.oaiusercontent.com/files/1/raw",
        "HTTPS://X.Blob.Core.Windows.Net:443/a",
        "https://chatgpt.com/backend-api/estuary/content?id=1&name=ü",
    ],
)
def test_checked_origin_site_and_storage_are_accepted(url: str) -> None:
    assert checked_origin(url, SITE).startswith("https://")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/a",
        "https://oaiusercontent.com/a",
        "https://evil-oaiusercontent.com/a",
        "https://files.oaiusercontent.com.evil.example/a",
        "https://files.oaiusercontent.com./a",
        "https://files.oaiusercontent.com:8443/a",
        "http://files.oaiusercontent.com/a",
        "http://chatgpt.com/a",
        "https://chatgpt.com:8443/a",
        "https://chatgpt.com.evil.example/a",
        "https://user@files.oaiusercontent.com/a",
        "https://evil.example\\.oaiusercontent.com/a",
        "https://evil.example\\@files.oaiusercontent.com/a",
        "https://evil.example#.oaiusercontent.com/a",
        "https://evil.example?.oaiusercontent.com/a",
        "https://evil.example\t.oaiusercontent.com/a",
        "https://evil.example\n.oaiusercontent.com/a",
        "https://evil。oaiusercontent.com/a",
        "https://[::1/a",
        "https://127.0.0.1/a",
        "http://localhost:8000/a",
        "file:///etc/passwd",
        "data:text/plain,a",
        "blob:https://chatgpt.com/1",
        "javascript:alert(1)",
        "",
    ],
)
def test_checked_origin_other_urls_are_refused(url: str) -> None:
    with pytest.raises(OriginError) as caught:
        checked_origin(url, SITE)
    assert "sig=" not in str(caught.value)


def test_checked_origin_loopback_site_accepts_loopback() -> None:
    assert checked_origin("http://localhost:9/a", LOCAL) == "http://localhost:9"
    with pytest.raises(OriginError, match=r"https://evil\.example"):
        checked_origin("https://evil.example/a", LOCAL)


def test_absolute_url_relative_links_stay_on_their_host() -> None:
    base = "https://chatgpt.com/"
    assert (
        absolute_url("/backend-api/estuary/content?id=1", base) == f"{base}backend-api/estuary/content?id=1"
    )
    with pytest.raises(OriginError):
        checked_origin(absolute_url("//evil.example/a", base), SITE)


def test_download_request_without_token_has_no_credentials() -> None:
    request = download_request("https://files.oaiusercontent.com/a", None)
    assert (request.headers, request.credentials) == ({}, "omit")


def test_link_paths_of_each_kind() -> None:
    image = FileRef("image", "file_1", "a.png", conversation_id="c/1", message_id="m1")
    assert link_paths(image) == [
        "files/download/file_1?conversation_id=c%2F1&inline=false",
        "files/file_1/download",
        "conversation/c%2F1/attachment/file_1/download",
    ]
    made = FileRef("file", "/mnt/data/a b.csv", "a b.csv", conversation_id="c1", message_id="m1")
    assert link_paths(made) == [
        "conversation/c1/interpreter/download?message_id=m1&sandbox_path=%2Fmnt%2Fdata%2Fa+b.csv"
    ]
    assert link_paths(FileRef("file", "/a", "a")) == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"status": "error", "error_code": "file_not_found"}, "file_not_found"),
        ({"status": "error", "download_url": "https://x"}, None),
        ({"download_url": 7}, None),
        ([], None),
        (None, None),
    ],
)
def test_read_link_without_a_link_is_an_error(data: Any, code: str | None) -> None:
    with pytest.raises(APIStatusError) as caught:
        read_link(data)
    assert caught.value.code == code


@pytest.mark.parametrize("size", [None, 0, -1, True, "7"])
def test_read_link_unusable_size_is_none(size: object) -> None:
    assert read_link({"download_url": "/x", "file_size_bytes": size}).size is None


@pytest.mark.parametrize(
    "data",
    [
        [{"id": "d1", "content": "text"}],
        {"textdocs": [{"textdoc_id": "d1", "content": "text"}]},
        {"items": [7, {"id": "d1", "content": "text"}]},
    ],
)
def test_read_textdoc_finds_the_document(data: Any) -> None:
    assert read_textdoc(data, "d1") == "text"
    assert read_textdoc(data, "d2") is None
