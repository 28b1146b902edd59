"""`UploadOptions`: options for the uploads of the web application's page, and for the site's limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The requests of one upload, in order. `processed`: `POST /files`, a PUT of the bytes to the storage, and
#: `POST /files/process_upload_stream`. `uploaded`: the same requests, and `POST /files/{id}/uploaded` directly after the PUT.
#: `finalized`: as `processed`, but instead of the PUT, the page posts the bytes as a form to a URL of the site.
UploadOrder = Literal["processed", "uploaded", "finalized"]
#: The file input of the page. `form`: an input `#upload-files` in the composer's form, beside another input for images only.
#: `photos`: an input with the earlier name `#upload-photos`. `menu`: the page has no input until the item
#: "Add photos & files" of the "+" menu is clicked. `single`: the input accepts only one file (it has no attribute `multiple`).
UploadInput = Literal["form", "photos", "menu", "single"]


@dataclass(frozen=True)
class UploadOptions:
    """Options for uploads with `form="app"`. By default, an upload works normally and without delays.

    >>> server.uploads = UploadOptions(order="uploaded", max_file_size=1000)

    :raises ValueError: if `order` or `input` is unknown.
    """

    order: UploadOrder = "processed"
    input: UploadInput = "form"
    #: The time in seconds from the choice of a file to the first request of its upload. The real page needs up to 2.5 s.
    starts_after: float = 0.0
    #: Seconds for which the site processes a file: the response to `process_upload_stream` ends after this time.
    processing_time: float = 0.0
    #: False: the page shows no chip with the file's name.
    shows_chip: bool = True
    #: The maximum size of a file and the maximum size of an image, in bytes. The site refuses a larger file with a 413.
    max_file_size: int = 512 << 20
    max_image_size: int = 20 << 20
    #: The maximum number of files of one message. If the user adds more files, the page shows an alert and uploads none of
    #: these files.
    max_files: int = 10
    #: The number of files that the account can upload. After that, the site refuses each file with a 429. None: no limit.
    remaining: int | None = None
    #: The names of files that the site fails to process: the stream of `process_upload_stream` ends with an error event.
    unprocessable: Sequence[str] = ()
    #: True: the page removes a file if the stream of `process_upload_stream` does not report that the file was processed.
    #: False: the page keeps the file whenever the stream has ended.
    requires_completion: bool = True
    #: The names of files that the page drops: it uploads them, but does not attach them to the message.
    dropped: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name, kind in (("order", UploadOrder), ("input", UploadInput)):
            if getattr(self, name) not in get_args(kind):
                raise ValueError(f"{name} must be one of {get_args(kind)}, not {getattr(self, name)!r}")
