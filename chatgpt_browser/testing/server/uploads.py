"""The endpoints with which a page uploads files: `POST /files` and the requests after it."""

from __future__ import annotations

import asyncio
import json
import mimetypes
from typing import TYPE_CHECKING, Any

from ..script.responses import Answer
from .json_body import json_object
from .step_playback import play

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..data.recorded_request import RecordedRequest
    from .response_writer import ResponseWriter
    from .site import Site
    from .storage import StoredFile

_TOO_LARGE = "The file is too large. Files can have at most {limit} bytes."
_TOO_MANY = "You've reached the limit for file uploads. Try again later."
_CANNOT_READ = "The file could not be processed."


def create_file(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `POST /files` with the ID of a new file, and the URL for its bytes."""
    body = json_object(record)
    name, size = body.get("file_name"), body.get("file_size")
    if not isinstance(name, str) or not isinstance(size, int) or "use_case" not in body:
        return Answer.unprocessable([(["body", "file_name"], "field required")])
    options = site.storage.uploads
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    limit = options.max_image_size if kind.startswith("image/") else options.max_file_size
    if size > limit:
        return _refusal(413, "file_too_large", _TOO_LARGE.format(limit=limit))
    if options.remaining is not None and len(site.storage.files) >= options.remaining:
        return _refusal(429, "file_upload_limit_exceeded", _TOO_MANY)
    file = site.storage.create(name, body.get("mime_type") or kind)
    if options.order == "finalized":
        url = f"{site.origin}/backend-api/files/{file.id}/upload_content_and_finalize"
    else:
        url = site.storage.sign(file.id, "PUT")
    return Answer(200, {"status": "success", "file_id": file.id, "upload_url": url})


def store_content(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `POST /files/{id}/upload_content_and_finalize`. The body is a form; its one field has the bytes."""
    file = site.storage.files.get(parameters["id"])
    boundary = record.headers.get("content-type", "").partition("boundary=")[2].encode()
    if file is None or not boundary:
        return Answer.error(404, "File not found")
    content = record.body.split(b"\r\n\r\n", 1)[1].rpartition(b"\r\n--" + boundary)[0]
    site.storage.write(file, content)
    return Answer(200, {"status": "success", "file_id": file.id})


def confirm_upload(site: Site, record: RecordedRequest, parameters: Mapping[str, str]) -> Answer:
    """Respond to `POST /files/{id}/uploaded`."""
    file = site.storage.files.get(parameters["id"])
    if file is None or file.size is None:
        return Answer.error(404, "File not found")
    return Answer(200, {"status": "success", "file_name": file.name, "mime_type": file.media_type})


#: The POST endpoints of uploads, except `/files/process_upload_stream`.
UPLOAD_ENDPOINTS = {
    "/files": create_file,
    "/files/{id}/uploaded": confirm_upload,
    "/files/{id}/upload_content_and_finalize": store_content,
}


async def process_upload(site: Site, record: RecordedRequest, writer: ResponseWriter) -> None:
    """Respond to `POST /files/process_upload_stream` with a stream of JSON lines."""
    file = site.storage.files.get(str(json_object(record).get("file_id")))
    refusal = site.session.refuse(record)
    if refusal is None and (file is None or file.size is None):
        refusal = Answer.error(404, "File not found")
    if refusal is not None or file is None:
        await play(refusal or Answer.error(404, "File not found"), writer)
        return
    await writer.head(200, [("content-type", "text/event-stream; charset=utf-8")])
    await writer.chunk(_line(file, "file.processing.started", 0))
    await writer.chunk(_line(file, "file.processing.file_ready", 20))
    await asyncio.sleep(site.storage.uploads.processing_time)
    if file.name in site.storage.uploads.unprocessable:
        await writer.end(_line(file, "file.processing.failed", 20, message=_CANNOT_READ))
        return
    await writer.chunk(_line(file, "file.indexing.completed", 90))
    await writer.end(_line(file, "file.processing.completed", 100, extra={"mime_type": file.media_type}))


def _line(file: StoredFile, event: str, progress: int, **fields: Any) -> bytes:
    return json.dumps({"file_id": file.id, "event": event, "progress": progress, **fields}).encode() + b"\n"


def _refusal(status: int, code: str, message: str) -> Answer:
    return Answer.error(status, {"code": code, "message": message})
