"""Reads the files of a reply: requests a link to the file from the site, follows redirects to the storage, yields the bytes.

A link is valid for only a few minutes. Therefore each read of a file starts with a new link. If the link has expired before the
file is requested, another link is requested once.
"""

from __future__ import annotations

import binascii
import functools
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from .._core.errors import (
    APIStatusError,
    ChatGPTTimeoutError,
    ConversationNotFoundError,
    StreamInterruptedError,
)
from .._protocol.backend import conversation_path
from .._protocol.conversation_tree import newest_branch
from .._protocol.error_responses import status_error
from .._protocol.file_refs import find_file_refs
from .._protocol.file_requests import (
    absolute_url,
    checked_origin,
    download_request,
    find_document_text,
    link_paths,
    read_link,
    read_textdoc,
    textdocs_path,
)
from .response_reader import SMALL_BODY, receive_any_head, receive_body

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from .._core.models import Head, Session
    from .._core.options import Options
    from .._protocol.file_refs import FileRef
    from .._protocol.file_requests import FileLink
    from .._transport.browser_manager import BrowserManager
    from .._transport.fetch.download_page import DownloadPage, DownloadPages
    from .._transport.response_stream import Frame, ResponseStream
    from .backend_client import BackendClient

#: The maximum size of a file in bytes. Reading a larger file fails. The site's own limit for uploaded files is lower: 512 MB.
_MAX_FILE = 2 << 30
#: The maximum number of redirects between the site's link and the bytes.
_MAX_REDIRECTS = 4
#: The statuses of the response to a link that has expired, or to a link to a deleted file.
_EXPIRED = (401, 403, 404, 410)
#: The statuses of the response to an API path that the site does not know, or does not accept for this file. After such a
#: response, the next path is tried.
_NOT_HERE = (400, 403, 404, 405, 410, 422)


@dataclass(frozen=True)
class OpenFile:
    """A file whose bytes can be read once. ``size`` is None if the site has not stated the size."""

    name: str | None
    media_type: str | None
    size: int | None
    chunks: AsyncGenerator[bytes, None]


