"""Builds the requests for the files of a reply, reads the responses, and checks the URLs that the responses contain.

A reply refers to a file by an id. A request to the backend resolves the id to a URL. The file is stored on the site's own origin,
or on a separate storage host. The access token must not be sent to a storage host.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode, urljoin, urlsplit

from .._core.errors import APIStatusError, OriginError
from .._core.models import Request
from .._core.urls import is_loopback, origin_of
from .answer_tracker import optional_text
from .file_refs import join_file_refs

if TYPE_CHECKING:
    from .._core.urls import Site
    from .file_refs import FileRef

#: The hosts of the site's storage end with one of these texts.
_STORAGE_HOSTS = (".oaiusercontent.com", ".blob.core.windows.net")
#: Matches the URLs that Python and a browser parse in the same way. For example, a browser reads a backslash as a slash, but
#: Python does not.
_PLAIN_URL = re.compile(
    r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?(?:[/?#][^\x00-\x20\x7f\\]*)?",
    re.ASCII | re.IGNORECASE,
)

_INVALID = "The site's link to the file is not a valid URL. No request was sent."


class FileLink(NamedTuple):
    """The link to a file: a URL that is valid for a few minutes, and the file's name, size and media type.

    A field that the site did not send is None.
    """

    url: str
    name: str | None
    size: int | None
    media_type: str | None


def link_paths(ref: FileRef) -> list[str]:
    """Return the paths to try for the link to a file, relative to the backend's base URL. The most likely path comes first.

    The result is empty for a file of the code interpreter if its conversation or its message is unknown.
    """
    conversation = ref.conversation_id
    if ref.kind == "file":
        if conversation is None or ref.message_id is None:
            return []
        query = urlencode({"message_id": ref.message_id, "sandbox_path": ref.id}, errors="replace")
        return [f"conversation/{_quoted(conversation)}/interpreter/download?{query}"]
    name = _quoted(ref.id)
    query = urlencode({"conversation_id": conversation or "", "inline": "false"}, errors="replace")
    paths = [f"files/download/{name}?{query}", f"files/{name}/download"]
    if conversation is not None:
        paths.append(f"conversation/{_quoted(conversation)}/attachment/{name}/download")
    return paths


def textdocs_path(conversation_id: str) -> str:
    """Return the path of the canvas documents of a conversation, relative to the backend's base URL."""
    return f"conversation/{_quoted(conversation_id)}/textdocs"


def read_link(data: Any) -> FileLink:
    """Return the link in the response to a request for a file.

    :raises APIStatusError: the site has refused the request, or the response contains no link.
    """
    fields = data if isinstance(data, dict) else {}
    url = optional_text(fields.get("download_url"))
    code = optional_text(fields.get("error_code"))
    if url is None or fields.get("status") == "error":
        reason = code or optional_text(fields.get("error_message")) or "the response contains no link"
        raise APIStatusError(f"The site has no link to the file: {reason}.", code=code)
    size = fields.get("file_size_bytes")
    is_size = isinstance(size, int) and not isinstance(size, bool) and size > 0
    name, media_type = optional_text(fields.get("file_name")), optional_text(fields.get("mime_type"))
    return FileLink(url, name, size if is_size else None, media_type)


def read_textdoc(data: Any, name: str) -> str | None:
    """Return the text of a document from the response of ``GET /conversation/{id}/textdocs``.

    The result is None if the response does not contain the document. ``name`` is the id of the document.
    """
    documents = data.get("textdocs", data.get("items")) if isinstance(data, dict) else data
    for document in documents if isinstance(documents, list) else ():
        if isinstance(document, dict) and name in (document.get("id"), document.get("textdoc_id")):
            text = document.get("content")
            return text if isinstance(text, str) else None
    return None


def find_document_text(refs: list[FileRef], name: str) -> str | None:
    """Return the text of the document with the id ``name``, or None if the text is unknown.

    :param refs: the references to files in all messages of a conversation, in order.
    """
    found = (ref.text for ref in join_file_refs(refs) if ref.kind == "document" and ref.id == name)
    return next(found, None)


def absolute_url(url: str, base: str) -> str:
    """Return the absolute URL of a link or of a redirect. ``base`` is the URL of the response that contains the link.

    :raises OriginError: ``url`` is not a URL.
    """
    try:
        return urljoin(base, url.strip())
    except ValueError:
        raise OriginError(_INVALID) from None


def download_request(url: str, access_token: str | None) -> Request:
    """Return the request for the bytes of a file.

    For a storage host, ``access_token`` is None. Then the request contains neither an access token nor cookies.
    """
    if access_token is None:
        return Request("GET", url, download=True, credentials="omit")
    return Request("GET", url, {"authorization": f"Bearer {access_token}"}, download=True)


def checked_origin(url: str, site: Site) -> str:
    """Check that a file may be downloaded from a URL, and return the URL's origin.

    The URL must lead to the site's own origin or to one of the site's storage hosts. If the site runs on this machine (in tests),
    every server on this machine is allowed too.

    :raises OriginError: the URL is invalid, or has another origin.
    """
    try:
        parts, origin = urlsplit(url), origin_of(url)
    except ValueError:
        raise OriginError(_INVALID) from None
    if not _PLAIN_URL.fullmatch(url):
        raise OriginError(_INVALID)
    host = parts.hostname or ""
    is_storage = origin == f"https://{host}" and host.endswith(_STORAGE_HOSTS)
    is_local = is_loopback(urlsplit(site.origin).hostname or "") and is_loopback(host)
    if origin == site.origin or is_storage or is_local:
        return origin
    raise OriginError(
        f"The site's link to the file leads to {origin}, which is neither the site nor its storage. No request was sent there.",
        origin=origin,
    )


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")
