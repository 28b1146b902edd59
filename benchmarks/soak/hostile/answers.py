"""Hostile responses of the site to each kind of request."""

from __future__ import annotations

import functools
import json
import uuid
import zlib
from typing import TYPE_CHECKING, Any

from chatgpt_browser.testing import BREAK, Answer, Break, RawBody, Stall

if TYPE_CHECKING:
    from chatgpt_browser.testing import RecordedRequest

    from .texts import Values

__all__ = ["Answers"]

_RETRY_AFTER = (
    "1e300",
    "1e11",
    "-1",
    "nan",
    "inf",
    "0",
    "x" * 5000,
    "Wed, 21 Oct 9999 07:28:00 GMT",
    "Wed, 99 Oct 2015 07:28:00 GMT",
    "1" * 5000,
    "",
    "0x10",
    "1,2",
)
_TYPES = ("application/json", "text/html", "text/plain", "text/event-stream; charset=utf-16", "x/y", "")
_STATUSES = (
    200,
    200,
    201,
    204,
    206,
    304,
    400,
    401,
    403,
    403,
    404,
    405,
    409,
    413,
    418,
    421,
    422,
    429,
    429,
    451,
)
_STATUSES += (500, 502, 503, 520, 599)
_DETAILS: tuple[Any, ...] = (
    "Not Found",
    {"message": "x", "code": "y"},
    [{"loc": ["body", 0], "msg": "m", "type": "t"}],
    {"message": {"message": "x"}},
)


