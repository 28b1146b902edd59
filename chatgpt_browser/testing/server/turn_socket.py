"""The WebSocket of the web application: subscriptions to the topics of replies, and the events of these replies."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

    from .site import Site
    from .turn_log import Entry, TurnLog

#: The path of the WebSocket in the URL.
SOCKET_PATH = "/celsius/ws"
#: The close code of a WebSocket that the server closes because of `Rest.ends_after`. The code means that the server had an error.
_CLOSED_BY_ERROR = 1011


class TurnSocket:
    """One WebSocket of a page. The page sends commands: `[{"id": 1, "command": {"type": "subscribe", "topic_id": …}}]`."""

    def __init__(self, site: Site, send: Send) -> None:
        self._site = site
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._feeds: dict[str, asyncio.Task[None]] = {}

    async def serve(self, scope: Scope, receive: Receive) -> None:
        """Accept the WebSocket, and handle its commands until it is closed."""
        await receive()
        await self._send({"type": "websocket.accept"})
        query = parse_qs(scope["query_string"].decode("latin-1"))
        for response_id in query.get("response_id", []):
            if (log := self._site.turns.with_response(response_id)) is not None:
                self._start(response_id, self._send_response(log))
        self._site.turns.sockets.add(self)
        try:
            while (message := await receive())["type"] == "websocket.receive":
                await self._handle(message)
        finally:
            self._site.turns.sockets.discard(self)
            for feed in self._feeds.values():
                feed.cancel()

    def push(self, value: Any) -> None:
        """Send a JSON value to the page. This method may be called from any thread."""
        asyncio.run_coroutine_threadsafe(self._send_json(value), self._loop)

    async def _handle(self, message: Message) -> None:
        for item in json.loads(message.get("text") or "[]"):
            command = item["command"]
            topic_id = str(command.get("topic_id"))
            log = self._site.turns.with_topic(topic_id)
            if command["type"] == "subscribe" and log is not None and log.rest.via == "socket":
                await self._subscribe(item["id"], log)
            elif command["type"] == "subscribe":
                reply = {"type": "error", "topic_id": topic_id, "message": "no such topic"}
                await self._send_json([{"id": item["id"], "type": "reply", "reply": reply}])
            elif (feed := self._feeds.pop(topic_id, None)) is not None:
                feed.cancel()

    async def _subscribe(self, number: int, log: TurnLog) -> None:
        first = log.first_index()
        catchups = [(index, log.entries[index]) for index in range(first, len(log.entries))]
        limit = log.rest.ends_after
        if limit is not None:
            catchups = [(index, entry) for index, entry in catchups if entry.number <= limit]
        items = [_item(log, index, entry, with_topic=False) for index, entry in catchups]
        reply = {"type": "subscribe", "topic_id": log.topic_id, "catchups": items}
        await self._send_json([{"id": number, "type": "reply", "reply": reply}])
        self._start(log.topic_id, self._send_items(log, first + len(catchups)))

    async def _send_items(self, log: TurnLog, first: int) -> None:
        async for index, entry in log.read(first):
            if await self._closes_before(log, entry):
                return
            await self._send_json([_item(log, index, entry, with_topic=True)])

    async def _send_response(self, log: TurnLog) -> None:
        """Send all events of a reply as on the site in earlier years: each WebSocket message contains half an event in base64."""
        ids = {"response_id": log.response_id, "conversation_id": log.conversation_id}
        async for _, entry in log.read(0):
            if await self._closes_before(log, entry):
                return
            half = len(entry.data) // 2
            for part in (entry.data[:half], entry.data[half:]):
                body = {
                    "type": "http.response.body",
                    "body": base64.b64encode(part).decode(),
                    "more_body": True,
                }
                await self._send_json({"type": "message", "dataType": "json", "data": {**body, **ids}})

    async def _closes_before(self, log: TurnLog, entry: Entry) -> bool:
        """Close the WebSocket if this event comes after the first `Rest.ends_after` events. Return whether it was closed."""
        if log.rest.ends_after is None or entry.number <= log.rest.ends_after:
            return False
        with suppress(RuntimeError):
            await self._send({"type": "websocket.close", "code": _CLOSED_BY_ERROR})
        return True

    def _start(self, name: str, work: Any) -> None:
        self._feeds[name] = self._loop.create_task(work)

    async def _send_json(self, value: Any) -> None:
        await self._send({"type": "websocket.send", "text": json.dumps(value)})


def _item(log: TurnLog, index: int, entry: Entry, *, with_topic: bool) -> dict[str, Any]:
    """Return one event of a reply as an item of the reply's topic.

    :param with_topic: True: the item contains the ID of the topic. As on the site, the items in the list `catchups` (the events
        before the subscription) do not contain this ID.
    """
    content = {
        "type": "stream-item",
        "turn_id": log.turn_id,
        "stream_item_id": str(index),
        "encoded_item": entry.data.decode(),
    }
    topic = {"topic_id": log.topic_id} if with_topic else {}
    return {"type": "message", **topic, "payload": {"type": "conversation-turn-stream", "payload": content}}
