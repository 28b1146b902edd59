"""The hidden command that the process of `background start` runs."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import Any

import typer

from chatgpt_browser._client.job_codec import encode_error
from chatgpt_browser._core.errors import ChatGPTError
from chatgpt_browser._shared_client.service import ClientService

from ..client_factory import create_async_client
from ..detached import answer_starter, read_request
from ..exit_codes import errors_as_exit_codes
from ..output.consoles import logging_to_stderr
from ..shared_client import client_key
from .control import log_path


def run_in_background() -> None:
    """Read a request from standard input, start a browser, and serve calls until the service is stopped or idle.

    If no error has occurred, remove the log at the end.
    """
    request = read_request()
    with errors_as_exit_codes(), logging_to_stderr(0):
        asyncio.run(_serve(request))
        with suppress(OSError):
            log_path().unlink()


async def _serve(request: dict[str, Any]) -> None:
    options = request["client"]
    try:
        async with (
            create_async_client(**options) as api,
            ClientService(api, client_key(options), idle_timeout=request["idle_timeout"]) as service,
        ):
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, service.stopping.set)
            await api.start()
            answer_starter({"pid": os.getpid()})
            await service.stopping.wait()
    except (ChatGPTError, typer.BadParameter) as error:
        answer_starter({"error": encode_error(error)})
        raise
