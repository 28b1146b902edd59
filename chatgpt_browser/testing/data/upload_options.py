"""`UploadOptions`: options for the way in which the page of the web application uploads files, and for the site's limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The requests of one upload. `processed`: `POST /files`, a PUT to the storage, and `POST /files/process_upload_stream`.
#: `uploaded`: with `POST /files/{id}/uploaded` after the PUT. `finalized`: the bytes are posted as a form to a URL of the site.
UploadOrder = Literal["processed", "uploaded", "finalized"]
#: The place of the file input. `form`: `#upload-files` in the composer's form, beside one for images only. `photos`: with the
#: earlier name `#upload-photos`. `menu`: there is no input before the item "Add photos & files" of the "+" menu is clicked.
#: `single`: an input without `multiple`.
UploadInput = Literal["form", "photos", "menu", "single"]


@dataclass(frozen=True)
class UploadOptions:
    """Options for uploads with `form="app"`. By default, an upload works normally and without delays.

    >>> server.uploads = UploadOptions(order="uploaded", max_file_size=1000)

    :raises ValueError: if `order` or `input` is unknown.
    """

    order: UploadOrder = "processed"
    input: UploadInput = "form"
    #: Seconds from the choice of a file to its first request. The real page needs up to 2.5 s.
    starts_after: float = 0.0
    #: Seconds for which the site processes a file: the response to `process_upload_stream` ends after this time.
    processing_time: float = 0.0
    #: False: the page shows no chip with the file's name.
    shows_chip: bool = True
    #: The limits of the site in bytes, for a file and for an image. The response to a larger file is a 413.
    max_file_size: int = 512 << 20
    max_image_size: int = 20 << 20
    #: The maximum number of files of one message. The page shows an alert for more files, and uploads none.
    max_files: int = 10
    #: The number of files that the account may still upload. Further files are refused with a 429. None: no limit.
    remaining: int | None = None
    #: The names of files that the site fails to process: the stream of `process_upload_stream` ends with an error event.
    unprocessable: Sequence[str] = ()
    #: The names of files that the page drops: it uploads them, but does not attach them to the message.
    dropped: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name, kind in (("order", UploadOrder), ("input", UploadInput)):
            if getattr(self, name) not in get_args(kind):
                raise ValueError(f"{name} must be one of {get_args(kind)}, not {getattr(self, name)!r}")
