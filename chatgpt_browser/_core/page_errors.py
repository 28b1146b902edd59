"""The errors that occur when the site's own page is used (``send_via="page"``). :mod:`.errors` shows the tree of all errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .base_error import ChatGPTError

if TYPE_CHECKING:
    from collections.abc import Sequence


class PageError(ChatGPTError):
    """The site's own page did not send the message, or not with the requested options (``send_via="page"``).

    ``elements`` describes the input fields and buttons that the page contained when the error occurred. It is a tuple of dicts
    with the kind, the name and the label of each element. Include ``elements`` in a bug report. ``matches`` describes the
    selectors of this package that matched an element of the page.
    """

    matches: tuple[dict[str, str], ...] = ()

    def __init__(self, message: str = "", *, elements: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.elements: tuple[dict[str, Any], ...] = tuple(elements)


class ComposerNotFoundError(PageError):
    """The package's selectors did not find the page's input field for messages, or did not find its send button."""


class DialogInTheWayError(PageError):
    """A dialog covers the page, and a person must answer it. ``title`` is the dialog's title, or the beginning of its text."""

    def __init__(
        self, message: str = "", *, title: str = "", elements: Sequence[dict[str, Any]] = ()
    ) -> None:
        super().__init__(message, elements=elements)
        self.title = title


class UploadError(PageError):
    """A file of a message cannot be uploaded, or the site refused the file. Nothing was sent. ``file`` is the file's name."""

    def __init__(self, message: str = "", *, file: str = "", elements: Sequence[dict[str, Any]] = ()) -> None:
        # The error message may contain the name of a file, and the name may contain characters that control a terminal. Such
        # characters are escaped.
        shown = (char if char.isprintable() else repr(char)[1:-1] for char in message)
        super().__init__("".join(shown), elements=elements)
        self.file = file


class OptionNotAppliedError(PageError):
    """The page cannot apply an option of the message, or has sent the message with another value of this option.

    ``option`` is the name of the option, ``requested`` is its value in the call, and ``sent`` is its value in the page's request.
    The error message states whether the message was sent. If the message was sent, its answer was stopped.
    """

    def __init__(
        self,
        message: str = "",
        *,
        option: str = "",
        requested: str | None = None,
        sent: str | None = None,
        elements: Sequence[dict[str, Any]] = (),
    ) -> None:
        super().__init__(message, elements=elements)
        self.option = option
        self.requested = requested
        self.sent = sent
