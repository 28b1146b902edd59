"""The view of a site page: its size, and whether Chromium renders it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page

    from ..._core.options import Options

#: The size in pixels of a headless page. At this size, the site shows its complete layout. The default size of a headless page
#: is smaller.
_VIEWPORT: Any = {"width": 1280, "height": 900}
#: The parameters of the screencast: its frames are as small as possible. The client acknowledges no frame, so Chromium sends only
#: the first frames.
_SCREENCAST: dict[str, Any] = {"format": "jpeg", "quality": 1, "maxWidth": 10, "maxHeight": 10}


async def set_up_view(page: Page, cdp: CDPSession, options: Options) -> None:
    """Set the size of a headless page. In the user's own browser, make Chromium render the page in the background instead.

    A page in the user's own browser is a tab behind the tab that the user looks at. The page keeps the size of the window. The
    focus of the page is emulated, so that the page counts as visible. Even so, Chromium 150 renders only one or two frames per
    second in such a tab, and a click takes one to three seconds. Therefore a screencast is started: during a screencast, Chromium
    renders 60 frames per second.
    """
    if not options.uses_own_session:
        await cdp.send("Emulation.setFocusEmulationEnabled", {"enabled": True})
        await cdp.send("Page.startScreencast", _SCREENCAST)
    elif options.headless:
        await page.set_viewport_size(_VIEWPORT)
