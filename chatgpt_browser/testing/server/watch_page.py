"""The watch page (`/__watch`), which shows the server's conversations, requests and faults while a test runs."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..script.responses import Answer
from .schedule import Schedule
from .step_playback import play
from .watch_items import watch_items

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest
    from .response_writer import ResponseWriter
    from .site import Site

#: The path of the page, and the prefix of its other paths. Their requests are not recorded, and no fault applies to them.
WATCH_PATH = "/__watch"

_FILES = {
    "": ("watch.html", "text/html"),
    "/watch.css": ("watch.css", "text/css"),
    "/watch.js": ("watch.js", "text/javascript"),
}
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'"
_HEADERS = [
    ("content-security-policy", _POLICY),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
]
_STREAM = [("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-store")]
# A fast reply has thousands of events; more updates per second would not be visible.
_UPDATES_PER_SECOND = 20


async def serve_watch_page(site: Site, writer: ResponseWriter) -> None:
    """Answer a request for the page, its files or its event stream; 404 for other paths and host names."""
    record = writer.record
    name = record.path.removeprefix(WATCH_PATH)
    if record.method != "GET" or not _is_local(site, record):
        await play(Answer.error(404, "Not Found"), writer)
    elif name == "/events":
        await _stream(site, writer)
    elif name in _FILES:
        file, kind = _FILES[name]
        text = (files(__package__) / "pages" / file).read_text(encoding="utf-8")
        await play(Answer(200, text, _HEADERS, f"{kind}; charset=utf-8"), writer)
    else:
        await play(Answer.error(404, "Not Found"), writer)


def _is_local(site: Site, record: RecordedRequest) -> bool:
    """Return whether the Host header names this server: a foreign page may have pointed its name to this address."""
    host = record.headers.get("host", "")
    return host == urlsplit(site.origin).netloc or urlsplit(f"//{host}").hostname in (
        "127.0.0.1",
        "localhost",
        "::1",
    )


async def _stream(site: Site, writer: ResponseWriter) -> None:
    """Send all items, then the changed ones, as server-sent events."""
    sent: dict[str, str] = {}
    with site.changes.watched() as watcher:
        await writer.head(200, _STREAM)
        while True:
            schedule = Schedule()
            changed = _changed_items(site, sent)
            if changed:
                await writer.chunk(b"data: [" + ",".join(changed).encode() + b"]\n\n")

            await watcher.next_change()
            await schedule.wait_until(1 / _UPDATES_PER_SECOND)


def _changed_items(site: Site, sent: dict[str, str]) -> list[str]:
    """Return the JSON of the items that differ from those in `sent`, and update `sent`."""
    with site.lock:
        now = {f"{item['kind']} {item['id']}": json.dumps(item) for item in watch_items(site)}

    changed = [text for key, text in now.items() if sent.get(key) != text]
    sent.update(now)
    return changed
