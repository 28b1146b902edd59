"""`chatgpt-browser mcp`, driven by the official client of the Model Context Protocol."""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.types import EmbeddedResource, ImageContent, TextContent

from chatgpt_browser._mcp_server.files import absolute_path, content_block, media_type_of
from chatgpt_browser._mcp_server.standard_input import ended_by_signals
from chatgpt_browser.testing import Answer, Citation, FakeChatGPT, Gate, Reply, SentFile, Stall
from tests.support.scripted_site import posts_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from mcp.types import CallToolResult

    from tests.support.cli_fixtures import Invoke, StartCommand

pytestmark = pytest.mark.anyio


@dataclass
class McpSite:
    """A fake server, and a session with one process of `chatgpt-browser mcp` that uses it."""

    server: FakeChatGPT
    session: ClientSession

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool."""
        with anyio.fail_after(120):
            return await self.session.call_tool(tool, arguments)


@pytest.fixture(scope="module")
async def mcp_site(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[McpSite]:
    with FakeChatGPT(form="app") as server:
        variables = {
            "CHATGPT_SESSION_TOKEN": server.session_token,
            "CHATGPT_API_BASE_URL": server.api_base_url,
            "CHATGPT_BACKEND_API_BASE_URL": server.backend_api_base_url,
            "CHATGPT_DATA_DIR": str(tmp_path_factory.mktemp("mcp")),
        }
        command = StdioServerParameters(
            command=sys.executable, args=["-m", "chatgpt_browser", "mcp"], env={**os.environ, **variables}
        )
        async with stdio_client(command) as streams, ClientSession(*streams) as session:
            await session.initialize()
            yield McpSite(server, session)


def text_of(result: CallToolResult) -> str:
    """Return the text that a model reads."""
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


async def in_thread(event: Any) -> bool:
    """Wait for an event of the fake server."""
    return await anyio.to_thread.run_sync(event.wait, 120)


async def test_mcp_list_tools_has_names_and_described_arguments(mcp_site: McpSite) -> None:
    tools = {tool.name: tool for tool in (await mcp_site.session.list_tools()).tools}

    assert [*tools] == ["ask", "wait", "jobs", "list_conversations", "get_conversation", "get_file"]
    for tool in tools.values():
        assert tool.description
        assert all(argument["description"] for argument in tool.input_schema["properties"].values())
    assert tools["ask"].input_schema["required"] == ["message"]


async def test_mcp_ask_reports_progress_and_returns_text_and_ids(mcp_site: McpSite) -> None:
    gate, reported, arrived = Gate(), list[float](), anyio.Event()
    mcp_site.server.script(
        Reply("one two", hold_after=1, gate=gate, citations=[Citation("A source", "https://a.example")])
    )

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        reported.append(progress)
        if message is not None and "characters" in message:
            arrived.set()

    results = list[Any]()

    async def ask() -> None:
        call = mcp_site.session.call_tool("ask", {"message": "hi"}, progress_callback=on_progress)
        results.append(await call)

    with anyio.fail_after(120):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await arrived.wait()
            gate.open()

    (result,) = results
    fields = result.structured_content
    assert not result.is_error
    assert result.content[0].text == fields["text"] == "one two"
    assert fields["conversation_id"] in text_of(result)
    assert fields["sources"] == [{"title": "A source", "url": "https://a.example"}]
    assert reported == sorted(set(reported))
    again = await mcp_site.call("ask", message="and now?", conversation=fields["conversation_id"])
    assert again.structured_content["conversation_id"] == fields["conversation_id"]


@pytest.mark.parametrize("has_head", [True, False])
async def test_mcp_ask_cancelled_request_stops_the_answer(mcp_site: McpSite, has_head: bool) -> None:
    gate = Gate()
    reply = Reply("one two", hold_after=1, gate=gate) if has_head else Stall(before_head=True, gate=gate)
    mcp_site.server.script(reply)
    with anyio.fail_after(120):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(mcp_site.session.call_tool, "ask", {"message": "cancelled"})
            await in_thread(gate.reached)
            tasks.cancel_scope.cancel()

        assert await in_thread(posts_of(mcp_site.server.requests)[-1].disconnected)
    gate.open()
    assert not (await mcp_site.call("ask", message="next")).is_error


async def test_mcp_ask_without_wait_returns_a_job_for_the_tool_wait(mcp_site: McpSite) -> None:
    gate = Gate()
    mcp_site.server.script(Reply("the answer", hold_after=1, gate=gate))

    job = (await mcp_site.call("ask", message="a job", wait=False)).structured_content
    assert (job["state"], job["text"]) == ("running", "")
    early = await mcp_site.call("wait", job_id=job["job_id"], timeout=0.01)
    assert (early.is_error, early.structured_content["state"]) == (False, "running")
    gate.open()
    done = (await mcp_site.call("wait", job_id=job["job_id"])).structured_content
    assert (done["state"], done["text"], done["job_id"]) == ("done", "the answer", job["job_id"])
    listed = (await mcp_site.call("jobs")).structured_content["result"]
    assert [(entry["job_id"], entry["state"]) for entry in listed] == [(job["job_id"], "done")]


async def test_mcp_files_go_up_and_come_back(mcp_site: McpSite, tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("a note")
    files = [SentFile.image("a circle"), SentFile.interpreter("table.csv", b"a,b\n1,2\n")]
    mcp_site.server.script(Reply("Here.", files=files))

    result = await mcp_site.call("ask", message="draw", files=[str(note)])
    reply = result.structured_content
    assert not result.is_error, text_of(result)
    assert "note.txt" in [file.name for file in mcp_site.server.files]
    chat = reply["conversation_id"]
    listed = (await mcp_site.call("list_conversations", limit=1)).structured_content["result"]
    assert [entry["conversation_id"] for entry in listed] == [chat]
    shown = await mcp_site.call("get_conversation", conversation=chat)
    assert "## assistant\n\nHere." in text_of(shown)
    names = [file["name"] for file in shown.structured_content["messages"][-1]["files"]]
    assert names == [file["name"] for file in reply["files"]] == ["a circle.png", "table.csv"]

    (image,) = (await mcp_site.call("get_file", conversation=chat, file="a circle.png")).content
    assert isinstance(image, ImageContent)
    assert (image.mime_type, base64.b64decode(image.data)[:4]) == ("image/png", b"\x89PNG")
    saved = await mcp_site.call("get_file", conversation=chat, file="table.csv", save_to=f"{tmp_path}/")
    assert saved.structured_content == {"path": str(tmp_path / "table.csv"), "size": 8}
    assert (tmp_path / "table.csv").read_bytes() == b"a,b\n1,2\n"
    again = await mcp_site.call("get_file", conversation=chat, file="table.csv", save_to=f"{tmp_path}/")
    assert again.is_error
    assert "FileExistsError" in text_of(again)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"conversation": "6f1c6c4e-0c1b-4f7e-9d5c-2f1f3e1a7b10"}, "ConversationNotFoundError: "),
        ({"files": ["notes.txt"]}, "ValueError: the path notes.txt is relative"),
        ({"files": ["/no/such/file"]}, "UploadError: "),
        ({"model": " "}, "ValueError: model must not be empty"),
        ({"message": " "}, "ValueError: the message is empty"),
    ],
)
async def test_mcp_ask_invalid_argument_is_a_tool_error_with_the_class(
    mcp_site: McpSite, arguments: dict[str, Any], message: str
) -> None:
    result = await mcp_site.call("ask", **{"message": "hi", **arguments})

    assert result.is_error
    assert message in text_of(result)


async def test_mcp_ask_rate_limit_is_a_tool_error_and_is_not_sent_again(mcp_site: McpSite) -> None:
    await mcp_site.call(
        "ask", message="first"
    )  # After it, the client knows that messages need the site's page.
    mcp_site.server.script(Answer(429, {"detail": "Too many requests in 1 hour."}))
    before = len(posts_of(mcp_site.server.requests))

    result = await mcp_site.call("ask", message="hi")
    assert result.is_error
    assert "RateLimitError: " in text_of(result)
    assert len(posts_of(mcp_site.server.requests)) == before + 1


@pytest.mark.parametrize(
    "end", ["end of input", *(pytest.param(name, marks=pytest.mark.long) for name in ("SIGINT", "SIGTERM"))]
)
def test_mcp_process_without_session_answers_with_a_remedy_and_ends(
    start_command: StartCommand, end: str
) -> None:
    if end != "end of input" and sys.platform == "win32":
        pytest.skip("Windows has no such signal for one process")
    initialize = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    }
    requests: list[dict[str, Any]] = [
        {"id": 1, "method": "initialize", "params": initialize},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/call", "params": {"name": "ask", "arguments": {"message": "hi"}}},
    ]
    process = start_command("mcp")
    assert process.stdin is not None
    assert process.stdout is not None
    for request in requests:
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **request}) + "\n")
    process.stdin.flush()
    answers = [json.loads(process.stdout.readline()) for _ in range(2)]
    assert [answer["id"] for answer in answers] == [1, 2]
    assert answers[1]["result"]["isError"] is True
    assert "run `chatgpt-browser login`" in answers[1]["result"]["content"][0]["text"]

    codes = {"end of input": 0, "SIGINT": 130, "SIGTERM": 143}
    if end != "end of input":
        process.send_signal(getattr(signal, end))
        assert process.wait(60) == codes[end]
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (codes[end], "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal for one process")
@pytest.mark.parametrize(
    ("signum", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_ended_by_signals_ends_a_blocked_read_and_raises(
    signum: signal.Signals, error: type[BaseException]
) -> None:
    before, (reader, writer) = os.dup(0), os.pipe()
    os.dup2(reader, 0)
    try:
        with pytest.raises(error), ended_by_signals():
            os.write(writer, b"a line\n")
            assert sys.stdin.readline() == "a line\n"
            signal.raise_signal(signum)
            assert sys.stdin.read() == ""
    finally:
        os.close(writer)
        os.dup2(before, 0)
        os.close(reader)
        os.close(before)


def test_mcp_without_the_extra_names_it(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("chatgpt_browser._mcp_server.")]:
        monkeypatch.delitem(sys.modules, module)
    for module in ("mcp", "mcp.server.mcpserver"):
        monkeypatch.setitem(sys.modules, module, None)

    result = invoke("mcp")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "pip install 'chatgpt-browser-api[mcp]'" in result.stderr


@pytest.mark.parametrize(
    ("data", "media_type", "kind"),
    [
        (b"text", "text/plain", TextContent),
        (b"a,b", "text/csv", EmbeddedResource),
        (b"<svg/>", "image/svg+xml", EmbeddedResource),
        (b"\xff\xfe\0", "application/zip", EmbeddedResource),
        (b"\x89PNG", "image/png", ImageContent),
    ],
)
def test_content_block_has_the_form_that_models_read(data: bytes, media_type: str, kind: type) -> None:
    block = content_block("id", data, media_type)

    assert type(block) is kind
    if isinstance(block, EmbeddedResource):
        assert block.resource.mime_type == media_type


def test_media_type_of_prefers_the_content_of_an_image() -> None:
    assert media_type_of("a.png", "image/png", b"RIFF1234WEBPVP8 ") == "image/webp"
    assert media_type_of("a.csv", None, b"a,b") == "text/csv"
    assert media_type_of("a", None) == "application/octet-stream"


def test_absolute_path_accepts_the_home_folder_only_in_place_of_a_root(tmp_path: Path) -> None:
    assert absolute_path(str(tmp_path)) == tmp_path
    assert absolute_path("~/file").is_absolute()
    with pytest.raises(ValueError, match="relative"):
        absolute_path("file")
