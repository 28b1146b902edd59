"""Checks the files of a message before the message is sent. Each file must be readable and within the site's limits."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from .files import whole_characters
from .page_errors import UploadError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .message_options import Attachment

_MB = 1 << 20
#: The site's limits (help.openai.com, article 8983719): the maximum size of a file and of an image, in bytes, and the maximum
#: number of files in one message.
MAX_FILE_SIZE, MAX_IMAGE_SIZE, MAX_FILES = 512 * _MB, 20 * _MB, 10

_NOT_SENT = "Nothing was sent."


def check_attachments(files: Sequence[Attachment]) -> None:
    """Check the number, the names and the sizes of the files, and that each file with a path can be read.

    :raises UploadError: a file cannot be uploaded, or there are too many files. The attribute ``file`` of the error is the name
        of the first file that cannot be uploaded, or of the first file beyond the maximum number.
    """
    if len(files) > MAX_FILES:
        raise UploadError(
            f"The site accepts at most {MAX_FILES} files with a message, not {len(files)}. {_NOT_SENT}",
            file=files[MAX_FILES].name,
        )
    for file in files:
        if file.name in ("", ".", "..") or any(character in file.name for character in "/\\\0"):
            raise UploadError(
                f"The name {file.name!r} is not the name of a file. {_NOT_SENT}", file=file.name
            )
        if whole_characters(file.name) != file.name:  # the page cannot send lone surrogates
            raise UploadError(
                f"The name {file.name!r} is not valid Unicode. Rename the file. {_NOT_SENT}", file=file.name
            )
        size = size_of(file)
        is_image = media_type_of(file).startswith("image/")
        limit = MAX_IMAGE_SIZE if is_image else MAX_FILE_SIZE
        if size > limit:
            kind = "an image" if is_image else "a file"
            raise UploadError(
                f"The file {file.name!r} has {size:,} bytes, but the site accepts at most {limit // _MB} MB for {kind}. "
                f"{_NOT_SENT}",
                file=file.name,
            )


def size_of(file: Attachment) -> int:
    """Return the size of a file in bytes. If the file has a path, open the file to check that it can be read.

    :raises UploadError: the file is missing, is a folder, or cannot be read.
    """
    if file.path is None:
        return len(file.data or b"")
    try:
        reason = _unusable(file.path.stat().st_mode)
        if reason is None:
            with file.path.open("rb") as opened:
                return os.fstat(opened.fileno()).st_size
        cause = None
    except (OSError, ValueError) as exc:
        reason, cause = getattr(exc, "strerror", None) or str(exc), exc
    raise UploadError(
        f"The file {str(file.path)!r} cannot be read: {reason}. {_NOT_SENT}", file=file.name
    ) from cause


def _unusable(mode: int) -> str | None:
    """Return why a path with this mode cannot be uploaded, or None.

    This is called before the path is opened, because opening a FIFO could block forever.
    """
    if stat.S_ISDIR(mode):
        return "it is a folder"
    return None if stat.S_ISREG(mode) else "it is not a regular file"


def media_type_of(file: Attachment) -> str:
    """Return the media type of a file: the type that the caller has passed, or else the type for the suffix of the name."""
    import mimetypes  # Imported here, because most messages have no files.

    return file.media_type or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
