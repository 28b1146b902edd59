"""A Playwright trace without secrets.

What is known to be harmless is kept, and all else is left out: requests stay with their method, address, status and times, and
with the names of their headers; cookies, bodies, documents, pictures and the arguments of Playwright's own calls go.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["REMOVED", "redacted_trace", "reveals", "scrub"]

REMOVED = "[removed]"

#: Access tokens, and session tokens in the form that the site gives them, wherever they stand.
_JOSE = re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]*)*")
_AFTER_PATH = re.compile(r"(https?://[^\s\"'<>?#]*)[?#][^\s\"'<>]*")

_HEADERS = re.compile(
    r"accept(?:-encoding|-language)?|cache-control|cf-(?:cache-status|mitigated|ray)|connection|content-(?:encoding|length|type)"
    r"|date|host|location|origin|retry-after|sec-(?:ch|fetch)-[\w-]+|server|upgrade-insecure-requests|user-agent|vary",
    re.IGNORECASE,
)
_ENTRY = (
    *("pageref", "startedDateTime", "time", "timings", "serverIPAddress"),
    *("_frameref", "_monotonicTime", "_resourceType", "_securityDetails", "_serverPort"),
)
_REQUEST = ("method", "url", "httpVersion", "headersSize", "bodySize")
_RESPONSE = (
    *("status", "statusText", "httpVersion", "headersSize", "bodySize", "redirectURL"),
    *("_transferSize", "_failureText"),
)
_CONTENT = ("size", "mimeType", "compression")

#: By their type, what stays of the lines of a trace.
_EVENTS = {
    "context-options": (
        *("version", "type", "origin", "browserName", "playwrightVersion", "platform"),
        *("wallTime", "monotonicTime", "sdkLanguage"),
    ),
    "before": ("type", "callId", "startTime", "class", "method", "pageId", "title"),
    "log": ("type", "callId", "time", "message"),
    "after": ("type", "callId", "endTime"),
    "event": ("type", "time", "class", "method", "pageId"),
}


def scrub(text: str, secrets: Iterable[str]) -> str:
    """A text without these secrets, without whatever has the form of a token, and without the queries of its URLs."""
    return _AFTER_PATH.sub(rf"\1?{REMOVED}", _without(text, secrets))


def reveals(text: str, secrets: Iterable[str]) -> bool:
    """Whether a text holds one of these secrets, or anything that has the form of a token."""
    return _without(text, secrets) != text


def _without(text: str, secrets: Iterable[str]) -> str:
    for secret in filter(None, secrets):
        text = text.replace(secret, REMOVED)
    return _JOSE.sub(REMOVED, text)


def redacted_trace(events: str, entries: Sequence[dict[str, Any]], secrets: Sequence[str]) -> bytes:
    """A trace as Playwright's viewer reads it, as the bytes of a zip file.

    ``events`` is the ``trace.trace`` of a recorded trace, ``entries`` are those of a HAR of the same time.
    """
    kept = [event for event in map(_event, map(json.loads, events.splitlines())) if event is not None]
    requests = [{"type": "resource-snapshot", "snapshot": _entry(entry)} for entry in entries]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as trace:
        for name, lines in (("trace.trace", kept), ("trace.network", requests)):
            trace.writestr(name, "".join(json.dumps(_clean(line, secrets)) + "\n" for line in lines))
    return archive.getvalue()


def _event(event: dict[str, Any]) -> dict[str, Any] | None:
    names = _EVENTS.get(event.get("type", ""))
    if names is None:
        return None

    kept = _only(event, names)
    if event["type"] == "context-options":
        kept["options"] = {}
    if event["type"] in ("before", "event"):
        kept["params"] = _only(event.get("params") or {}, ("url", "waitUntil", "timeout", "pageId"))
    if isinstance(error := event.get("error"), dict):
        kept["error"] = _only(error, ("name", "message"))
    return kept


def _entry(entry: dict[str, Any]) -> dict[str, Any]:
    request, response = entry.get("request") or {}, entry.get("response") or {}
    empty: dict[str, Any] = {"cookies": [], "queryString": []}
    return {
        **_only(entry, _ENTRY),
        "cache": {},
        "request": {**_only(request, _REQUEST), **empty, "headers": _headers(request)},
        "response": {
            **_only(response, _RESPONSE),
            "cookies": [],
            "headers": _headers(response),
            "content": _only(response.get("content") or {}, _CONTENT),
        },
    }


def _headers(message: dict[str, Any]) -> list[dict[str, str]]:
    """All headers by name, with the values of those that are known to hold no secret."""
    return [
        {"name": header["name"], "value": header["value"] if _HEADERS.fullmatch(header["name"]) else REMOVED}
        for header in message.get("headers") or ()
    ]


def _only(fields: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: fields[name] for name in names if name in fields}


def _clean(value: Any, secrets: Sequence[str]) -> Any:
    """The same value with each of its texts scrubbed."""
    if isinstance(value, str):
        return scrub(value, secrets)
    if isinstance(value, dict):
        return {name: _clean(item, secrets) for name, item in value.items()}
    if isinstance(value, list):
        return [_clean(item, secrets) for item in value]
    return value