class Answers:
    """Draws a hostile response for a request. Each method returns a step of `FakeChatGPT`."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._chance = values.chance

    def to(self, record: RecordedRequest) -> Any:
        """Return a hostile response to a request of the client or of the site's page."""
        chance = self._chance
        if chance.random() < 0.25:
            return self._refusal()
        if record.path.endswith("/conversation") and record.method == "POST":
            return self._stream(record)
        return self._document(self._expected(record))

    def _expected(self, record: RecordedRequest) -> Any:
        """Return the JSON that the client expects."""
        path = record.path
        if path.endswith("/api/auth/session"):
            user = {"id": "user-1", "name": "Ada", "email": "ada@example.com", "image": "x", "groups": ["a"]}
            return {
                "user": user,
                "accessToken": "a.b.c",
                "expires": "2030-01-01T00:00:00.000Z",
                "error": "RefreshError",
            }
        if path.endswith("/models"):
            return {"models": [{"slug": f"m{n}", "title": "Model", "max_tokens": 1} for n in range(4)]}
        if "gen_title" in path:
            return {"title": "A title"}
        if path.endswith("/conversations"):
            return self._list()
        if path.endswith("/batch"):
            return [self._conversation()]
        return self._conversation() if "/conversation" in path else {"token": "x", "persona": "y"}

    def _list(self) -> Any:
        items = [
            {
                "id": str(uuid.uuid4()),
                "title": "New chat",
                "create_time": 1.7e9,
                "update_time": "2026-01-01T00:00:00Z",
            }
            for _ in range(self._chance.choice((1, 5, 28, 100)))
        ]
        return {
            "items": items,
            "total": 10**9,
            "limit": 28,
            "offset": 0,
            "cursor": "next",
            "has_missing": True,
        }

    def _conversation(self) -> Any:
        chance, ids = self._chance, [str(uuid.uuid4()) for _ in range(self._chance.choice((2, 4, 400)))]
        roles = ("system", "user", "assistant", "tool", "\x1b[7777m")
        mapping = {
            name: {
                "id": name,
                "parent": ids[at - 1] if at else chance.choice((None, ids[-1], name)),
                "children": ids[at + 1 : at + 2] * chance.choice((1, 1, 3)),
                "message": {
                    "id": name,
                    "author": {"role": chance.choice(roles), "name": None},
                    "create_time": 1.7e9,
                    "content": {"content_type": "text", "parts": [self._values.text()]},
                    "metadata": {"finish_details": {"type": "stop"}},
                    "status": "finished_successfully",
                    "recipient": "all",
                },
            }
            for at, name in enumerate(ids)
        }
        times = {"create_time": 1.7e9, "update_time": 1.7e9}
        return {
            "title": "A title",
            "mapping": mapping,
            "current_node": ids[-1],
            "conversation_id": ids[0],
            **times,
        }

    def _document(self, value: Any) -> Any:
        chance, headers = self._chance, self._headers()
        kind = chance.choice(("document",) * 12 + ("bomb", "slow", "broken", "encoding"))
        if kind == "bomb":
            return Answer(200, bomb(), [*headers, ("content-encoding", "gzip")], "application/json")
        data = self._values.document(value)
        if kind == "slow":
            return RawBody([data[:5], data[5:]], content_type="application/json", interval=200)
        if kind == "broken":
            return RawBody([data[:9], BREAK], content_type="application/json")
        if kind == "encoding":
            return Answer(200, data, [*headers, ("content-encoding", "gzip")], "application/json")
        return Answer(200, data, headers, "application/json")

    def _refusal(self) -> Any:
        chance, values = self._chance, self._values
        kind = chance.choice(("detail", "detail", "html", "damaged", "bomb", "drop", "stall", "redirect"))
        status, headers = chance.choice(_STATUSES), self._headers()
        if status in (204, 304):
            return Answer(status, b"", headers)
        if kind == "detail":
            return Answer(
                status,
                values.document({"detail": values.altered(chance.choice(_DETAILS))}),
                headers,
                "application/json",
            )
        if kind == "bomb":
            return Answer(
                status, bomb(), [*headers, ("content-encoding", "gzip")], chance.choice(_TYPES) or None
            )
        if kind == "drop":
            return Break()
        if kind == "stall":
            return Stall(before_head=chance.random() < 0.5)
        if kind == "redirect":
            targets = (
                "/",
                "//attacker.invalid/",
                "http://localhost:1/",
                "javascript:alert(1)",
                "x" * 3000,
                "/api/auth/session",
            )
            return Answer(
                chance.choice((301, 302, 307, 308)), b"", [*headers, ("location", chance.choice(targets))]
            )
        text = values.text() if kind == "html" else values.damaged()
        return Answer(
            status, f"<html><title>{text}</title>{text}".encode("utf-8", "replace"), headers, "text/html"
        )

    def _headers(self) -> list[tuple[str, str]]:
        chance, headers = self._chance, []
        if chance.random() < 0.3:
            headers.append(("retry-after", chance.choice(_RETRY_AFTER)))
        if chance.random() < 0.1:
            headers.append(("cf-mitigated", chance.choice(("challenge", "block", "x"))))
        if chance.random() < 0.1:
            name = chance.choice(
                ("__Secure-next-auth.session-token", "next-auth.session-token", "x", "__cf_bm")
            )
            headers.append(("set-cookie", f"{name}={'v' * chance.choice((1, 3000))}; Path=/"))
        if chance.random() < 0.05:
            headers.append(("x-" + "n" * 300, "v" * 5000))
        return headers

    # ---- event streams

    def _stream(self, record: RecordedRequest) -> Any:
        chance, values = self._chance, self._values
        data = b"".join(self._events(record))
        if chance.random() < 0.1:
            data = data.replace(b"\n", b"\r\n")
        if chance.random() < 0.1:
            data = data[: chance.randint(0, len(data))]
        if chance.random() < 0.05:
            at = chance.randint(0, len(data))
            data = data[:at] + b"\xff\xfe\x80" + data[at:]
        size = max(1, len(data) // chance.choice((1, 1, 3, 40)))
        chunks: list[Any] = [data[at : at + size] for at in range(0, len(data), size)]
        if chance.random() < 0.1:
            chunks.append(BREAK)
        return RawBody(
            chunks, content_type=chance.choice(("text/event-stream",) * 9 + (values.chance.choice(_TYPES),))
        )

    def _events(self, record: RecordedRequest) -> list[bytes]:
        chance = self._chance
        make = chance.choice((self._whole_events, self._delta_events))
        events = make(chance.choice((1, 3, 10, 60)))
        for _ in range(chance.choice((0, 1, 1, 3))):
            events.insert(chance.randint(0, len(events)), self._odd_event())
        if chance.random() < 0.7:
            events.append(b"data: [DONE]\n\n")
        return events

    def _whole_events(self, count: int) -> list[bytes]:
        message = {
            "id": str(uuid.uuid4()),
            "author": {"role": "assistant"},
            "content": {"content_type": "text", "parts": [""]},
            "status": "in_progress",
            "end_turn": None,
            "metadata": {},
            "recipient": "all",
        }
        text, events, names = "", [], {"conversation_id": str(uuid.uuid4()), "error": None}
        for _ in range(count):
            text += self._values.text()[:2000]
            message["content"] = {"content_type": "text", "parts": [text]}
            events.append(self._event({"message": message, **names}))
        message |= {"status": "finished_successfully", "end_turn": True}
        return [*events, self._event({"message": message, **names})]

    def _delta_events(self, count: int) -> list[bytes]:
        chance = self._chance
        message = {
            "id": str(uuid.uuid4()),
            "author": {"role": "assistant"},
            "content": {"content_type": "text", "parts": [""]},
            "status": "in_progress",
            "metadata": {},
        }
        paths = (
            "/message/content/parts/0",
            "/message/content/parts/99999999",
            "/message/author/role",
            "",
            "/a/~0/~1/-",
            "/message",
        )
        operations = ("append", "replace", "add", "remove", "truncate", "patch", "x")
        root = {"p": "", "o": "add", "v": {"message": message, "conversation_id": str(uuid.uuid4())}, "c": 0}
        events = [b'event: delta_encoding\ndata: "v1"\n\n', b"event: delta\n" + self._event(root)]
        for _ in range(count):
            delta: dict[str, Any] = {"v": self._values.text()[:2000]}
            if chance.random() < 0.3:
                delta |= {"p": chance.choice(paths), "o": chance.choice(operations)}
            events.append(b"event: delta\n" + self._event(delta))
        done = [{"p": "/message/status", "o": "replace", "v": "finished_successfully"}]
        return [*events, b"event: delta\n" + self._event({"p": "", "o": "patch", "v": done})]

    def _event(self, value: Any) -> bytes:
        value = self._values.altered(value, 0.02)
        return b"data: " + json.dumps(value).encode() + b"\n\n"

    def _odd_event(self) -> bytes:
        chance, values = self._chance, self._values
        error = values.altered({"error": {"message": "no", "code": "x"}}, 0.4)
        kinds = (
            b"event: ping\ndata: 2026-01-01\n\n",
            b": comment\n\n",
            b"data:\n\n",
            b"event: error\ndata: " + json.dumps(values.value()).encode() + b"\n\n",
            b"data: " + json.dumps(error).encode() + b"\n\n",
            b"data: " + values.damaged().encode("utf-8", "replace") + b"\n\n",
            b"data: " + json.dumps(values.value()).encode() + b"\n\n",
            b'event: delta_encoding\ndata: "v9"\n\n',
            b'data: {"type": "stream_handoff"}\n\n',
            b'data: {"type": "message_stream_complete"}\n\n',
            b'data: {"type": "moderation", "moderation_response": {"blocked": true}}\n\n',
            b"data: " + b"a" * 300_000 + b"\n\n",
            b"id: 1\nretry: 99999999999\nevent: " + b"x" * 5000 + b"\n\n",
        )
        return chance.choice(kinds)


@functools.cache
def bomb() -> bytes:
    """Return some 100 KB of gzip that become 96 MB of JSON."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    parts = (b'{"items": ["', *[b"a" * (1 << 20)] * 96, b'"]}')
    return b"".join([*map(packer.compress, parts), packer.flush()])
