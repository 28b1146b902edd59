"""The messages of a request as plain data: roles, texts and files. Reads the content parts of both endpoints."""

from __future__ import annotations

import base64
import binascii
import hashlib
import mimetypes
from dataclasses import dataclass, field
from typing import Any

from .errors import APIError, invalid, unsupported

#: The types of content parts with text, with images and with files. The two endpoints use different names.
_TEXTS = frozenset({"text", "input_text", "output_text"})
_IMAGES = frozenset({"image_url", "input_image"})
_FILES = frozenset({"file", "input_file"})
#: The default of an image's field `detail`.
_DETAIL = (None, "auto")
_NO_FUNCTIONS = "the site cannot call functions of the client"
#: The fields of a message that are refused, each with the reason.
_REFUSED_FIELDS = {
    "tool_calls": _NO_FUNCTIONS,
    "function_call": _NO_FUNCTIONS,
    "audio": "send the message as text",
    "name": "the site has no names for the authors of messages",
}
_ROLES = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}


@dataclass(frozen=True)
class InputFile:
    """A file or an image of a message."""

    name: str
    data: bytes = field(repr=False)
    media_type: str
    #: The hash of the bytes. The constructor computes it, because the body of a large request is parsed in a thread: there,
    #: hashing a large file does not block the event loop.
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        """Compute :attr:`digest`."""
        object.__setattr__(self, "digest", hashlib.sha256(self.data).hexdigest())


@dataclass(frozen=True)
class InputMessage:
    """A message of a request. ``role`` is ``"user"``, ``"assistant"`` or ``"system"``."""

    role: str
    text: str
    files: tuple[InputFile, ...] = ()


def read_message(value: Any, field_name: str) -> InputMessage:
    """Return a message of a request.

    :param field_name: the name of the message in the request, for errors.
    :raises APIError: the message is invalid, or contains a part that the site cannot use.
    """
    if not isinstance(value, dict):
        raise invalid(field_name, "must be an object")
    role = value.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise unsupported(f"{field_name}.role", f"the roles are {', '.join(_ROLES)}")
    for name, reason in _REFUSED_FIELDS.items():
        if value.get(name):
            raise unsupported(f"{field_name}.{name}", reason)
    content = value.get("content")
    if content is None and role == "assistant":
        content = value.get("refusal") or ""
    files: list[InputFile] = []
    text = read_content(content, f"{field_name}.content", files)
    if files and role != "user":
        raise unsupported(f"{field_name}.content", "only messages of the user can have images and files")
    return InputMessage(_ROLES[role], text, tuple(files))


def read_content(content: Any, field_name: str, files: list[InputFile]) -> str:
    """Return the text of a message's content, and append its images and files to ``files``.

    :raises APIError: the content is invalid, or contains a part that the site cannot use.
    """
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise invalid(field_name, "must be a string or an array of parts")
    texts: list[str] = []
    for index, part in enumerate(content):
        name = f"{field_name}[{index}]"
        kind = str(part.get("type")) if isinstance(part, dict) else None
        if kind in _TEXTS:
            texts.append(_text(part.get("text"), f"{name}.text"))
        elif kind == "refusal":
            texts.append(_text(part.get("refusal"), f"{name}.refusal"))
        elif kind in _IMAGES:
            files.append(_image(part, name, len(files) + 1))
        elif kind in _FILES:
            files.append(_file(part, name, len(files) + 1))
        else:
            raise unsupported(f"{name}.type", "the parts of a message can be texts, images and files")
    return "\n".join(texts)


def _text(value: Any, field_name: str) -> str:
    if not isinstance(value, str):
        raise invalid(field_name, "must be a string")
    return value


def _image(part: dict[str, Any], field_name: str, number: int) -> InputFile:
    """Return the image of a part. The field `image_url` is a data URL, or an object that contains the data URL."""
    if part.get("file_id"):
        raise unsupported(f"{field_name}.file_id", "send the image as a data URL")
    given = part.get("image_url")
    source, parent = (given, f"{field_name}.image_url") if isinstance(given, dict) else (part, field_name)
    if source.get("detail") not in _DETAIL:
        raise unsupported(f"{parent}.detail", "the site chooses the resolution of an image")
    url = source.get("url") if source is given else given
    media_type, data = _read_data_url(url, f"{field_name}.image_url")
    if not media_type.startswith("image/"):
        raise invalid(f"{field_name}.image_url", "must be a data URL with the type of an image")
    return InputFile(f"image-{number}{mimetypes.guess_extension(media_type) or ''}", data, media_type)


def _file(part: dict[str, Any], field_name: str, number: int) -> InputFile:
    """Return the file of a part. A part `file` has its fields in an object `file`; a part `input_file` has them directly."""
    source = part.get("file") if part.get("type") == "file" else part
    if not isinstance(source, dict):
        raise invalid(f"{field_name}.file", "must be an object")
    if source is not part:
        field_name += ".file"
    for name in ("file_id", "file_url"):
        if source.get(name):
            raise unsupported(f"{field_name}.{name}", "send the file in file_data, as a data URL")
    given = source.get("file_data")
    if isinstance(given, str) and not given.lower().startswith(("data:", "http:", "https:")):
        given = f"data:;base64,{given}"
    media_type, data = _read_data_url(given, f"{field_name}.file_data")
    name = source.get("filename") or f"file-{number}{mimetypes.guess_extension(media_type) or ''}"
    guessed = mimetypes.guess_type(_text(name, f"{field_name}.filename"))[0]
    return InputFile(name, data, media_type or guessed or "application/octet-stream")


def _read_data_url(url: Any, field_name: str) -> tuple[str, bytes]:
    """Return the media type and the bytes of a data URL.

    Other URLs are refused, because they could lead to a private host.
    """
    if not isinstance(url, str):
        raise invalid(field_name, "must be a data URL")
    if url[:5].lower() != "data:":
        raise unsupported(field_name, "must be a data URL: this server does not download from other URLs")
    comma = url.find(",")
    media_type, *parameters = url[5:comma].lower().split(";") if comma > 0 else [""]
    if parameters[-1:] != ["base64"]:
        raise invalid(field_name, "must be a data URL in base64 (data:image/png;base64,…)")
    try:
        data = base64.b64decode(url[comma + 1 :], validate=True)
    except (binascii.Error, ValueError):
        raise invalid(field_name, "is not valid base64") from None
    if not data:
        raise invalid(field_name, "is empty")
    return media_type, data


def check_messages(messages: list[InputMessage], field_name: str) -> None:
    """Check that the newest message is from the user and is not empty.

    :raises APIError: the newest message is missing, is empty, or is not from the user.
    """
    if not messages:
        raise invalid(field_name, "must not be empty")
    newest = messages[-1]
    if newest.role != "user":
        raise unsupported(field_name, "the newest message must be from the user")
    if not newest.text.strip() and not newest.files:
        raise APIError(
            400, f"{field_name}: the newest message is empty", code="invalid_value", param=field_name
        )
