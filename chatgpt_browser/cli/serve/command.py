"""`chatgpt-browser serve`: a server with the interface of OpenAI's API."""

from __future__ import annotations

from typing import Annotated

import typer

from .. import shared_options as options
from ..exit_codes import errors_as_exit_codes
from ..extras import require_extra
from ..output.consoles import logging_to_stderr
from ..state.data_folder import DataFolder
from .server_key import load_server_key

#: Maps each value of `--host` to the address on which the server listens.
_HOSTS = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "::1": "::1"}

Port = Annotated[
    int,
    typer.Option(help="Port on which the server listens; 0: a free port.", min=0, max=65535, metavar="N"),
]
Host = Annotated[
    str,
    typer.Option(help="Address on which the server listens: 127.0.0.1, localhost or ::1.", metavar="ADDRESS"),
]
IgnoreSampling = Annotated[
    bool,
    typer.Option(
        "--ignore-sampling",
        help="Ignore temperature, top_p, seed, the penalties and the token limits of a request instead of refusing them.",
    ),
]
IdleTimeout = Annotated[
    float | None,
    typer.Option(
        "--idle-timeout",
        help="End the server after this time without a request; default: never.",
        min=0.001,
        metavar="SECONDS",
    ),
]


def serve(
    port: Port = 0,
    host: Host = "127.0.0.1",
    ignore_sampling: IgnoreSampling = False,
    idle_timeout: IdleTimeout = None,
    model: options.Model = None,
    send_via: options.SendViaOption = "auto",
    headed: options.Headed = False,
    verbose: options.Verbose = 0,
) -> None:
    """Serve the interface of OpenAI's API to the programs of this machine.

    The command writes two lines for a shell (the base URL and the key) when the port accepts connections. Ctrl-C ends it.

    Examples:

    chatgpt-browser serve --port 8423

    curl -H "Authorization: Bearer $OPENAI_API_KEY" "$OPENAI_BASE_URL/models"
    """
    require_extra("The server", "serve", ("starlette", "uvicorn"))
    if host not in _HOSTS:
        known = ", ".join(_HOSTS)
        raise typer.BadParameter(
            f"the server is only for programs of this machine: use {known}", param_hint="'--host'"
        )
    given = {"headless": not headed, "model": model, "send_via": send_via}
    with errors_as_exit_codes(), logging_to_stderr(verbose):
        from .runner import listen, serve_until_stopped

        key = load_server_key(DataFolder.current())
        with listen(_HOSTS[host], port) as listener:
            serve_until_stopped(
                listener, key, given, ignore_sampling=ignore_sampling, idle_timeout=idle_timeout
            )
