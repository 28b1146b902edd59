"""Creates the MCP server, and runs it over standard input and output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations

from .standard_input import ended_by_signals
from .tools import ChatGPTTools

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._client.client import AsyncChatGPTAPI

INSTRUCTIONS = """\
These tools use ChatGPT's web application in the user's own account. `ask` sends one message at a time; further messages wait in a
queue. For long answers, use `ask` with wait=false and then `wait`. Never send a message again because its reply is late: the
reply can be read later."""
#: The tools that change nothing at the site or on this machine.
_READ_ONLY = ("wait", "jobs", "list_conversations", "get_conversation")


def create_server(tools: ChatGPTTools) -> MCPServer[Any]:
    """Return a server with the tools."""
    from .. import __version__

    server: MCPServer[Any] = MCPServer(
        "chatgpt-browser",
        title="ChatGPT in a browser",
        instructions=INSTRUCTIONS,
        version=__version__,
        log_level="WARNING",
    )
    for name in ("ask", "wait", "jobs", "list_conversations", "get_conversation", "get_file"):
        is_read_only = name in _READ_ONLY
        annotations = ToolAnnotations(
            read_only_hint=is_read_only,
            destructive_hint=False,
            idempotent_hint=is_read_only,
            open_world_hint=True,
        )
        server.add_tool(getattr(tools, name), annotations=annotations)
    return server


def run_server(open_client: Callable[[], AsyncChatGPTAPI]) -> None:
    """Serve requests from standard input until it ends, or until SIGINT or SIGTERM arrives.

    After that, close the client. This aborts the requests in progress.
    """
    with ended_by_signals():
        anyio.run(_serve, ChatGPTTools(open_client))


async def _serve(tools: ChatGPTTools) -> None:
    try:
        await create_server(tools).run_stdio_async()
    finally:
        await tools.close()
