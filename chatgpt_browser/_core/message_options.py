"""The options of one message: attached files, model, effort, tools, temporary chat and project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, TypedDict

from .files import path_of_user

if TYPE_CHECKING:
    from pathlib import Path

    from .choices import SendVia

#: The type of a file to attach: a path, or ``(name, bytes)``, or ``(name, bytes, media_type)``.
FileArgument = str | PathLike[str] | tuple[str, bytes] | tuple[str, bytes, str]

#: The options that a fetch request cannot apply. A message with one of these options is sent through the site's own page.
_PAGE_OPTIONS = ("files", "tools", "effort", "project")


class MessageArguments(TypedDict, total=False):
    """The optional keyword arguments of every method that sends a message."""

    #: Files to attach: paths, or ``(name, bytes)``, or ``(name, bytes, media_type)``. Default: no files.
    files: Sequence[FileArgument]
    #: The model that replies. None, the default, means the client's model.
    model: str | None
    #: The thinking effort of the model: a value that ``list_models()`` returns. If it is None, the default, the site chooses.
    effort: str | None
    #: The tools that the model must use for the reply: ``"search"``, ``"deep_research"``, ``"image"`` and so on. Default: none.
    tools: Sequence[str]
    #: If True, the conversation is a temporary chat, which the site does not keep. Default: False.
    temporary: bool
    #: The id of the project in which a new conversation is created. None, the default, means no project.
    project: str | None


@dataclass(frozen=True)
class Attachment:
    """A file to attach to a message. Either ``path`` or ``data`` (the bytes of the file) is set, and the other field is None."""

    name: str
    path: Path | None = None
    data: bytes | None = field(default=None, repr=False)
    media_type: str | None = None

    @classmethod
    def checked(cls, value: object) -> Attachment:
        """Check one item of the option ``files``, and return it as an attachment. The file is not read.

        :raises TypeError: the value is neither a path nor a tuple of a name, bytes and an optional media type.
        """
        if isinstance(value, (str, PathLike)):
            path = path_of_user(fspath(value))
            return cls(path.name, path)
        match value:
            case (str(name), bytes(data)):
                return cls(name, None, data)
            case (str(name), bytes(data), str(media_type)):
                return cls(name, None, data, media_type)
        raise TypeError("files must contain paths, (name, bytes) or (name, bytes, media_type)")


@dataclass(frozen=True)
class MessageOptions:
    """The checked options of one message. If an option is not set, the client's options or the site's defaults apply."""

    files: tuple[Attachment, ...] = ()
    model: str | None = None
    effort: str | None = None
    tools: tuple[str, ...] = ()
    temporary: bool = False
    project: str | None = None

    @classmethod
    def checked(cls, arguments: MessageArguments, send_via: SendVia) -> MessageOptions:
        """Check the arguments of a method that sends a message, and return them as options.

        :raises TypeError: an argument has an unknown name, or a value has the wrong type.
        :raises ValueError: a value is empty, two options exclude each other, or ``send_via="fetch"`` cannot apply an option. The
            error message names the option.
        """
        given: dict[str, Any] = dict(arguments)
        for name in ("files", "tools"):
            if name in given:
                given[name] = _sequence(name, given[name])
        for name in ("model", "effort", "project"):
            _check_text(name, given.get(name))
        for tool in given.get("tools", ()):
            _check_text("tools", tool)
        options = cls(**given | {"files": tuple(map(Attachment.checked, given.get("files", ())))})
        if options.temporary and (options.project is not None or options.is_deep_research):
            other = "project" if options.project is not None else "deep_research"
            raise ValueError(f"temporary and {other} cannot be used together in one message")
        if send_via == "fetch" and options.needs_page:
            names = " and ".join(name for name in _PAGE_OPTIONS if getattr(options, name))
            raise ValueError(f'{names} cannot be used with send_via="fetch": use "auto" or "page"')
        return options

    @property
    def is_deep_research(self) -> bool:
        """True if the reply is a report of the tool ``deep_research``. The site writes it after the stream has ended."""
        return "deep_research" in self.tools

    @property
    def needs_page(self) -> bool:
        """True if a fetch request cannot apply these options, so that the site's own page must send the message."""
        return any(getattr(self, name) for name in _PAGE_OPTIONS)


def _sequence(name: str, value: object) -> tuple[Any, ...]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise TypeError(f"{name} must be a sequence, not {type(value).__name__}")
    return tuple(value)


def _check_text(name: str, value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    if value is not None and not value.strip():
        raise ValueError(f"{name} must not be empty; pass None to leave it out")