class FileDownloader:
    """Opens the files of replies for reading."""

    def __init__(
        self, options: Options, backend: BackendClient, manager: BrowserManager, pages: DownloadPages
    ) -> None:
        self._options = options
        self._backend = backend
        self._manager = manager
        self._pages = pages

    def close(self) -> None:
        """Fail all downloads with :class:`ClientClosedError`."""
        self._pages.close()

    @asynccontextmanager
    async def open(self, ref: FileRef) -> AsyncIterator[OpenFile]:
        """Request a link to a file, request the file, and yield the open file. At the end of the block, abort the request.

        An iteration over the ``chunks`` of the open file may also raise the errors below.

        :raises APIStatusError: the file no longer exists, or the site or the storage has refused the request for the file.
        :raises OriginError: the link or a redirect leads to a host that is neither the site nor its storage.
        :raises StreamInterruptedError: the connection broke, or the file has another size than the site stated.
        :raises ChatGPTTimeoutError: ``first_byte_timeout`` or ``idle_timeout`` has passed, and no data has arrived.
        """
        async with AsyncExitStack() as stack:
            try:
                if ref.kind == "document":
                    yield await self._open_document(ref)
                else:
                    yield await self._open_resolved(ref, stack)
            except APIStatusError as exc:
                error = _file_error(exc, ref)
                if error is exc:
                    raise
                raise error from exc

    # ---- the link ----------------------------------------------------------------------------------------------------

    async def _open_resolved(self, ref: FileRef, stack: AsyncExitStack) -> OpenFile:
        link = await self._resolve(ref)
        try:
            return await self._open_link(link, stack)
        except APIStatusError as exc:
            if exc.status_code not in _EXPIRED:
                raise
        return await self._open_link(await self._resolve(ref), stack)

    async def _resolve(self, ref: FileRef) -> FileLink:
        """Request a link to a file from the site. If the site refuses one of the API paths for links, try the next path.

        :raises APIStatusError: the site has refused all paths. The error raised is the error for the first path.
        """
        refusal: APIStatusError | None = None
        for path in link_paths(ref):
            link = await self._read_link(path)
            if not isinstance(link, APIStatusError):
                return link
            refusal = refusal or link
        raise refusal or APIStatusError("The conversation or the message of the file is unknown.")

    async def _read_link(self, path: str) -> FileLink | APIStatusError:
        """Request an API path, and return the link in the response.

        If the request fails, but another path may still return a link, return the error. Raise any other error.
        """
        try:
            return read_link(await self._backend.request_json("GET", path))
        except APIStatusError as exc:
            is_plain = type(exc) in (APIStatusError, ConversationNotFoundError)
            if not is_plain or exc.status_code not in (None, *_NOT_HERE):
                raise
            return exc

    # ---- the bytes ---------------------------------------------------------------------------------------------------

    async def _open_link(self, link: FileLink, stack: AsyncExitStack) -> OpenFile:
        from .retry import retrying_read

        # `partial` is used instead of a lambda, because tenacity does not await the result of a lambda.
        work = functools.partial(
            self._request, absolute_url(link.url, f"{self._manager.site.origin}/"), stack
        )
        stream, head = await retrying_read(work, retries=self._options.retries)
        media_type = link.media_type or head.headers.get("content-type", "").partition(";")[0].strip()
        size = _stated_size(head) if link.size is None else link.size
        return OpenFile(link.name, media_type or None, size, self._chunks(stream, size))

    async def _request(self, url: str, stack: AsyncExitStack) -> tuple[ResponseStream, Head]:
        """Request the bytes of a file, follow redirects, and return the response. Closing ``stack`` closes the request's page."""
        for _ in range(_MAX_REDIRECTS + 1):
            async with AsyncExitStack() as hop:
                # The origin is checked before a page is opened, because opening a page may take a second.
                origin = checked_origin(url, self._manager.site)
                page = await hop.enter_async_context(self._pages.open(origin))
                if origin == self._manager.site.origin:
                    request = functools.partial(self._send, page, url)
                    stream, head = await self._backend.call(request)
                else:
                    stream, head = await self._send(page, url)
                if not head.redirected:
                    await stack.enter_async_context(hop.pop_all())
                    return stream, head
                url = absolute_url(page.location or "", url)
        raise APIStatusError("The site's link to the file has too many redirects.", status_code=302)

    async def _send(
        self, page: DownloadPage, url: str, session: Session | None = None
    ) -> tuple[ResponseStream, Head]:
        """Send the request, and return the response stream and the head. The response may be a redirect.

        :param session: the session for a URL of the site. It is None for a URL of the storage.
        :raises APIStatusError: the status of the response is neither a success nor a redirect.
        """
        request = download_request(url, None if session is None else session.access_token)
        stream = page.open(request)
        head = await receive_any_head(stream, self._options)
        if head.ok or head.redirected:
            return stream, head
        response = await receive_body(stream, head, self._options, limit=SMALL_BODY)
        if session is None:
            # The error does not contain the body, because the body may contain the URL's signature, which is a secret.
            raise APIStatusError(f"The storage responded with {head.status}.", status_code=head.status)
        raise status_error(response)

    async def _chunks(self, stream: ResponseStream, size: int | None) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a file in pieces. ``size`` is the size that the site has stated, or None."""
        count = 0
        try:
            while True:
                kind, *rest = await self._next_frame(stream)
                if kind == "bytes":
                    data = binascii.a2b_base64(rest[0])
                    count += len(data)
                    _check_size(count, size)
                    yield data
                elif kind == "error":
                    raise StreamInterruptedError(
                        f"The connection broke after {count:,} bytes of the file: {rest[2]}. Read the file again."
                    )
                elif kind == "end":
                    break
        finally:
            stream.abort()
        if size is not None and count < size:
            raise StreamInterruptedError(
                f"The file ended after {count:,} bytes, but the site stated {size:,} bytes. Read the file again."
            )

    async def _next_frame(self, stream: ResponseStream) -> Frame:
        limit = self._options.idle_timeout
        with anyio.move_on_after(limit):
            return await stream.receive()
        message = f"ChatGPT timed out: nothing more of the file came for {limit:g} s"
        raise ChatGPTTimeoutError(message, limit="idle_timeout", seconds=limit)

    # ---- canvas documents --------------------------------------------------------------------------------------------

    async def _open_document(self, ref: FileRef) -> OpenFile:
        data = (await self._document_text(ref)).encode("utf-8", "replace")
        return OpenFile(ref.name, ref.media_type, len(data), _once(data))

    async def _document_text(self, ref: FileRef) -> str:
        """Return the text of a canvas document from the first of these sources that contains the text.

        1. The site's list of the conversation's documents, which has the newest text.
        2. The reference to the document.
        3. The messages of the stored conversation.

        :raises APIStatusError: no source contains the text.
        """
        if ref.conversation_id is not None:
            try:
                documents = await self._backend.request_json("GET", textdocs_path(ref.conversation_id))
            except APIStatusError as exc:
                if exc.status_code not in _NOT_HERE:
                    raise
            else:
                if (text := read_textdoc(documents, ref.id)) is not None:
                    return text
        if ref.text is not None:
            return ref.text
        text = None if ref.conversation_id is None else await self._text_in_messages(ref, ref.conversation_id)
        if text is None:
            raise APIStatusError("Neither the site's documents nor the messages contain its text.")
        return text

    async def _text_in_messages(self, ref: FileRef, conversation_id: str) -> str | None:
        data = await self._backend.request_json("GET", conversation_path(conversation_id))
        branch = [node.get("message") for _, node in newest_branch(data)][::-1]
        messages = (message for message in branch if isinstance(message, dict))
        refs = [found for message in messages for found in find_file_refs(message, conversation_id)]
        return find_document_text(refs, ref.id)


async def _once(data: bytes) -> AsyncGenerator[bytes, None]:
    yield data


def _stated_size(head: Head) -> int | None:
    """Return the size of the body from the header ``Content-Length``, or None if this size is unknown.

    For a compressed body, the header states the size before decompression. The size after decompression is unknown.
    """
    length = head.headers.get("content-length", "")
    return (
        int(length)
        if length.isascii() and length.isdigit() and not head.headers.get("content-encoding")
        else None
    )


def _check_size(count: int, size: int | None) -> None:
    if size is not None and count > size:
        raise StreamInterruptedError(
            f"The file is longer than the {size:,} bytes that the site stated. Read the file again."
        )
    if count > _MAX_FILE:
        raise APIStatusError(f"The file is longer than {_MAX_FILE:,} bytes.")


def _file_error(error: APIStatusError, ref: FileRef) -> APIStatusError:
    """Return the error with the name of the file in its message.

    If the error concerns the account or the conversation instead of the file, return it unchanged.
    """
    is_plain = type(error) in (APIStatusError, ConversationNotFoundError)
    if not is_plain or error.code == "conversation_not_found":
        return error
    fields = {
        "status_code": error.status_code,
        "detail": error.detail,
        "code": error.code,
        "body": error.body,
    }
    return APIStatusError(f"The file {ref.name} cannot be read. {error}", **fields)
