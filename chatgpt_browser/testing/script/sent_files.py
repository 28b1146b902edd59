"""`SentFile`: a file of a reply. The server converts it to the same messages as the site."""

from __future__ import annotations

import base64
import json
import mimetypes
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from .side_messages import Aside

#: A PNG image of one pixel.
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
_PAINTER = "t2uay3k.sj1i4kz"


@dataclass(frozen=True)
class SentFile:
    """A file of a reply. Each class method creates one kind of file.

    >>> Reply("Here is the table.", files=[SentFile.interpreter("table.csv", b"a,b")])
    """

    kind: Literal["image", "plot", "interpreter", "canvas"]
    #: The name of the file, or the title of the image or of the document.
    name: str
    #: The bytes of the file. If this is a `Path`, the server reads the bytes from the file at this path, so that a large file
    #: needs no memory.
    content: bytes | Path = PIXEL
    media_type: str = "application/octet-stream"
    #: For an image: the number of GETs of the conversation after which the image exists. None: the image is part of the stream.
    later: int | None = None
    #: For an image with `later`: True: the image is a new message, a child of the newest message of the reply. False: the image
    #: replaces the message that announces the image.
    is_child: bool = False
    #: For a canvas document: the changes after its creation, as pairs of a pattern and the text that replaces the match.
    updates: tuple[tuple[str, str], ...] = ()
    #: For a canvas document: its type, such as `document` or `code/python`.
    textdoc_type: str = "document"
    #: For a canvas document: its ID.
    id: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def image(
        cls,
        title: str = "A pixel",
        content: bytes | Path = PIXEL,
        *,
        media_type: str = "image/png",
        later: int | None = None,
        is_child: bool = False,
    ) -> SentFile:
        """Return a generated image."""
        return cls("image", title, content, media_type, later, is_child)

    @classmethod
    def plot(cls, content: bytes | Path = PIXEL) -> SentFile:
        """Return an image that the code interpreter shows below its output."""
        return cls("plot", "plot.png", content, "image/png")

    @classmethod
    def interpreter(
        cls, name: str, content: bytes | Path = b"", *, media_type: str | None = None
    ) -> SentFile:
        """Return a file of the code interpreter. A link to the file is appended to the answer, unless the answer has the link."""
        return cls("interpreter", name, content, media_type or _guess(name))

    @classmethod
    def canvas(
        cls,
        title: str,
        text: str,
        *,
        updates: tuple[tuple[str, str], ...] = (),
        textdoc_type: str = "document",
    ) -> SentFile:
        """Return a canvas document. `updates` contains the changes after its creation; see the attribute `updates`."""
        return cls("canvas", title, text.encode(), updates=updates, textdoc_type=textdoc_type)

    @property
    def sandbox_path(self) -> str:
        """The path of a file in the code interpreter."""
        return f"/mnt/data/{self.name}"

    @property
    def link(self) -> str:
        """The Markdown link to a file of the code interpreter."""
        return f"[Download {self.name}](sandbox:{quote(self.sandbox_path)})"

    def messages(self, file_id: str) -> list[Aside]:
        """Return the side messages that contain the file. If `later` is set, return only the message that announces the image.

        :param file_id: the ID of the file in the site's storage.
        """
        if self.kind == "canvas":
            return list(self._canvas_messages())
        if self.kind == "interpreter":
            return []
        if self.kind == "plot":
            output = {
                "message_type": "image",
                "image_url": f"file-service://{file_id}",
                "width": 1,
                "height": 1,
            }
            return [
                FileAside(
                    "",
                    "execution_output",
                    "tool",
                    "python",
                    extra={"aggregate_result": {"messages": [output]}},
                )
            ]
        return [self.image_message(file_id) if self.later is None else _announcement(file_id)]

    def image_message(self, file_id: str) -> FileAside:
        """Return the message that contains a generated image."""
        pointer = {
            "content_type": "image_asset_pointer",
            "asset_pointer": f"sediment://{file_id}",
            "width": 1,
            "height": 1,
            "size_bytes": self.size,
            "metadata": {"dalle": {"gen_id": uuid.uuid4().hex, "prompt": "", "seed": 1}},
        }
        extra = {"async_task_type": "image_gen", "image_gen_title": self.name}
        return FileAside("", "multimodal_text", "tool", _PAINTER, channel=None, parts=(pointer,), extra=extra)

    @property
    def size(self) -> int:
        """The number of bytes."""
        return self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)

    @property
    def final_text(self) -> str:
        """The text of a canvas document after all changes. A change's pattern is a literal text, or `.*` (the whole text)."""
        text = self.content.decode() if isinstance(self.content, bytes) else self.content.read_text()
        for pattern, replacement in self.updates:
            text = replacement if pattern == ".*" else text.replace(pattern, replacement, 1)
        return text

    def _canvas_messages(self) -> Any:
        text = self.content.decode() if isinstance(self.content, bytes) else self.content.read_text()
        created = {"name": self.name, "type": self.textdoc_type, "content": text}
        result = {"textdoc_id": self.id, "textdoc_type": self.textdoc_type, "title": self.name}
        yield Aside.tool_call(json.dumps(created), "canmore.create_textdoc")
        yield _canvas_result("create", result)
        for pattern, replacement in self.updates:
            updates = [{"pattern": pattern, "multiple": False, "replacement": replacement}]
            yield Aside.tool_call(json.dumps({"updates": updates}), "canmore.update_textdoc")
            yield _canvas_result("update", result)


@dataclass(frozen=True)
class FileAside(Aside):
    """A side message with a file: the file is an object in the content (`parts`), or it is named in the metadata (`extra`)."""

    #: The objects that precede the text in the list `parts` of the content.
    parts: tuple[dict[str, Any], ...] = ()
    #: Additional metadata of the message.
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def text_path(self) -> str:
        """The path of this message's text in a delta, for example `/message/content/parts/1`."""
        return f"/message/content/parts/{len(self.parts)}" if self.parts else super().text_path

    def content(self, text: str) -> dict[str, Any]:
        """Return the `content` field of the message, with this text."""
        if not self.parts:
            return super().content(text)
        return {"content_type": self.content_type, "parts": [*self.parts, text]}

    def fields(self) -> dict[str, Any]:
        """Return the fields of the message that replace the default fields of `Message.to_message`."""
        fields = super().fields()
        return fields | {"metadata": fields["metadata"] | self.extra}


def _announcement(task_id: str) -> FileAside:
    """Return the message that announces an image. For the message with the image, see `SentFile.later`."""
    task = Aside.image_task()
    return FileAside(
        task.text, role="tool", name=_PAINTER, task=task.task, extra={"image_gen_task_id": task_id}
    )


def _canvas_result(what: str, result: dict[str, Any]) -> FileAside:
    text, tool = f"Successfully {what}d text document", f"canmore.{what}_textdoc"
    return FileAside(text, "text", "tool", tool, extra={"canvas": result})


def _guess(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
