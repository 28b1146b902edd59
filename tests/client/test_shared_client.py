"""The service and the client of one open browser for several processes, without a browser."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import os
import socket
import sys
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import anyio
import anyio.to_thread
import pytest

from chatgpt_browser import (
    BrowserCrashedError,
    BrowserError,
    ChatGPTAPI,
    ChatGPTConversation,
    Citation,
    CitationFound,
    ConversationNotFoundError,
    ConversationSummary,
    Done,
    FileFound,
    History,
    HistoryMessage,
    Model,
    RateLimitError,
    Reply,
    ReplyStream,
    TextDelta,
    Thought,
    ThoughtDelta,
    ToolCall,
    ToolUpdate,
)
from chatgpt_browser._core.log import logger
from chatgpt_browser._core.options import DEFAULT_MODEL
from chatgpt_browser._protocol.file_refs import FileRef
from chatgpt_browser._shared_client import address
from chatgpt_browser._shared_client.address import connect, listening_socket, socket_path
from chatgpt_browser._shared_client.client import SharedClient, SharedConversation, SharedStream
from chatgpt_browser._shared_client.codec import decode, decode_failure, encode, encode_failure
from chatgpt_browser._shared_client.connection import Connection, RefusedError
from chatgpt_browser._shared_client.service import ClientService
from chatgpt_browser.cli.lifetime import Lifetime

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no background browser"),
]
NOW = datetime(2026, 11, 28, tzinfo=timezone.utc)
FILE = FileRef("image", "f-1", "a.png", "image/png", 70, "c-1", "m-1")
CITATION = Citation("Title", "https://a.example", "Source", 0, 3)
REPLY = Reply(
    text="one",
    conversation_id="c-1",
    citations=(CITATION,),
    files=(FILE,),
    thoughts=(Thought("why", "because", 1.5),),
    tool_calls=(ToolCall("search", "in", "out", "done"),),
    created_at=NOW,
    raw={"__class__": "Reply", "list": [1, [2]]},
)
VALUES = [
    *(None, "text", 1, [ConversationSummary("c-1", "Title", NOW, None)]),
    [Model("slug", efforts=("low", "high"), raw={"a": [1]})],
    History(
        "c-1",
        "Title",
        NOW,
        None,
        "m-1",
        (HistoryMessage("m-1", "user", "hi", NOW, files=(FILE,)),),
        {"x": {}},
    ),
    *(ThoughtDelta("why", 2.0), ToolUpdate(ToolCall("search")), CitationFound(CITATION)),
    *(FileFound(FILE), Done(REPLY)),
]


class FakeClient:
    """The attributes of a client that the service uses for calls other than messages."""

    class Options:
        send_via = "auto"

    def __init__(self) -> None:
        self._options = self.Options()
        self.entered = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def list_models(self) -> list[Model]:
        return [Model("a-model")]

    async def get_history(self, conversation_id: str) -> History:
        raise ConversationNotFoundError(f"no {conversation_id}", status_code=404)

    async def generate_title(self, conversation_id: str, message_id: str | None) -> str:
        """Wait until the call is cancelled."""
        self.entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cancelled.set()
        raise AssertionError

    async def iter_conversations(self, page_size: int) -> AsyncIterator[ConversationSummary]:
        for number in range(page_size):
            yield ConversationSummary(f"c-{number}")


@pytest.fixture(autouse=True)
def short_data_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATGPT_DATA_DIR", str(tmp_path_factory.mktemp("shared")))


@asynccontextmanager
async def serving(idle_timeout: float | None = None) -> AsyncIterator[tuple[Lifetime, FakeClient]]:
    api, lifetime = FakeClient(), Lifetime(idle_timeout)
    async with ClientService(
        cast("Any", api),
        "key",
        activity=lifetime.activity,
        stop=lifetime.end,
        status=lambda: {"program": "background"},
    ):
        yield lifetime, api


async def in_thread(function: Callable[[], Any]) -> Any:
    """Call a function that blocks."""
    with anyio.fail_after(60):
        return await anyio.to_thread.run_sync(function, abandon_on_cancel=True)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_codec_returns_an_equal_value(value: Any) -> None:
    assert decode(encode(value), lambda ref: ref) == value


def test_codec_text_delta_is_rebuilt_from_the_previous_snapshot() -> None:
    grown = encode(TextDelta(" two", "one two"))
    assert "one" not in str(grown)
    assert decode(grown, lambda ref: ref, "one") == TextDelta(" two", "one two")
    assert decode(encode(TextDelta("ce", "once")), lambda ref: ref, "one two") == TextDelta("ce", "once")


@pytest.mark.parametrize(
    "error",
    [
        FileExistsError(17, "File exists", "/a"),
        OSError("only a text"),
        RateLimitError("wait", status_code=429, retry_after=7),
        ValueError("model"),
        ConversationNotFoundError("no", status_code=404),
    ],
)
def test_codec_errors_keep_their_class_and_message(error: Exception) -> None:
    found = decode_failure(encode_failure(error))

    assert (type(found), str(found)) == (type(error), str(error))
    assert getattr(found, "retry_after", None) == getattr(error, "retry_after", None)


async def test_service_runs_calls_and_returns_results_items_and_errors() -> None:
    def use() -> Any:
        with SharedClient("key", send_via="auto") as api:
            models, ids = api.list_models(), [found.id for found in api.iter_conversations(3)]
            with pytest.raises(ConversationNotFoundError, match="no c-9") as missing:
                api.get_history("c-9")
            return models, ids, missing.value.status_code

    async with serving():
        assert socket_path().stat().st_mode & 0o777 == 0o600
        assert await in_thread(use) == ([Model("a-model")], ["c-0", "c-1", "c-2"], 404)


@pytest.mark.parametrize(("key", "send_via"), [("another", "auto"), ("key", "page")])
async def test_service_refuses_another_key_and_another_way_to_send(key: str, send_via: str) -> None:
    def use() -> None:
        with pytest.raises(RefusedError):
            SharedClient(key, send_via=send_via)

    async with serving():
        await in_thread(use)


@pytest.mark.parametrize("checked", ["the file", "the process"])
async def test_connect_to_a_service_of_another_user_is_refused(
    monkeypatch: pytest.MonkeyPatch, checked: str
) -> None:
    def use() -> None:
        with pytest.raises(PermissionError, match="another user"):
            connect(socket_path())

    async with serving():
        with monkeypatch.context() as patched:
            if checked == "the file":
                patched.setattr(os, "getuid", lambda: -1)
            else:
                patched.setattr(address, "is_same_user", lambda _: False)
            await in_thread(use)
        # After this call, the service has also accepted and closed the refused connection.
        await in_thread(lambda: SharedClient("key").close())


@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="only Linux reports the user of a process")
def test_is_same_user_for_another_user_is_false(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert address.is_same_user(ours)
        monkeypatch.setattr(os, "getuid", lambda: -1)
        assert not address.is_same_user(ours)


async def test_service_cancels_a_call_whose_client_leaves() -> None:
    async with serving() as (_, api):
        call = {
            "name": "generate_title",
            "key": "key",
            "arguments": {"conversation_id": "c", "message_id": None},
        }
        connection = await in_thread(lambda: Connection(socket_path(), call))
        with anyio.fail_after(60):
            await api.entered.wait()
            connection.close()
            await api.cancelled.wait()


async def test_shared_client_whose_service_ends_raises_browser_crashed_error() -> None:
    def use() -> None:
        with SharedClient("key") as api, pytest.raises(BrowserCrashedError, match="may have been sent"):
            api.generate_title("c")

    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks, serving() as (_, api):
            tasks.start_soon(in_thread, use)
            await api.entered.wait()


async def test_service_open_client_is_an_activity_and_status_is_none() -> None:
    def status() -> None:
        with Connection(socket_path(), {"name": "status"}) as connection:
            assert connection.result()["program"] == "background"

    async with serving(idle_timeout=0.01) as (lifetime, _):
        shared = await in_thread(lambda: SharedClient("key"))
        assert lifetime.is_active
        waiting = asyncio.create_task(lifetime.wait())
        await in_thread(status)
        assert not waiting.done()
        shared.close()
        with anyio.fail_after(60):
            await waiting

    async with serving(idle_timeout=600) as (lifetime, _):
        lifetime._start_timer()
        before = lifetime._timer
        await in_thread(status)
        assert lifetime._timer is before  # The idle time has not begun again.
        lifetime._stop_timer()


@pytest.mark.parametrize("response", [b"", b"{", b"hello\n", b"\xff\n", b"[]\n"])
def test_connection_to_another_program_raises_eof_error(response: bytes, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with listening_socket(path) as listener:
        connection = Connection(path, {"name": "status"})
        other, _ = listener.accept()
        with connection, other:
            other.sendall(response)
            other.shutdown(socket.SHUT_WR)
            with pytest.raises(EOFError):
                connection.result()


async def test_service_stop_ends_the_lifetime() -> None:
    async with serving() as (lifetime, _):
        connection = await in_thread(lambda: Connection(socket_path(), {"name": "stop"}))
        with anyio.fail_after(60):
            await lifetime.wait()
        connection.close()


async def test_shared_client_after_another_service_replaced_its_own_sends_nothing() -> None:
    def use() -> None:
        with SharedClient("key") as api:
            api._common["key"] = "another"
            with pytest.raises(BrowserCrashedError, match="Nothing was sent"):
                api.list_models()

    async with serving():
        await in_thread(use)


async def test_shared_client_without_model_sends_the_default_model() -> None:
    async with serving():
        with await in_thread(lambda: SharedClient("key")) as api:
            assert api.stream_message("hi")._arguments["model"] == DEFAULT_MODEL


async def test_service_invalid_lines_end_only_their_connection() -> None:
    def send(line: bytes) -> bytes:
        with connect(socket_path()) as sock:
            sock.sendall(line)
            sock.shutdown(socket.SHUT_WR)
            return sock.recv(100)

    async with serving() as (lifetime, _):
        for line in (b"", b"{", b"[]\n", b"not json\n", b"\xff\n"):
            assert await in_thread(partial(send, line)) == b""
        await in_thread(lambda: SharedClient("key").close())
        assert not lifetime._end.is_set()


async def test_log_records_of_a_call_reach_only_its_caller() -> None:
    late: list[asyncio.Task[None]] = []
    ended = asyncio.Event()

    async def log_after_the_call() -> None:
        await ended.wait()
        logger.warning("late")

    async def list_models() -> list[Model]:
        late.append(asyncio.create_task(log_after_the_call()))
        logger.info("at once", extra={"chatgpt_event": "waiting"})
        await asyncio.to_thread(logger.warning, "in a thread")
        return []

    def call() -> list[Any]:
        with Connection(socket_path(), {"name": "list_models", "key": "key"}) as connection:
            lines = [json.loads(line) for line in connection._file]
        return [line["log"] for line in lines if "log" in line]

    async with serving() as (_, api):
        api.list_models = list_models  # type: ignore[method-assign]
        records = await in_thread(call)
        logger.warning("without a call")
        ended.set()
        await late[0]

    assert records == [[logging.INFO, "at once", "waiting"], [logging.WARNING, "in a thread", None]]


async def test_second_service_is_refused_and_a_stale_socket_is_replaced() -> None:
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(socket_path()))
    with pytest.raises(OSError):
        SharedClient("key")

    async with serving():
        with pytest.raises(BrowserError, match="already running"):
            async with serving():
                pass
        await in_thread(lambda: SharedClient("key").close())
    assert [*socket_path().parent.iterdir()] == []


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux reaches sockets through a descriptor of their folder"
)
def test_listening_socket_in_a_folder_with_a_long_path(tmp_path: Path) -> None:
    path = tmp_path / ("long" * 40) / "background.sock"

    with listening_socket(path) as sock, connect(path) as client:
        accepted, _ = sock.accept()
        with accepted:
            client.sendall(b"x")
            assert accepted.recv(1) == b"x"
    assert [*path.parent.iterdir()] == []


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(SharedClient, ChatGPTAPI), (SharedStream, ReplyStream), (SharedConversation, ChatGPTConversation)],
)
def test_shared_classes_have_the_signatures_of_the_client(ours: type, theirs: type) -> None:
    names = [name for name, value in vars(ours).items() if inspect.isfunction(value) and name[0] != "_"]

    assert names
    for name in names:
        given, expected = (inspect.signature(getattr(kind, name)).parameters for kind in (ours, theirs))
        if [*given][-1] == "options" and ours is SharedConversation:
            continue  # All options are passed to the client's method.
        assert [(each.name, each.kind, each.default) for each in given.values()] == [
            (each.name, each.kind, each.default) for each in expected.values()
        ]
