"""The service: runs the calls that other processes of the same user send through the socket."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import time
from contextlib import AsyncExitStack, aclosing, suppress
from typing import TYPE_CHECKING, Any

from .._core.background import BackgroundTasks
from .._core.errors import ChatGPTError
from .._core.log import logger
from .._core.message_options import MessageOptions
from .._core.models import Prompt
from .._core.options import to_limit
from .._messaging.deadline import Deadline
from .._messaging.lease import StandaloneSlot
from .._messaging.reply_stream import AsyncReplyStream
from .address import is_same_user, listening_socket, socket_path
from .call_log import logging_to_caller, passing_log_records
from .codec import decode, encode, encode_failure

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from contextlib import AbstractContextManager

    from typing_extensions import Self

    from .._client.client import AsyncChatGPTAPI

#: The maximum length of a call in bytes. The longest field is the text of a message.
_MAX_CALL = 1 << 26
#: The methods of the client that a call may name. `iter_conversations` is not among them, because it returns several items.
METHODS = frozenset(
    {
        *("start", "list_models", "list_conversations", "get_history"),
        *("rename_conversation", "delete_conversation", "generate_title"),
    }
)
#: Calls that do not use the client. They need no key.
_CONTROL = ("status", "stop")


class ClientService:
    """Serves an open client through the socket in the data folder. The service runs in an ``async with`` block.

    :param key: a digest of the client's session and options. A call with another key is refused.
    :param activity: a function that returns a context manager. Each call that uses the client runs in such a context.
    :param stop: a function that ends the process. It is called when another process requests this.
    :param status: a function that returns further fields of the service's status as a JSON object. The field ``program`` is a key
        of `PROGRAM_NAMES`.
    """

    def __init__(
        self,
        api: AsyncChatGPTAPI,
        key: str,
        *,
        activity: Callable[[], AbstractContextManager[object]],
        stop: Callable[[], object],
        status: Callable[[], dict[str, Any]],
    ) -> None:
        self._api = api
        self._key = key
        self._activity = activity
        self._stop = stop
        self._get_status = status
        self._started_at = time.time()
        self._connections = BackgroundTasks()
        self._resources = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with self._resources:
            sock = self._resources.enter_context(listening_socket(socket_path()))
            server = await asyncio.start_unix_server(self._accept, sock=sock, limit=_MAX_CALL)
            self._resources.enter_context(passing_log_records())
            self._resources.push_async_callback(self._connections.cancel)
            self._resources.callback(server.close)
            self._resources = self._resources.pop_all()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._resources.aclose()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.spawn(self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one call, run it, and close the connection. If the other process closes the connection first, cancel the call."""
        try:
            line = await reader.readline() if is_same_user(writer.get_extra_info("socket")) else b""
            call = json.loads(line) if line.endswith(b"\n") else None
            if isinstance(call, dict):
                await _until_closed(reader, self._run(call, writer))
        except (OSError, ValueError):  # The other process has left, or has sent no valid call.
            pass
        except asyncio.CancelledError:
            writer.transport.abort()  # Otherwise the close would wait until the other process has read the remaining data.
            raise
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _run(self, call: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        async def send(line: dict[str, Any]) -> None:
            writer.write(json.dumps(line).encode() + b"\n")
            await writer.drain()

        if call.get("name") in _CONTROL:
            await send({"result": self._control(call["name"], writer)})
            return
        if refusal := self._refusal(call):
            await send({"refused": refusal})
            return
        try:
            with self._activity(), logging_to_caller(writer):
                async with aclosing(self._lines(call)) as lines:
                    async for line in lines:
                        await send(line)
        except Exception as error:  # The other process raises the error.
            if not isinstance(error, (ChatGPTError, OSError, ValueError, TypeError)):
                logger.exception("a call of the background browser failed")
            await send(encode_failure(error))

    def _refusal(self, call: dict[str, Any]) -> str:
        """Return the reason why this client cannot run the call, or an empty string."""
        if not hmac.compare_digest(str(call.get("key")), self._key):
            return "it has another session or other options"
        send_via = call.get("send_via")
        if send_via not in (None, self._api._options.send_via):
            return "it sends messages in another way"
        return ""

    def _control(self, name: str, writer: asyncio.StreamWriter) -> dict[str, Any]:
        """Run a call that does not use the client. Return the status."""
        if name == "stop":
            # A copy of the descriptor keeps the connection open until this process has ended. The caller waits until the
            # connection is closed, and so until the process has ended.
            os.dup(writer.get_extra_info("socket").fileno())
            self._stop()
        return self._status()

    async def _lines(self, call: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """Run a call, and yield the lines of its response."""
        name, arguments = call["name"], call.get("arguments", {})
        if name in METHODS:
            yield {"result": encode(await getattr(self._api, name)(**arguments))}
        elif name == "iter_conversations":
            async for summary in self._api.iter_conversations(**arguments):
                yield {"item": encode(summary)}
            yield {"result": None}
        elif name == "stream_message":
            async with aclosing(self._reply_lines(call, arguments)) as lines:
                async for line in lines:
                    yield line
        elif name == "save_file":
            file = decode(arguments["file"], self._api._files.bind)
            yield {"result": str(await file.save(arguments["path"], overwrite=arguments["overwrite"]))}
        elif name == "hello":
            yield {"result": self._status()}
            # When the other process closes this connection, this call is cancelled. Until then, the service is not idle.
            await asyncio.Event().wait()
        else:
            raise ValueError(f"there is no call {name}")

    async def _reply_lines(
        self, call: dict[str, Any], arguments: dict[str, Any]
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Send a message, and yield a line for each event of its reply. Each line contains the ids that are known so far."""
        names = ("message", "conversation_id", "parent_message_id")
        message, conversation_id, parent_message_id = (arguments.pop(name, None) for name in names)
        deadline = Deadline(to_limit("timeout_ms", arguments.pop("timeout_ms", None)), None)
        options = MessageOptions.checked(arguments, self._api._options.send_via)  # type: ignore[arg-type]
        slot = StandaloneSlot(Prompt(message, conversation_id, parent_message_id, options))
        async with AsyncReplyStream(
            self._api._sender, slot, deadline, bind_file=self._api._files.bind, markdown=call.get("markdown")
        ) as stream:
            async for event in stream.events():
                yield {"item": encode(event), "ids": [stream.conversation_id, stream.message_id]}
        yield {"result": None}

    def _status(self) -> dict[str, Any]:
        return {"pid": os.getpid(), "started_at": self._started_at, **self._get_status()}


async def _until_closed(reader: asyncio.StreamReader, work: Any) -> None:
    """Run a coroutine. If the other end closes the connection, cancel the coroutine."""
    tasks = [asyncio.ensure_future(work), asyncio.ensure_future(reader.read(1))]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            with suppress(OSError):
                if isinstance(result, Exception):
                    raise result
