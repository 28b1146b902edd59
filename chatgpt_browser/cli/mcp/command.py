"""`chatgpt-browser mcp`: offer ChatGPT as tools to programs that use the Model Context Protocol."""

from __future__ import annotations

import importlib
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from chatgpt_browser._core.errors import InvalidSessionTokenError

from .. import shared_options as options
from ..client_factory import create_async_client
from ..environment import options_from_environment
from ..exit_codes import errors_as_exit_codes, hint_of
from ..extras import require_extra
from ..output.consoles import is_terminal, logging_to_stderr, print_dim
from ..settings.settings import Settings

if TYPE_CHECKING:
    from types import ModuleType

    from chatgpt_browser import AsyncChatGPTAPI


def mcp(
    model: options.Model = None,
    send_via: options.SendViaOption = "auto",
    headed: options.Headed = False,
    verbose: options.Verbose = 0,
) -> None:
    """Serve the Model Context Protocol over standard input and output, for editors and assistants.

    The program that uses the tools starts this command. It ends when that program closes standard input.

    Examples:

    chatgpt-browser mcp

    claude mcp add chatgpt -- chatgpt-browser mcp
    """
    server = import_server()
    given: dict[str, Any] = {"headless": not headed, "model": model, "send_via": send_via}
    with errors_as_exit_codes(), logging_to_stderr(verbose):
        # An invalid variable ends the command at once. Otherwise each call of a tool would fail.
        options_from_environment()
        _ = Settings.current().profile
        if is_terminal(sys.stdin):
            print_dim("Waiting for messages of an MCP client on standard input. Ctrl-C ends the server.")
        server.run_server(partial(open_client, **given))


def open_client(**options: Any) -> AsyncChatGPTAPI:
    """Return a client.

    :raises InvalidSessionTokenError: there is no session token, or the token is empty. The message also describes how
        to sign in, because the error of an MCP tool, unlike the error of a command, is shown without a hint.
    """
    try:
        return create_async_client(**options)
    except InvalidSessionTokenError as error:
        raise InvalidSessionTokenError(f"{error} To sign in, {hint_of(error)}.") from None


def import_server() -> ModuleType:
    """Import and return the module of the server.

    :raises typer.Exit: the extra `mcp` is not installed. The function prints how to install it.
    """
    require_extra("The MCP server", "mcp", ("mcp",))
    return importlib.import_module("chatgpt_browser._mcp_server.server")
