"""The hidden command that the process of `background start` runs."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack, suppress
from typing import Any

from chatgpt_browser._shared_client.address import AlreadyRunningError

from ..client_factory import create_async_client
from ..detached import answer_starter, errors_to_starter, read_request
from ..exit_codes import errors_as_exit_codes
from ..lifetime import Lifetime
from ..output.consoles import logging_to_stderr
from ..shared_service import shared_service
from .control import log_path


def run_in_background() -> None:
    """Read a request from standard input, start a browser, and serve calls until the process is stopped or idle.

    If no error has occurred, remove the log at the end.
    """
    request = read_request()
    with errors_as_exit_codes(), logging_to_stderr(0):
        asyncio.run(_serve(request))
        with suppress(OSError):
            log_path().unlink()


async def _serve(request: dict[str, Any]) -> None:
    options, lifetime = request["client"], Lifetime(request["idle_timeout"])
    with lifetime.ending_at_signals():
        async with AsyncExitStack() as stack:
            with errors_to_starter():
                api = await stack.enter_async_context(create_async_client(**options))
                service = shared_service(api, options, lifetime, program="background")
                try:
                    await stack.enter_async_context(service)
                except AlreadyRunningError:  # Both processes were started at the same time.
                    answer_starter({"pid": None})
                    raise
                await api.start()
            answer_starter({"pid": os.getpid()})
            await lifetime.wait()
