"""Finds the files in the messages of a reply: generated images, files of the code interpreter, and canvas documents.

A message contains only a reference to a file. The bytes are read later; see ``file_requests``. A file that the user has attached
to a question is not a file of the reply.
"""

from __future__ import annotations

import mimetypes
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

from .._core.file_names import safe_file_name, unique_names
from .answer_tracker import optional_id, optional_text
from .canvas import EditBudget, TextEdit, apply_edits, document_name, read_canvas_call, read_canvas_result
from .message import answer_rank, message_metadata, message_text, role_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

#: The kinds of files. A file of the code interpreter has the kind ``"file"``, even if the file is an image.
FileKind = Literal["image", "file", "document"]

#: The tools that show pages of the user's own files as images. These images are not files of the reply.
_READERS_OF_UPLOADS = ("myfiles_browser", "file_search")
#: The value of ``async_task_type`` in a message about an image that the site is making. The image may be finished after the end
#: of the stream.
_IMAGE_TASK = "image_gen"
#: The type and the suffix of a generated image. Messages do not state the type. The site's image generator makes PNG files.
_IMAGE_TYPE, _IMAGE_SUFFIX = "image/png", ".png"
_SANDBOX = "sandbox:"
#: The maximum length of a path in the code interpreter, as in Linux. A longer text is not a path.
_MAX_PATH = 4096


@dataclass(frozen=True)
class FileRef:
    """A reference to one file of a reply.

    * ``id`` is the id of an image or of a document. For a file of the code interpreter, ``id`` is the path of the file in the
      interpreter.
    * ``name`` is the name that the site states. It may contain a path or characters that are not safe in a file name.
      :func:`join_file_refs` replaces this name by a safe file name.
    * ``message_id`` is the id of the message that contains the reference.
    * ``text`` is the text of a document, or None if the messages of the reply do not contain the text.
    """

    kind: FileKind
    id: str
    name: str
    media_type: str | None = None
    size: int | None = None
    conversation_id: str | None = None
    message_id: str | None = None
    text: str | None = field(default=None, repr=False)
    #: The changes to the document in this message. :func:`join_file_refs` applies the changes to the document's text.
    edits: tuple[TextEdit, ...] = field(default=(), repr=False)
    #: True if this reference is the result of a failed call of the canvas. A failed call does not create or change a document.
    is_refused: bool = False


def find_file_refs(message: dict[str, Any], conversation_id: str | None) -> list[FileRef]:
    """Return references to the files in one message of a reply.

    Several messages can create and change one canvas document. Therefore, collect the results for all messages of a reply, and
    pass them in order to :func:`join_file_refs`.
    """
    role = role_of(message)
    if role not in ("assistant", "tool"):
        return []
    found = [*_images(message), *_documents(message)]
    if role == "assistant" and answer_rank(message):
        found += _interpreter_files(message)
    message_id = optional_text(message.get("id"))
    return [replace(ref, conversation_id=conversation_id, message_id=message_id) for ref in found]


def join_file_refs(refs: Iterable[FileRef]) -> list[FileRef]:
    """Return the files of a reply, each file once. ``refs`` contains the references in all the reply's messages, in order.

    Each file in the result has a safe file name, and no two files have the same name. If several messages refer to one file, the
    result contains the newest reference, at the position of the oldest reference.

    Some messages change a canvas document that an earlier message has created. These changes are applied to the document's text.
    """
    files: dict[tuple[str, str], FileRef] = {}
    budget = EditBudget()
    call: FileRef | None = None  # The newest call of the canvas, if its result has not been read yet.
    for ref in refs:
        if ref.kind != "document":
            files[ref.kind, ref.id] = ref
        elif not ref.id:
            if call is not None:
                _add_document(files, call, budget)
            call = ref
        else:
            if not ref.is_refused:
                _add_document(files, _joined(call, ref), budget)
            call = None
    if call is not None:
        _add_document(files, call, budget)
    found = list(files.values())
    names = unique_names([safe_file_name(ref.name, ref.kind) for ref in found])
    return [replace(ref, name=name) for ref, name in zip(found, names, strict=True)]


def is_image_pending(messages: Iterable[dict[str, Any]]) -> bool:
    """Return whether the site is still making an image for a reply. ``messages`` is in the order of the reply."""
    pending = False
    for message in messages:
        if has_image(message):
            pending = False
        elif message_metadata(message).get("async_task_type") == _IMAGE_TASK:
            pending = announces_image(message)
    return pending


def has_image(message: dict[str, Any]) -> bool:
    """Return whether a message of a reply contains an image."""
    return any(True for _ in _images(message))


def announces_image(message: dict[str, Any]) -> bool:
    """Return whether a message reports that the site has begun to make an image. The message itself contains no image."""
    is_task = message_metadata(message).get("async_task_type") == _IMAGE_TASK and role_of(message) == "tool"
    return is_task and message.get("status") != "finished_with_error" and not has_image(message)


def newest_file_message(messages: Sequence[dict[str, Any]], *, with_pending: bool = False) -> str | None:
    """Return the id of the newest message with a file, or None. ``messages`` is in the order of the reply.

    If ``with_pending`` is True, an image that the site is still making is treated as a file.
    """
    for message in reversed(messages):
        if find_file_refs(message, None) or (with_pending and is_image_pending([message])):
            return optional_text(message.get("id"))
    return None


