"""Applies the options of a message in the site's page: chooses the model, the effort and the tools, and attaches the files.

The text of the message must be written before its options are applied, because writing a text discards a chosen tool. Some
options are applied by the page's address instead: see :func:`.page_options.address_of`.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import anyio

from ..._core.attachment_checks import media_type_of, size_of
from ..._core.background import cancel_tasks
from ..._core.errors import UploadError
from . import control_selectors as selectors
from .elements import PageElements, becomes
from .file_input import FileInput, batches
from .model_catalog import ModelCatalog
from .model_picker import ModelPicker
from .page_menu import PageMenu
from .page_options import not_applied, tool_of, work_mode_error
from .upload_observer import UploadObserver

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.async_api import CDPSession, Locator, Page

    from ..._core.message_options import Attachment, MessageOptions
    from ..._core.urls import Site
    from .file_input import Batch

#: Time limits in seconds of the first and the second attempt to begin an upload: after the file was chosen, the page must send
#: the first request of the upload within the limit. The site's page needs up to 2.5 s.
_START_TIMEOUTS = (8.0, 15.0)
#: Time limit in seconds for the send button to become enabled after the uploads.
_ENABLE_TIMEOUT = 15.0
#: The minimum speed of an upload in bytes per second. The time limit of an upload is calculated with this speed.
_SLOWEST_UPLOAD = 50_000
#: If no response reports that the site has processed a file, the file counts as processed when the page has shown it for this
#: many seconds.
_KEEP_TIME = 3.0
#: Time limit in seconds for the site to process one file after its upload.
_PROCESSING_TIMEOUT = 300.0


class MessageControls:
    """The controls for a message's options on one page. All times are in seconds."""

    def __init__(self, page: Page, cdp: CDPSession) -> None:
        self._page = page
        self._cdp = cdp
        self._elements = PageElements(page)
        self._menu = PageMenu(page, self._elements)
        self._files = FileInput(page, self._elements, self._menu)
        self._picker = ModelPicker(page, self._menu, ModelCatalog(cdp))
        #: The options that were applied to the current document, except the tools.
        self._applied: tuple[object, ...] | None = None

    def forget(self) -> None:
        """Forget which options were applied. This is called when the page begins another message."""
        self._applied = None

    async def check_mode(self) -> None:
        """Check that the page is not in the mode "Work".

        :raises PageError: the page is in this mode.
        """
        label = re.compile(selectors.WORK_LABEL, re.IGNORECASE)
        chosen = self._page.get_by_role("radio", name=label, checked=True)
        chosen = chosen.or_(self._page.get_by_role("tab", name=label, selected=True))
        if await chosen.filter(visible=True).count():
            raise work_mode_error(is_sent=False)

    async def apply(self, options: MessageOptions, site: Site, *, model: str | None, document: int) -> bool:
        """Apply the options to the message in the composer. Return False if there is nothing to apply.

        :param model: the model that the caller has chosen, or None if the page chooses the model.
        :param document: a number that changes when the page loads a new document. If the same options were already applied in
            this document, only the tools are chosen again, because typing the message deselects them.
        :raises UploadError: a file was not uploaded. Nothing was sent.
        :raises OptionNotAppliedError: the page has no control for an option. Nothing was sent.
        """
        is_new = self._applied != (document, options, model)
        if is_new and (model is not None or options.effort is not None):
            await self._picker.choose(model, options.effort)
        if is_new and options.files:
            await self._attach(options.files, site)
        self._applied = (document, options, model)
        for tool in options.tools:
            await self._choose_tool(tool)
        return bool(options.tools) or (is_new and bool(model or options.effort or options.files))

    # ---- Files -------------------------------------------------------------------------------------------------------

    async def _attach(self, files: Sequence[Attachment], site: Site) -> None:
        """Put the files into the page's input, and wait until they are uploaded and the message can be sent."""
        images_only = all(media_type_of(file).startswith("image/") for file in files)
        is_single = not await self._files.accepts_many(images_only=images_only)
        timeout = upload_time(files)
        async with batches(files, is_single=is_single) as groups:
            with UploadObserver(self._cdp, site) as observer:
                with anyio.move_on_after(timeout) as scope:
                    for batch in groups:
                        await self._begin(batch, observer, images_only=images_only)
                    await observer.wait_until_complete(len(files))
                if scope.cancelled_caught:
                    name = observer.pending_name() or files[0].name
                    raise UploadError(
                        f"The file {name!r} was not uploaded within {timeout:.0f} s. Nothing was sent.",
                        file=name,
                    )
        await self._check_attached(observer.tracker.unconfirmed())
        await becomes(self._elements.enabled_send_button, "visible", _ENABLE_TIMEOUT)

    async def _check_attached(self, names: Sequence[str]) -> None:
        """Check that the page shows these files beside the message, and does not remove them within ``_KEEP_TIME`` seconds.

        :raises UploadError: the page does not show one of the files.
        """
        time = _KEEP_TIME
        for name in names:
            file = self._elements.attached_file(name)
            if not await file.count() or (time and await becomes(file, "hidden", time)):
                words = await self._alert()
                reason = (
                    f"the page shows {words!r}" if words else "the site did not report that it was processed"
                )
                raise UploadError(
                    f"The file {name!r} was not uploaded: {reason}. Nothing was sent.", file=name
                )
            time = 0.0  # The wait for the first file was also a wait for the others: they only have to be on the page now.

    async def _begin(self, batch: Batch, observer: UploadObserver, *, images_only: bool) -> None:
        """Put files into the page's input, and wait until the page has begun to upload them.

        If the page does not react to the first attempt, put the files into the input once more, because the page's scripts may
        not have run at the first attempt.

        :raises UploadError: the page did not begin to upload one of the files.
        """
        before = observer.begun
        for timeout in _START_TIMEOUTS:
            await self._files.put(batch, images_only=images_only)
            await self._wait_for_reaction(observer, before + len(batch.names), timeout)
            if observer.begun > before or await self._alerts.count():
                break
        begun = observer.begun - before
        if begun < len(batch.names):
            words = await self._alert()
            reason = f"the page shows {words!r}" if words else "the page did not begin to upload the file"
            name = batch.names[begun]
            raise UploadError(f"The file {name!r} was not uploaded: {reason}. Nothing was sent.", file=name)

    async def _wait_for_reaction(self, observer: UploadObserver, count: int, timeout: float) -> None:
        """Wait until the page has begun this number of uploads or shows an alert about files, at most ``timeout`` seconds."""
        alerting = asyncio.ensure_future(becomes(self._alerts, "visible", timeout))
        beginning = asyncio.ensure_future(observer.wait_until_begun(count, timeout))
        try:
            await asyncio.wait((alerting, beginning), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_tasks(alerting, beginning)

    @property
    def _alerts(self) -> Locator:
        """The visible alerts about files."""
        pattern = re.compile(selectors.FILE_ALERT, re.IGNORECASE)
        return self._page.locator(selectors.ALERTS).filter(has_text=pattern, visible=True)

    async def _alert(self) -> str:
        """Return the text of the first alert about a file as one line, or "" if the page shows no such alert."""
        if not await self._alerts.count():
            return ""
        return " ".join((await self._alerts.first.inner_text()).split())[:300]

    # ---- Tools -------------------------------------------------------------------------------------------------------

    async def _choose_tool(self, name: str) -> None:
        """Choose a tool in the "+" menu, unless the composer shows that it is chosen.

        :raises OptionNotAppliedError: the menu does not have the tool.
        """
        label = re.compile(rf"^\s*({'|'.join(tool_of(name).labels)})", re.IGNORECASE)
        if await self._elements.chosen_tools(label).count():
            return
        if await self._menu.open(selectors.PLUS_BUTTON):
            item = await self._menu.find(label=label)
            if item is not None:
                await self._menu.choose(item)
                await self._menu.close()
                return
        await self._menu.close()
        raise not_applied(
            "tools",
            name,
            None,
            f"The site's page does not offer the tool {name!r}, or this version does not recognize it. Nothing was sent.",
        )


def upload_time(files: Sequence[Attachment]) -> float:
    """Return the time limit in seconds for the upload of all files together; 0 if there are no files."""
    return sum(_PROCESSING_TIMEOUT + size_of(file) / _SLOWEST_UPLOAD for file in files)
