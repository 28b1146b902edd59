"""Calls of the library against the hostile site: each ends in time, and raises only errors of the package."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from chatgpt_browser import AsyncChatGPTAPI, ChatGPTError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .site import HostileSite
    from .texts import Values

__all__ = ["CALL_LIMIT", "Calls"]

#: Seconds. The client's own limits end each call before this: see `OPTIONS`, and 30 s for a page that does not respond.
CALL_LIMIT = 150.0
OPTIONS: dict[str, Any] = {
    "first_byte_timeout": 3000,
    "idle_timeout": 3000,
    "challenge_timeout": 3000,
    "access_token_ttl": 2000,
    "retries": 1,
}
#: Conversations that one call reads. A list without an end is not an error, if each page has new entries.
_MOST_CONVERSATIONS = 300


class Calls:
    """One client, and random calls on it."""

    def __init__(self, site: HostileSite, values: Values, send_via: Any) -> None:
        server = site.server
        self._values = values
        self._chance = values.chance
        self._secret = server.session_token
        self._api = AsyncChatGPTAPI(
            server.session_token,
            api_base_url=server.api_base_url,
            backend_api_base_url=server.backend_api_base_url,
            send_via=send_via,
            **OPTIONS,
        )
        self._conversation = self._api.get_conversation()
        self.complaints: list[str] = []

    async def step(self) -> str:
        """Make one random call. Return its name and its outcome."""
        acts: dict[Callable[[], Awaitable[object]], int] = {
            self._send: 30,
            self._follow_up: 20,
            self._stream: 15,
            self._leave: 5,
            self._hurry: 5,
            self._send_many: 5,
            self._list: 10,
            self._history: 10,
            self._models: 5,
            self._session: 5,
            self._change: 5,
        }
        (act,) = self._chance.choices([*acts], [*acts.values()])
        return f"{act.__name__}: {await self._outcome(act)}"

    async def close(self) -> None:
        """Close the client."""
        await self._outcome(self._api.close)

    async def _outcome(self, act: Callable[[], Awaitable[object]]) -> str:
        call = asyncio.ensure_future(act())
        done, _ = await asyncio.wait([call], timeout=CALL_LIMIT)
        if not done:
            self.complaints.append(f"{act.__name__} hangs: {call.get_stack()}")
            call.cancel()
            return "hangs"
        error = call.exception()
        if error is None:
            return "done"
        if not isinstance(error, ChatGPTError):
            self.complaints.append(
                f"{act.__name__}: untyped {type(error).__name__}: {str(error)[:300]!r} {_where(error)}"
            )
        if self._secret in f"{error} {error!r} {vars(error)}":
            self.complaints.append(f"{act.__name__}: {type(error).__name__} contains the session token")
        return type(error).__name__

    # ---- the calls

    async def _send(self) -> None:
        await self._api.send_message("Hello")

    async def _follow_up(self) -> None:
        if self._chance.random() < 0.2:
            self._conversation = self._api.get_conversation()
        await self._conversation.send_message(
            "Hello " + self._values.text().encode("utf-8", "replace").decode()
        )

    async def _stream(self) -> None:
        async with self._api.stream_message("Hello") as stream:
            async for _ in stream:
                pass

    async def _leave(self) -> None:
        async with self._api.stream_message("Hello") as stream:
            with suppress(StopAsyncIteration):
                await anext(stream)

    async def _hurry(self) -> None:
        await self._api.send_message("Hello", timeout_ms=self._chance.uniform(1, 2000))

    async def _send_many(self) -> None:
        async for result in self._api.send_many(["Hello", "Hello again"], longest_pause=0):
            if result.error is not None and not isinstance(result.error, ChatGPTError):
                raise result.error

    async def _list(self) -> None:
        count = 0
        async for _ in self._api.iter_conversations():
            count += 1
            if count == _MOST_CONVERSATIONS:
                break

    async def _history(self) -> None:
        for conversation in (await self._api.list_conversations())[:3]:
            await self._read(conversation.id)

    async def _read(self, conversation_id: str) -> None:
        try:
            await self._api.get_history(conversation_id)
        except ValueError as error:  # an id that no URL can contain
            if isinstance(error, (UnicodeError, ChatGPTError)) or not str(error).startswith(
                "conversation_id must"
            ):
                raise

    async def _models(self) -> None:
        await self._api.list_models()

    async def _session(self) -> None:
        repr(await self._api.get_session())
        await self._api.get_is_authenticated()

    async def _change(self) -> None:
        name = self._chance.choice([*self._conversations(), "00000000-0000-4000-8000-000000000000"])
        await self._api.generate_title(name, "00000000-0000-4000-8000-000000000001")
        await self._api.rename_conversation(name, "A title")
        await self._api.delete_conversation(name)

    def _conversations(self) -> list[str]:
        known = self._conversation.conversation_id
        return [] if known is None else [known]


def _where(error: BaseException) -> str:
    """Return the file names and line numbers of the last frames of an error."""
    places, frame = [], error.__traceback__
    while frame is not None:
        places.append(f"{frame.tb_frame.f_code.co_filename.rpartition('/')[2]}:{frame.tb_lineno}")
        frame = frame.tb_next
    return " ".join(places[-6:])
