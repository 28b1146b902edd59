"""Opens a menu of the site's page, finds an item in it or in its submenus, and chooses the item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import Error as PlaywrightError

from ..._browser.playwright_errors import milliseconds
from . import control_selectors as selectors
from .elements import becomes, first_of
from .selectors import beginning_of

if TYPE_CHECKING:
    from re import Pattern

    from playwright.async_api import Locator, Page

    from .elements import PageElements
    from .selectors import ElementRule

#: Time limit in seconds for a menu to open, and for a click on an item.
_OPEN_TIMEOUT, _CLICK_TIMEOUT = 3.0, 3.0
#: Time limit in seconds for a submenu to show its items.
_SUBMENU_TIMEOUT = 1.0
#: The maximum number of submenus that are opened in search of an item.
_MAX_SUBMENUS = 6


class PageMenu:
    """The menus of one page. At most one menu is open at a time, possibly together with its submenus."""

    def __init__(self, page: Page, elements: PageElements) -> None:
        self._page = page
        self._elements = elements

    @property
    def items(self) -> Locator:
        """The visible items of the open menu and of its open submenus."""
        return self._page.locator(selectors.ITEMS).and_(self._page.locator(_INSIDE)).filter(visible=True)

    async def open(self, rule: ElementRule) -> bool:
        """Open the menu of the button that ``rule`` describes. Return False if there is no such button or no menu opens."""
        button = await first_of(self._elements.buttons(rule))
        if button is None:
            return False
        if await button.get_attribute("aria-expanded") != "true":
            await button.click(timeout=milliseconds(_CLICK_TIMEOUT))
        return await becomes(
            self._page.locator(selectors.MENUS).filter(visible=True), "visible", _OPEN_TIMEOUT
        )

    async def close(self) -> None:
        """Close the open menu, if there is one."""
        menu = self._page.locator(selectors.MENUS).filter(visible=True)
        for _ in range(3):  # Escape closes one menu: a submenu, its menu, or a menu that opened meanwhile.
            if not await menu.count():
                return
            await self._page.keyboard.press("Escape")
            if await becomes(menu, "hidden", _SUBMENU_TIMEOUT):
                return

    async def find(self, *, name: str | None = None, label: Pattern[str] | None = None) -> Locator | None:
        """Return an item of the open menu or of its submenus. Return None if there is no such item.

        :param name: a CSS selector for the item.
        :param label: a pattern for the item's label. It is used if ``name`` is None or finds nothing.
        """
        opened: set[str] = set()
        while (item := await self._find_shown(name, label)) is None:
            if len(opened) == _MAX_SUBMENUS or not await self._open_submenu(opened):
                return None
        return item

    async def choose(self, item: Locator) -> None:
        """Choose an item, unless it is checked already.

        On some items of the site's picker, a trusted click has no effect. So three ways are tried until one has an effect: a
        trusted click, then the Enter key, then a click event without a pointer.
        """
        if await item.get_attribute("aria-checked") == "true":
            return
        # This locator finds the item only while the page shows it as not chosen. If the menu has closed, the item is hidden.
        unchosen = item.and_(self._page.locator("[aria-checked=false]"))
        await item.click(timeout=milliseconds(_CLICK_TIMEOUT))
        if await becomes(unchosen, "hidden", _SUBMENU_TIMEOUT):
            return
        await item.press("Enter", timeout=milliseconds(_CLICK_TIMEOUT))
        if not await becomes(unchosen, "hidden", _SUBMENU_TIMEOUT):
            await item.dispatch_event("click", timeout=milliseconds(_CLICK_TIMEOUT))

    async def _find_shown(self, name: str | None, label: Pattern[str] | None) -> Locator | None:
        if name is not None and await (named := self._page.locator(name).filter(visible=True)).count():
            return named.first
        if label is not None:
            found = (self._page.get_by_role(role, name=label) for role in selectors.ITEM_ROLES)
            return await first_of(each.and_(self.items) for each in found)
        return None

    async def _open_submenu(self, opened: set[str]) -> bool:
        """Open a submenu that is not in ``opened``, and wait until it shows items. Return False if there is no such submenu."""
        for item in await self.items.all():
            try:
                text = (await item.inner_text(timeout=milliseconds(_SUBMENU_TIMEOUT))).strip()
                opens = await item.get_attribute("aria-haspopup") or _SUBMENU.search(text)
            except PlaywrightError:
                continue
            if not opens or text in opened:
                continue
            opened.add(text)
            before = await self.items.count()
            await item.click(timeout=milliseconds(_CLICK_TIMEOUT))
            await becomes(self.items.nth(before), "visible", _SUBMENU_TIMEOUT)
            return True
        return False


_SUBMENU = beginning_of(selectors.SUBMENUS)
#: The elements inside a menu, or inside another container that a picker opens.
_INSIDE = f":is({selectors.MENUS}, [role=dialog], [data-radix-popper-content-wrapper]) *"
