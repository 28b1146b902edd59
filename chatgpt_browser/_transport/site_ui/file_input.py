"""Puts files into the file input of the site's page. Large data goes through temporary files that only the user can read."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio.to_thread
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from ..._browser.playwright_errors import is_transfer_limit, milliseconds
from ..._core.attachment_checks import media_type_of
from ..._core.errors import UploadError
from . import control_selectors as selectors
from .elements import first_of
from .selectors import SHELL, beginning_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from playwright.async_api import Locator, Page

    from ..._core.message_options import Attachment
    from .elements import PageElements
    from .page_menu import PageMenu

#: Maximum size in bytes of data that is passed to Playwright. Larger data is written to a temporary file, because Playwright
#: would encode the data several times.
_MAX_PAYLOAD = 1 << 20
#: The same limit for data whose media type the caller has set: the maximum that Playwright accepts. This limit is higher, because
#: a temporary file would lose the media type: a browser derives the media type of a file from the file's name.
_MAX_TYPED_PAYLOAD = 50 << 20
#: Time limit in seconds within which the dialog for files must open after a click.
_CHOOSER_TIMEOUT = 5.0
#: Time limit in seconds for Playwright to transfer the files to the browser. A remote browser may be slow.
_SET_TIMEOUT = 600.0


class Batch(NamedTuple):
    """Files that are put into the input together. ``files`` contains only paths or only data: Playwright accepts no mixture."""

    names: tuple[str, ...]
    files: Any


class FileInput:
    """The file input of one page."""

    def __init__(self, page: Page, elements: PageElements, menu: PageMenu) -> None:
        self._page = page
        self._elements = elements
        self._menu = menu

    async def put(self, batch: Batch, *, images_only: bool) -> None:
        """Put the files into the page's input. If the page has no input yet, open its dialog for files.

        :raises UploadError: the page has no file input, or the browser cannot receive the files.
        """
        try:
            found = await self._find(images_only=images_only)
            if found is not None:
                await found.set_input_files(batch.files, timeout=milliseconds(_SET_TIMEOUT))
            else:
                await self._put_by_dialog(batch)
        except PlaywrightTimeoutError as exc:
            raise UploadError(
                "The site's page has no file input that this version recognizes. Nothing was sent.",
                file=batch.names[0],
            ) from exc
        except PlaywrightError as exc:
            if not is_transfer_limit(exc):
                raise
            raise UploadError(
                "The browser is on another machine, and Playwright transfers at most 50 MB of files over this connection. "
                "Nothing was sent. Use a browser on this machine, or a Playwright server.",
                file=batch.names[0],
            ) from exc

    async def accepts_many(self, *, images_only: bool) -> bool:
        """Return whether the page's input accepts several files at once. If the page has no input yet, return True."""
        found = await self._find(images_only=images_only)
        return found is None or await found.get_attribute("multiple") is not None

    async def _find(self, *, images_only: bool) -> Locator | None:
        """Return the best file input, or None if the page has no file input.

        Inputs in the composer's form are preferred, because a hidden copy of the composer may have an input too.
        """
        entries = (*selectors.FILE_INPUTS, *(selectors.IMAGE_INPUTS if images_only else ()))
        inputs = [self._page.locator(f"{entry.pattern}:not(:disabled):not({SHELL})") for entry in entries]
        in_form = self._elements.in_form("input[type=file]")
        return await first_of((*(each.and_(in_form) for each in inputs), *(each.last for each in inputs)))

    async def _put_by_dialog(self, batch: Batch) -> None:
        async with self._page.expect_file_chooser(timeout=milliseconds(_CHOOSER_TIMEOUT)) as chooser:
            if not await self._menu.open(selectors.PLUS_BUTTON):
                raise UploadError(
                    "The site's page has no button for files that this version recognizes. Nothing was sent.",
                    file=batch.names[0],
                )
            item = await self._menu.find(label=beginning_of(selectors.ADD_FILES))
            if item is not None:
                await item.click()
        dialog = await chooser.value
        await dialog.set_files(batch.files, timeout=milliseconds(_SET_TIMEOUT))
        await self._menu.close()


@asynccontextmanager
async def batches(files: Sequence[Attachment], *, is_single: bool) -> AsyncIterator[list[Batch]]:
    """Yield the files as batches.

    Data that is too large for Playwright is written to temporary files, which are deleted at the end of the block.

    :param is_single: if True, each batch contains exactly one file.
    """
    folder = Path(tempfile.mkdtemp(prefix="chatgpt_browser_"))  # only the user can read this folder
    try:
        # In a thread, because writing a large file would block the event loop.
        groups = await anyio.to_thread.run_sync(_groups, files, folder)
        if is_single:
            groups = [
                Batch((name,), [file])
                for names, group in groups
                for name, file in zip(names, group, strict=True)
            ]
        yield groups
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _groups(files: Sequence[Attachment], folder: Path) -> list[Batch]:
    payloads = [file for file in files if _is_payload(file)]
    stored = [file for file in files if not _is_payload(file)]
    groups = []
    if payloads:
        groups.append(Batch(_names(payloads), [_payload(file) for file in payloads]))
    if stored:
        groups.append(
            Batch(_names(stored), [_path(file, folder / str(at)) for at, file in enumerate(stored)])
        )
    return groups


def _names(files: Sequence[Attachment]) -> tuple[str, ...]:
    return tuple(file.name for file in files)


def _is_payload(file: Attachment) -> bool:
    limit = _MAX_PAYLOAD if file.media_type is None else _MAX_TYPED_PAYLOAD
    return file.data is not None and len(file.data) <= limit


def _payload(file: Attachment) -> dict[str, Any]:
    return {"name": file.name, "mimeType": media_type_of(file), "buffer": file.data}


def _path(file: Attachment, folder: Path) -> str:
    """Return the path of an attachment. If the attachment is data, first write the data to a file in ``folder``."""
    if file.path is not None:
        # Links are not followed, because the browser sends the last part of this path as the name of the file.
        return str(file.path.absolute())
    folder.mkdir()
    target = folder / file.name
    try:
        target.write_bytes(file.data or b"")
    except OSError as exc:
        raise UploadError(
            f"The file {file.name!r} could not be written to a temporary folder: {exc.strerror}. Nothing was sent.",
            file=file.name,
        ) from exc
    return str(target)
