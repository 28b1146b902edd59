"""Checks the paths in the arguments of tools, and saves or returns the files of replies."""

from __future__ import annotations

import base64
import mimetypes
from typing import TYPE_CHECKING, Any

from mcp.types import (
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    TextContent,
    TextResourceContents,
)

from .._core.files import path_of_user
from .._core.image_types import image_type
from .results import SavedFile, describe_file, files_of, tool_result

if TYPE_CHECKING:
    from pathlib import Path

    from .._protocol.history import History

#: The maximum size in bytes of a file that is returned as content. Clients refuse large results, because a large result would
#: fill the model's context.
MAX_INLINE = 1_000_000
#: Images of these types are returned as images. Models cannot read other types, such as SVG.
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def absolute_path(text: str) -> Path:
    """Return a path that a client has passed. `~` means the user's home folder.

    :raises ValueError: the path is relative. The working folder of the server depends on the program that started the server.
    """
    path = path_of_user(text)
    if not path.is_absolute():
        raise ValueError(f"the path {text} is relative: pass an absolute path")
    return path


def find_file(history: History, name: str) -> Any:
    """Return the file of a conversation whose id or name is ``name``. If there are several, return the newest.

    :raises ValueError: there is no such file. The message lists the files of the conversation.
    """
    files = [file for message in history.messages for file in message.files]
    for file in reversed(files):
        if name in (file.id, file.name):
            return file
    listed = "; ".join(map(describe_file, files_of(files))) or "none"
    raise ValueError(f"the conversation has no file {name}. Its files: {listed}")


async def save_file(file: Any, target: str) -> CallToolResult:
    """Save a file as ``target`` or in the folder ``target``. The result contains the path. An existing file is not replaced."""
    # A path that ends with a separator means a folder. `Path` removes the separator, so it is added again.
    folder = target.endswith(("/", "\\"))
    path = await file.save(f"{absolute_path(target)}/" if folder else absolute_path(target))
    size = path.stat().st_size
    return tool_result(SavedFile(str(path), size), f"saved {path} ({size:,} bytes)")


async def read_file(file: Any) -> CallToolResult:
    """Return a file as content: an image as an image, a text as a text, and any other file as an embedded resource.

    :raises ValueError: the file is too large to be returned as content.
    """
    if (file.size or 0) > MAX_INLINE:
        raise ValueError(_too_large(file.name, file.size))
    data: bytes = await file.read()
    if len(data) > MAX_INLINE:
        raise ValueError(_too_large(file.name, len(data)))
    media_type = media_type_of(file.name, file.media_type, data)
    # The result has no structured content. Otherwise, some clients would pass only the structured content to the model.
    return CallToolResult(content=[content_block(file.id, data, media_type)])


def content_block(file_id: str, data: bytes, media_type: str) -> ContentBlock:
    """Return the content of a file in the form that models can read best."""
    if media_type in _IMAGES:
        return ImageContent(data=base64.b64encode(data).decode(), mime_type=media_type)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = None
    uri = f"chatgpt-file:{file_id}"
    if text is None or "\0" in text:
        blob = base64.b64encode(data).decode()
        return EmbeddedResource(resource=BlobResourceContents(uri=uri, mime_type=media_type, blob=blob))
    if media_type == "text/plain":
        return TextContent(text=text)
    return EmbeddedResource(resource=TextResourceContents(uri=uri, mime_type=media_type, text=text))


def media_type_of(name: str, stated: str | None, data: bytes = b"") -> str:
    """Return a file's media type: the type that its first bytes show, or else `stated`, or else the type for its suffix."""
    return image_type(data) or stated or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _too_large(name: str, size: int) -> str:
    return f"{name} has {size:,} bytes, which is too large for a result: pass save_to, and the file is saved there"
