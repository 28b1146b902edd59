"""Creates a Playwright trace of a failure, without secrets.

The trace contains only fields that are known to be harmless: the method, URL, status and times of each request, the names of all
headers, and the values of harmless headers. Cookies, bodies, documents and images are omitted.
"""

from __future__ import annotations

import io
import json
import re
import sys
import zipfile
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .redaction import REMOVED, each_text, scrub

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


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


#: The version of the trace format. The viewers of Playwright 1.60 and later can read this version.
_VERSION = 8


def redacted_trace(log: dict[str, Any], secrets: Sequence[str]) -> bytes:
    """Convert the ``log`` of a HAR to a trace for Playwright's viewer. Return the bytes of a zip file.

    Each request becomes an action of the trace. A trace that Playwright records itself is not safe: it contains all calls of
    Playwright's API, and their arguments contain every cookie.
    """
    entries = [each_text(_entry(entry), lambda text: scrub(text, secrets)) for entry in log["entries"]]
    actions = [event for number, entry in enumerate(entries) for event in _action(f"call@{number}", entry)]
    requests = [{"type": "resource-snapshot", "snapshot": entry} for entry in entries]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as trace:
        for name, lines in (("trace.trace", [_context(log, entries), *actions]), ("trace.network", requests)):
            trace.writestr(name, "".join(json.dumps(line) + "\n" for line in lines))
    return archive.getvalue()


def _context(log: dict[str, Any], entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the first line of the trace: the browser, the Playwright version, and the start (wall-clock and monotonic)."""
    first = min(entries, key=lambda entry: entry["_monotonicTime"], default=None)
    began = datetime.fromisoformat(first["startedDateTime"].replace("Z", "+00:00")) if first else None
    return {
        "version": _VERSION,
        "type": "context-options",
        "origin": "library",
        "browserName": log["browser"]["name"],
        "playwrightVersion": log["creator"]["version"],
        "options": {},
        "platform": sys.platform,
        "wallTime": began.timestamp() * 1000 if began else 0,
        "monotonicTime": first["_monotonicTime"] if first else 0,
        "sdkLanguage": "python",
    }


def _action(call_id: str, entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the start event and the end event of an action in the trace. The action represents one request."""
    request, response, begin = entry["request"], entry["response"], entry["_monotonicTime"]
    title = f"{request['method']} {urlsplit(request['url']).path}"
    yield {
        "type": "before",
        "callId": call_id,
        "startTime": begin,
        "class": "Frame",
        "method": "fetch",
        "title": title,
        "params": {"url": request["url"], "method": request["method"]},
    }
    end = {"type": "after", "callId": call_id, "endTime": begin + max(entry["time"], 0)}
    if response["status"] >= 400 or response["status"] < 0:
        status = f"{response['status']} {response.get('statusText', '')}".strip()
        end["error"] = {"name": "Error", "message": response.get("_failureText") or status}
    yield end


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
    """Return all headers of a request or a response. A value is replaced unless its header is known to be harmless."""
    return [
        {"name": header["name"], "value": header["value"] if _HEADERS.fullmatch(header["name"]) else REMOVED}
        for header in message.get("headers") or ()
    ]


def _only(fields: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: fields[name] for name in names if name in fields}
