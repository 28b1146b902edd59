"""Sends progress notifications while a tool waits for the site."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import anyio

from .._core.background import BackgroundTasks
from .._core.reply_events import TextDelta, ThoughtDelta, ToolUpdate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcp.server.mcpserver import Context

    from .._core.reply_events import ReplyEvent

#: If the status does not change, the next notification is sent after this number of seconds. A model may think for several
#: minutes, and many clients end a request that sends no notification for one minute.
_INTERVAL = 5.0
#: The shortest time in seconds between two notifications. A reply may have hundreds of events in a second.
_PAUSE = 0.25


class ProgressReporter:
    """Sends the text :attr:`status` to the client of a request. If the request has no progress token, nothing is sent."""

    def __init__(self, context: Context[Any, Any], status: str) -> None:
        self._context = context
        self._status = status
        self._changed = asyncio.Event()

    @property
    def status(self) -> str:
        """The description of the current step."""
        return self._status

    @status.setter
    def status(self, status: str) -> None:
        self._status = status
        self._changed.set()

    def note(self, event: ReplyEvent) -> None:
        """Describe an event of a reply in the status."""
        if isinstance(event, TextDelta):
            self.status = f"received {len(event.snapshot):,} characters"
        elif isinstance(event, ThoughtDelta):
            self.status = "the model is thinking"
        elif isinstance(event, ToolUpdate):
            self.status = f"the model uses the tool {event.tool_call.name}"

    async def run(self) -> None:
        """Send notifications until this call is cancelled. The progress value is the number of seconds since this call began."""
        started = monotonic()
        while True:
            self._changed.clear()
            await self._context.report_progress(monotonic() - started, message=self._status)
            await asyncio.sleep(_PAUSE)
            # `asyncio.wait_for` is not used: before Python 3.12, it may ignore a cancellation that arrives with the event.
            with anyio.move_on_after(_INTERVAL):
                await self._changed.wait()


@asynccontextmanager
async def reporting_progress(context: Context[Any, Any], status: str) -> AsyncIterator[ProgressReporter]:
    """Send progress notifications in the block."""
    reporter, tasks = ProgressReporter(context, status), BackgroundTasks()
    tasks.spawn(reporter.run())
    try:
        yield reporter
    finally:
        await tasks.cancel()
