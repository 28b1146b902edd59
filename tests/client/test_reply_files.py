"""The files of replies: reading, saving, and the hosts to which requests for bytes go."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from chatgpt_browser import (
    APIStatusError,
    AsyncReplyFile,
    ChatGPTAPI,
    ChatGPTTimeoutError,
    ClientClosedError,
    FileFound,
    OriginError,
    ReplyFile,
    StreamInterruptedError,
)
from chatgpt_browser.testing import (
    BREAK,
    Answer,
    DownloadOptions,
    FakeChatGPT,
    RawBody,
    Reply,
    SentFile,
    Stall,
)
from tests.support.scripted_site import ScriptedSite, base_urls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chatgpt_browser import AsyncChatGPTAPI
    from chatgpt_browser.testing import RecordedRequest
    from tests.support.client_fixtures import Connect, Serve

ENCODINGS = ("whole", "delta")
TABLE = b"a,b\r\n\x00\xff" * 50_000
RAW = "/raw"


@contextmanager
def handing_out(site: ScriptedSite, **options: Any) -> Iterator[None]:
    """Select how the site hands out files, until the end of the block."""
    site.server.downloads = DownloadOptions(**options)
    try:
        yield
    finally:
        site.server.downloads = DownloadOptions()


def received(api: ChatGPTAPI, site: ScriptedSite, *files: SentFile, **options: Any) -> tuple[ReplyFile, ...]:
    """Return the files of a reply."""
    return api.ask(site.answering(Reply("Here.", files=files, **options))).files


def bytes_requests(site: ScriptedSite) -> list[RecordedRequest]:
    """Return the requests for the bytes of files."""
    return [each for each in site.requests if each.path.endswith((RAW, "/estuary/content"))]


# ---- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_ask_reply_with_each_kind_of_file_has_the_files(
    api: ChatGPTAPI, scripted_site: ScriptedSite, encoding: Any
) -> None:
    sent = (
        SentFile.image("A cat"),
        SentFile.plot(b"plot"),
        SentFile.canvas("Plan", "hello world", updates=(("world", "you"),)),
        SentFile.interpreter("table.csv", TABLE),
    )
    image, plot, document, table = received(api, scripted_site, *sent, encoding=encoding)
    assert [image.kind, plot.kind, document.kind, table.kind] == ["image", "image", "document", "file"]
    assert [image.name, document.name, table.name] == ["A cat.png", "Plan.md", "table.csv"]
    assert [image.media_type, document.media_type, table.media_type] == [
        "image/png",
        "text/markdown",
        "text/csv",
    ]
    assert [image.size, plot.size, document.size, table.size] == [sent[0].size, None, len("hello you"), None]
    assert [image.read(), plot.read(), document.read()] == [sent[0].content, b"plot", b"hello you"]
    assert table.read() == TABLE


@pytest.mark.parametrize("cors", [True, False], ids=["cors", "no cors"])
@pytest.mark.parametrize("target", ["storage", "site", "redirect"])
def test_read_token_and_cookies_go_to_the_site_only(
    api: ChatGPTAPI, scripted_site: ScriptedSite, target: Any, cors: bool
) -> None:
    (table,) = received(api, scripted_site, SentFile.interpreter("table.csv", TABLE))
    with handing_out(scripted_site, target=target, cors=cors):
        assert table.read() == TABLE
    requests = bytes_requests(scripted_site)
    assert [each.path.endswith(RAW) for each in requests] == {
        "storage": [True],
        "site": [False],
        "redirect": [False, True],
    }[target]
    for each in requests:
        is_storage = each.path.endswith(RAW)
        assert (each.bearer is None, each.cookies == {}) == (is_storage, is_storage)
        assert "referer" not in each.headers


@pytest.mark.parametrize("endpoint", ["download", "file", "attachment"])
def test_read_link_from_each_endpoint(api: ChatGPTAPI, scripted_site: ScriptedSite, endpoint: Any) -> None:
    (image,) = received(api, scripted_site, SentFile.image())
    with handing_out(scripted_site, endpoints=(endpoint,)):
        assert image.read().startswith(b"\x89PNG")


def test_read_twice_resolves_the_link_twice(api: ChatGPTAPI, scripted_site: ScriptedSite) -> None:
    (image,) = received(api, scripted_site, SentFile.image())
    image.read()
    image.read()
    urls = [each.target for each in bytes_requests(scripted_site)]
    assert len(set(urls)) == 2


@pytest.mark.parametrize("target", ["storage", "site"])
def test_read_expired_link_is_resolved_once_more(
    api: ChatGPTAPI, scripted_site: ScriptedSite, target: Any
) -> None:
    (image,) = received(api, scripted_site, SentFile.image())
    with handing_out(scripted_site, expired_links=1, target=target):
        assert image.read().startswith(b"\x89PNG")
    with handing_out(scripted_site, expired_links=5, target=target), pytest.raises(APIStatusError) as caught:
        image.read()
    assert caught.value.status_code == 403
    assert "A pixel.png" in str(caught.value)
    assert len(bytes_requests(scripted_site)) == 4


@pytest.mark.parametrize(
    "url", ["https://evil.example/a?sig=secret", "//evil.example/a", "ftp://x", "https://[a", "data:,a"]
)
def test_read_link_to_another_host_is_an_origin_error(
    api: ChatGPTAPI, scripted_site: ScriptedSite, url: str
) -> None:
    (image,) = received(api, scripted_site, SentFile.image())
    with handing_out(scripted_site, url=url), pytest.raises(OriginError) as caught:
        image.read()
    assert "secret" not in str(caught.value)
    assert bytes_requests(scripted_site) == []


@pytest.mark.parametrize("target", ["storage", "site"])
def test_read_redirect_to_another_host_is_an_origin_error(
    api: ChatGPTAPI, scripted_site: ScriptedSite, target: Any
) -> None:
    (image,) = received(api, scripted_site, SentFile.image())
    suffix = RAW if target == "storage" else "/estuary/content"
    scripted_site.server.script_path(suffix, Answer(302, "", [("location", "https://evil.example/a")]))
    with (
        handing_out(scripted_site, target=target),
        pytest.raises(OriginError, match=r"https://evil\.example,"),
    ):
        image.read()


def test_read_endless_redirect_is_an_error(api: ChatGPTAPI, scripted_site: ScriptedSite) -> None:
    (image,) = received(api, scripted_site, SentFile.image())
    answers = [Answer(302, "", [("location", f"/files/{number}/raw")]) for number in range(9)]
    scripted_site.server.script_path(RAW, *answers)
    with pytest.raises(APIStatusError, match="too many redirects"):
        image.read()
    scripted_site.server._site.script._by_path.clear()


@pytest.mark.parametrize("status", [404, 410])
def test_read_deleted_file_is_a_status_error(
    api: ChatGPTAPI, scripted_site: ScriptedSite, status: int
) -> None:
    (image,) = received(api, scripted_site, SentFile.image())
    scripted_site.server.script_path(RAW, Answer(status, "gone"), Answer(status, "gone"))
    with pytest.raises(APIStatusError) as caught:
        image.read()
    assert type(caught.value) is APIStatusError
    assert caught.value.status_code == status


def test_read_file_that_the_site_does_not_find_has_the_code(
    api: ChatGPTAPI, scripted_site: ScriptedSite
) -> None:
    (table,) = received(api, scripted_site, SentFile.interpreter("table.csv"))
    scripted_site.server._site.storage.downloads.interpreter_files.clear()
    with pytest.raises(APIStatusError) as caught:
        table.read()
    assert caught.value.code == "file_not_found"


@pytest.mark.parametrize("size", [1, 10**9], ids=["shorter", "longer"])
def test_save_other_size_than_stated_leaves_no_file(
    api: ChatGPTAPI, scripted_site: ScriptedSite, tmp_path: Path, size: int
) -> None:
    (table,) = received(api, scripted_site, SentFile.interpreter("table.csv", TABLE))
    with handing_out(scripted_site, stated_size=size), pytest.raises(StreamInterruptedError, match="stated"):
        table.save(tmp_path)
    assert os.listdir(tmp_path) == []


def test_save_connection_that_breaks_leaves_no_file(
    api: ChatGPTAPI, scripted_site: ScriptedSite, tmp_path: Path
) -> None:
    (table,) = received(api, scripted_site, SentFile.interpreter("table.csv", TABLE))
    scripted_site.server.script_path(RAW, RawBody([TABLE[:100_000], BREAK]))
    with pytest.raises(StreamInterruptedError, match="broke after"):
        table.save(tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("before_head", [True, False])
def test_save_silent_storage_exceeds_a_timeout(
    serve: Serve, connect: Connect, tmp_path: Path, before_head: bool
) -> None:
    server = serve(reply=Reply("Here.", files=[SentFile.image()]))
    limit = "first_byte_timeout" if before_head else "idle_timeout"
    api = connect(server)
    (image,) = api.ask("hello").files
    options = api._core._sender.files._options
    object.__setattr__(options, limit, 0.5)
    server.script_path(RAW, *[Stall(before_head=before_head)] * 4)
    with pytest.raises(ChatGPTTimeoutError) as caught:
        image.save(tmp_path)
    assert caught.value.limit == limit
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("has_textdocs", [True, False])
def test_read_document_has_the_newest_text(
    api: ChatGPTAPI, scripted_site: ScriptedSite, has_textdocs: bool
) -> None:
    (document,) = received(api, scripted_site, SentFile.canvas("Plan", "old"))
    scripted_site.server._site.storage.downloads.textdocs[str(document._ref.conversation_id)][0][
        "content"
    ] = "new"
    with handing_out(scripted_site, has_textdocs=has_textdocs):
        assert document.read() == (b"new" if has_textdocs else b"old")


# ---- saving ----------------------------------------------------------------------------------------------------------


def test_save_to_a_folder_uses_the_name(api: ChatGPTAPI, scripted_site: ScriptedSite, tmp_path: Path) -> None:
    (table,) = received(api, scripted_site, SentFile.interpreter("../../a b.csv", TABLE))
    assert table.save(tmp_path) == tmp_path / "a b.csv"
    assert table.save(f"{tmp_path}/new/") == tmp_path / "new" / "a b.csv"
    assert (tmp_path / "new" / "a b.csv").read_bytes() == TABLE


def test_save_existing_file_is_kept_unless_overwrite(
    api: ChatGPTAPI, scripted_site: ScriptedSite, tmp_path: Path
) -> None:
    (table,) = received(api, scripted_site, SentFile.interpreter("a.csv", TABLE))
    path = tmp_path / "a.csv"
    path.write_bytes(b"mine")
    for target in (path, tmp_path):
        with pytest.raises(FileExistsError):
            table.save(target)
        assert path.read_bytes() == b"mine"
    assert table.save(path, overwrite=True).read_bytes() == TABLE


def test_save_image_of_another_type_gets_its_suffix(
    api: ChatGPTAPI, scripted_site: ScriptedSite, tmp_path: Path
) -> None:
    (image,) = received(api, scripted_site, SentFile.image("A cat", media_type="image/webp"))
    assert image.save(tmp_path).name == "A cat.webp"
    assert image.save(tmp_path / "own.png").name == "own.png"


@pytest.mark.parametrize("target", [7, b"/tmp/x"])
def test_save_wrong_type_is_a_type_error(api: ChatGPTAPI, scripted_site: ScriptedSite, target: Any) -> None:
    (table,) = received(api, scripted_site, SentFile.interpreter("a.csv", TABLE))
    with pytest.raises(TypeError):
        table.save(target)


# ---- clients ---------------------------------------------------------------------------------------------------------


def test_read_after_close_is_a_client_closed_error(serve: Serve) -> None:
    server = serve(reply=Reply("Here.", files=[SentFile.image()]))
    with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
        (image,) = api.ask("hello").files
    for call in (image.read, lambda: image.save("/tmp")):
        with pytest.raises(ClientClosedError):
            call()


def test_close_during_a_download_ends_it(serve: Serve, tmp_path: Path) -> None:
    server: FakeChatGPT = serve(reply=Reply("Here.", files=[SentFile.image()]))
    with ChatGPTAPI(server.session_token, **base_urls(server)) as api:
        (image,) = api.ask("hello").files
        server.script_path(RAW, Stall())
        failures: list[BaseException] = []

        def save() -> None:
            try:
                image.save(tmp_path)
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=save)
        thread.start()
        server.wait_for_request(RAW, timeout=20)
    thread.join(20)
    assert [type(failure) for failure in failures] == [ClientClosedError]
    assert os.listdir(tmp_path) == []


@pytest.mark.anyio
async def test_async_client_has_async_files(
    async_api: AsyncChatGPTAPI, async_scripted_site: ScriptedSite, tmp_path: Path
) -> None:
    message = async_scripted_site.answering(Reply("Here.", files=[SentFile.interpreter("a.csv", TABLE)]))
    reply = await async_api.ask(message)
    (file,) = reply.files
    assert isinstance(file, AsyncReplyFile)
    assert await file.read() == TABLE
    assert (await file.save(tmp_path)).read_bytes() == TABLE
    history = await async_api.get_history(reply.conversation_id)
    assert history.messages[-1].files == reply.files


def test_get_history_files_of_the_user_are_not_reply_files(
    api: ChatGPTAPI, scripted_site: ScriptedSite
) -> None:
    conversation = scripted_site.server.add_conversation([("user", "look"), ("assistant", "nice")])
    part = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_1"}
    question = conversation.chain()[0]
    question.fields = {"content": {"content_type": "multimodal_text", "parts": [part, "look"]}}
    assert [message.files for message in api.get_history(conversation.id).messages] == [(), ()]


# ---- images that are made later --------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_answer", [True, False], ids=["with text", "only the image"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_ask_waits_for_an_image_that_is_made_later(
    api: ChatGPTAPI, scripted_site: ScriptedSite, encoding: Any, has_answer: bool
) -> None:
    step = Reply("Here.", files=[SentFile.image(later=1)], encoding=encoding, has_answer=has_answer)
    reply = api.ask(scripted_site.answering(step))
    assert reply.text == ("Here." if has_answer else "")
    assert [file.read()[:4] for file in reply.files] == [b"\x89PNG"]


def test_events_wait_for_an_image_that_is_made_later(api: ChatGPTAPI, scripted_site: ScriptedSite) -> None:
    with api.stream_message(
        scripted_site.answering(Reply("Here.", files=[SentFile.image(later=1)]))
    ) as stream:
        found = [event for event in stream.events() if isinstance(event, FileFound)]
    assert [event.file.kind for event in found] == ["image"]


def test_ask_image_that_is_not_made_in_time_exceeds_the_timeout(
    api: ChatGPTAPI, scripted_site: ScriptedSite
) -> None:
    message = scripted_site.answering(Reply("Here.", files=[SentFile.image(later=10**6)]))
    with pytest.raises(ChatGPTTimeoutError) as caught:
        api.ask(message, timeout_ms=3_000)
    assert (caught.value.limit, caught.value.partial_text) == ("timeout_ms", "Here.")


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("is_child", [True, False])
def test_message_after_a_later_image_has_the_newest_message_as_parent(
    api: ChatGPTAPI, scripted_site: ScriptedSite, is_child: bool, waits: bool
) -> None:
    image = SentFile.image(later=1, is_child=is_child)
    message = scripted_site.answering(Reply("Here.", files=[image]))
    if waits:
        reply = api.ask(message)
    else:
        with api.stream_message(message) as stream:
            assert "".join(stream) == "Here."
        assert stream.reply is not None
        reply = stream.reply
    api.send_message("And now?", conversation_id=reply.conversation_id, parent_message_id=reply.message_id)

    server_side = scripted_site.server.conversations[reply.conversation_id or ""]
    *_, newest, question, _ = server_side.chain()
    assert question.parent == scripted_site.posts[-1].json["parent_message_id"] == newest.id
    assert (newest.id != reply.message_id) is is_child
    stored = api.get_history(server_side.id).get_reply(reply.message_id)
    assert stored is not None
    assert [file.kind for file in stored.files] == ["image"]
    if waits:
        assert stored.files == reply.files


def test_send_message_does_not_wait_for_images(api: ChatGPTAPI, scripted_site: ScriptedSite) -> None:
    message = scripted_site.answering(Reply("Here.", files=[SentFile.image(later=10**6)]))
    assert api.send_message(message) == "Here."
    assert [
        each for each in scripted_site.requests if each.method == "GET" and "/conversation/" in each.path
    ] == []


# ---- the site's own page ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_ask_by_the_page_has_the_same_files(serve: Serve, connect: Connect, encoding: Any) -> None:
    files = [
        SentFile.image("A cat", later=1),
        SentFile.canvas("Plan", "x"),
        SentFile.interpreter("a.csv", TABLE),
    ]
    server = serve(form="app", encoding=encoding, reply=Reply("Here.", files=files))
    reply = connect(server, send_via="page").ask("hello")
    assert [file.name for file in reply.files] == ["A cat.png", "Plan.md", "a.csv"]
    assert [file.read() for file in reply.files] == [files[0].content, b"x", TABLE]
