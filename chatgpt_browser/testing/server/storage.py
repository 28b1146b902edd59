"""`Storage`: the file storage of the site. It has a separate origin, and requires signed URLs instead of an access token."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tempfile
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, unquote

from ..data.download_options import DownloadOptions
from ..data.upload_options import UploadOptions
from ..script.responses import Answer
from .step_playback import play

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from starlette.types import Receive

    from ..data.recorded_request import RecordedRequest
    from .response_writer import ResponseWriter

#: The number of bytes that are read from a stored file at once.
_CHUNK_SIZE = 1 << 20
_PATH_PREFIX, _PATH_SUFFIX = "/files/", "/raw"


@dataclass
class StoredFile:
    """A file in the storage. Its bytes are on the disk, so that a large file does not need memory."""

    id: str
    name: str
    media_type: str
    path: Path
    #: The number of bytes. None: the bytes have not been uploaded yet.
    size: int | None = None
    #: The SHA-256 digest of the bytes in hexadecimal.
    sha256: str = ""

    def read(self) -> bytes:
        """Return the bytes of the file."""
        return self.path.read_bytes()


@dataclass
class Downloads:
    """The files of replies that clients can download, and the options for these downloads."""

    options: DownloadOptions = DownloadOptions()
    #: The files of code interpreters. The key is a pair: the ID of a conversation, and the path of the file in its code
    #: interpreter. The value is the ID of the file.
    interpreter_files: dict[tuple[str, str], str] = field(default_factory=dict)
    #: Maps the ID of a conversation to its canvas documents.
    textdocs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    #: Maps the key in a URL of `/estuary/content` to the ID of the file. The keys of expired links are not stored.
    keys: dict[str, str] = field(default_factory=dict)


class Storage:
    """The stored files, and the responses of the storage's own origin.

    The storage accepts a request only if its URL was made by `sign()`. As on the site, a request must not have an access token.
    """

    def __init__(self) -> None:
        #: The origin and the port of the storage. Before the first start of the server, the origin is empty and the port is 0.
        self.origin = ""
        self.port = 0
        #: The origin of the site. CORS headers allow the pages of this origin to read the responses of the storage.
        self.site_origin = ""
        #: The files of replies, and the way in which clients can download them.
        self.downloads: Downloads = Downloads()
        #: Maps an ID to its file.
        self.files: dict[str, StoredFile] = {}
        #: The way in which pages upload files, and the limits for files.
        self.uploads: UploadOptions = UploadOptions()
        self._signatures: dict[str, tuple[str, str]] = {}
        self._folder: Path | None = None

    def is_at(self, scope: MutableMapping[str, Any]) -> bool:
        """Return whether a request was sent to the storage's port, according to its ASGI scope."""
        return bool(self.port) and (scope.get("server") or ("", 0))[1] == self.port

    def create(self, name: str, media_type: str = "application/octet-stream") -> StoredFile:
        """Create a file whose bytes have not been uploaded yet, and return it."""
        file_id = f"file_{secrets.token_hex(16)}"
        file = self.files[file_id] = StoredFile(file_id, name, media_type, self._path / file_id)
        return file

    def add(
        self, name: str, content: bytes | Path, media_type: str = "application/octet-stream"
    ) -> StoredFile:
        """Add a file with its bytes, and return it. If `content` is a `Path`, the file at this path is used and not copied."""
        file = self.create(name, media_type)
        if isinstance(content, Path):
            file.path = content
        else:
            file.path.write_bytes(content)
        file.size, file.sha256 = file.path.stat().st_size, _digest(file.path)
        return file

    def write(self, file: StoredFile, content: bytes) -> None:
        """Store the bytes of a file that a page has sent to the site's origin, not to a signed URL of the storage."""
        file.path.write_bytes(content)
        file.size, file.sha256 = len(content), _digest(file.path)

    def sign(self, file_id: str, method: str = "GET") -> str:
        """Return a URL at which the file can be downloaded (`GET`) or uploaded (`PUT`). Each call returns another URL."""
        signature = secrets.token_urlsafe(24)
        self._signatures[signature] = (file_id, method)
        return f"{self.origin}{_PATH_PREFIX}{quote(file_id, safe='')}{_PATH_SUFFIX}?se=2026&sig={signature}"

    def expire(self) -> None:
        """Invalidate all URLs that `sign()` has returned so far."""
        self._signatures.clear()

    async def receive(self, record: RecordedRequest, receive: Receive) -> bool:
        """If a request is an upload, store its body. Return whether the client has disconnected before the end of the body."""
        file = self._find(record) if record.method == "PUT" else None
        digest, size = hashlib.sha256(), 0
        with (Path(os.devnull) if file is None else file.path).open("wb") as target:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return True
                chunk = message.get("body", b"")
                digest.update(chunk)
                size += target.write(chunk)
                if not message.get("more_body", False):
                    break
        if file is not None:
            file.size, file.sha256 = size, digest.hexdigest()
        return False

    async def respond(self, record: RecordedRequest, writer: ResponseWriter) -> None:
        """Send the response to a request. The body of the request was already stored by `receive()`."""
        allowed = (
            []
            if not self.downloads.options.cors
            else [
                ("access-control-allow-origin", self.site_origin),
                ("access-control-allow-methods", "GET, PUT, OPTIONS"),
                ("access-control-allow-headers", "*"),
                ("access-control-expose-headers", "*"),
            ]
        )
        if record.method == "OPTIONS":
            await play(Answer(204, "", allowed), writer)
            return
        file = self._find(record)
        if file is None or record.bearer is not None:
            await play(Answer(403, "AuthenticationFailed", allowed), writer)
        elif record.method == "PUT":
            await play(Answer(201, "", allowed), writer)
        elif file.size is None:
            await play(Answer(404, "BlobNotFound", allowed), writer)
        else:
            await send_file(file, writer, allowed)

    def _find(self, record: RecordedRequest) -> StoredFile | None:
        """Return the file of a request. Return None if the URL is not valid for the file and the method."""
        path = record.path
        file_id = unquote(path[len(_PATH_PREFIX) : -len(_PATH_SUFFIX)])
        is_file = path.startswith(_PATH_PREFIX) and path.endswith(_PATH_SUFFIX)
        signature = next(iter(parse_qs(record.query).get("sig", ())), "")
        is_signed = self._signatures.get(signature) == (file_id, record.method)
        return self.files.get(file_id) if is_file and is_signed else None

    @property
    def _path(self) -> Path:
        """The folder of the uploaded files. It is created at the first use, and deleted with this object."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="fake_chatgpt_"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder


async def send_file(file: StoredFile, writer: ResponseWriter, headers: list[tuple[str, str]]) -> None:
    """Send the bytes of a file. The file is read in pieces."""
    disposition = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
    own = [("content-type", file.media_type), ("content-length", str(file.size))]
    await writer.head(200, [*own, ("content-disposition", disposition), *headers])
    with file.path.open("rb") as source:
        while chunk := source.read(_CHUNK_SIZE):
            await writer.chunk(chunk)
    await writer.end()


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK_SIZE):
            digest.update(chunk)
    return digest.hexdigest()