def file_id(pointer: object) -> str | None:
    """Return the id of a file from the site's pointer to the file, or None if the pointer is invalid.

    Examples of pointers are ``file-service://file-abc`` and ``sediment://file_abc``. A pointer may consist of parts that ``#``
    separates. The id is the part that starts with ``file_`` or ``file-``.
    """
    if not isinstance(pointer, str):
        return None
    parts = [part.partition("?")[0] for part in pointer.rpartition("://")[2].split("#")]
    named = (part for part in parts if part.startswith(("file_", "file-")))
    return optional_id(next(named, parts[0]))


# ---- images ----------------------------------------------------------------------------------------------------------


def _images(message: dict[str, Any]) -> Iterator[FileRef]:
    author = message.get("author")
    if isinstance(author, dict) and author.get("name") in _READERS_OF_UPLOADS:
        return
    metadata = message_metadata(message)
    title = optional_text(metadata.get("image_gen_title"))
    for part in _parts(message):
        if part.get("content_type") == "image_asset_pointer" and (name := file_id(part.get("asset_pointer"))):
            yield _image(name, title, _size(part.get("size_bytes")))
    for output in _interpreter_output(metadata):
        if output.get("message_type") == "image" and (name := file_id(output.get("image_url"))):
            yield _image(name, None, None)


def _image(name: str, title: str | None, size: int | None) -> FileRef:
    return FileRef("image", name, (title or name) + _IMAGE_SUFFIX, _IMAGE_TYPE, size)


def _parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the JSON objects in a message's content: the content itself, and each of its parts that is an object."""
    content = message.get("content")
    if not isinstance(content, dict):
        return []
    parts = content.get("parts")
    return [part for part in (content, *(parts if isinstance(parts, list) else ())) if isinstance(part, dict)]


def _interpreter_output(metadata: dict[str, Any]) -> list[dict[str, Any]]:
    result = metadata.get("aggregate_result")
    outputs = result.get("messages") if isinstance(result, dict) else None
    return [output for output in outputs if isinstance(output, dict)] if isinstance(outputs, list) else []


def _size(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


# ---- files of the code interpreter -----------------------------------------------------------------------------------

#: Matches a link to a file in three forms: ``<sandbox:/a b.csv>``, ``(sandbox:/a(1).csv "title")`` and ``sandbox:/a.csv`` alone.
_LINK = re.compile(
    r"<sandbox:(?P<angled>/[^<>\n]+)>"
    r"|\(\s{0,9}sandbox:(?P<linked>/(?:[^() \t\n\"']|[ \t]{1,9}(?![ \t\n\"')])|\([^()\n]{0,999}\)|(?<=\S)['\"]){1,4096})"
    r"\s{0,9}(?:(?<=\s)[\"'][^\n]{0,299}?[\"']\s{0,9})?\)"
    r"|sandbox:(?P<bare>/[^\s<>()\[\]\"'`]+)"
)


def _interpreter_files(message: dict[str, Any]) -> Iterator[FileRef]:
    text = message_text(message)
    if _SANDBOX not in text:
        return
    for match in _LINK.finditer(text):
        path = unquote(match["angled"] or match["linked"] or match["bare"].rstrip(".,;:!?*_"))
        name = path.rpartition("/")[2]
        if name and len(path) <= _MAX_PATH:
            yield FileRef("file", path, name, mimetypes.guess_type(name)[0])


# ---- canvas documents ------------------------------------------------------------------------------------------------


def _documents(message: dict[str, Any]) -> Iterator[FileRef]:
    call, result = read_canvas_call(message), read_canvas_result(message)
    if call is not None:
        name, media_type = document_name(call.title, call.type) if call.title is not None else ("", None)
        yield FileRef("document", "", name, media_type, text=call.text, edits=call.edits)
    if result is not None:
        name, media_type = document_name(result.title, result.type)
        yield FileRef("document", result.id, name, media_type, is_refused=result.is_failure)


def _joined(call: FileRef | None, result: FileRef) -> FileRef:
    """Return the document that a call of the canvas creates or changes, with the id from the result of the call.

    If the call is unknown, return ``result``.
    """
    if call is None:
        return result
    return replace(
        call, id=result.id, name=call.name or result.name, media_type=call.media_type or result.media_type
    )


def _add_document(files: dict[tuple[str, str], FileRef], ref: FileRef, budget: EditBudget) -> None:
    """Add a document to ``files``, or apply a change to a document in ``files``.

    A change without the id of a document is applied to the newest document.
    """
    documents = (name for kind, name in reversed(files) if kind == "document")
    if not ref.id and ref.edits and (newest := next(documents, None)) is not None:
        ref = replace(ref, id=newest)
    elif not ref.id:
        ref = replace(ref, id=ref.message_id or "")
    before = files.get(("document", ref.id))
    if before is not None and ref.text is None:
        text = before.text
        name, media_type = (ref.name, ref.media_type) if ref.name else (before.name, before.media_type)
        ref = replace(ref, name=name, media_type=media_type, text=text)
    if ref.edits:
        ref = replace(ref, text=apply_edits(ref.text, ref.edits, budget), edits=())
    files["document", ref.id] = ref
