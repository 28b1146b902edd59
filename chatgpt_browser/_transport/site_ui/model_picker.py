"""Chooses the model and the effort in the model picker of the site's page.

The picker has one of two forms:

- The newer form has a slider, and a list of models behind "Advanced". Each position of the slider is a preset: a model together
  with an effort. The model and the effort of each preset are read from the page's own list of models.
- The earlier form is a menu of models with a submenu for the effort. The items of the menu have test ids.

This module does not check the result. After the page has sent the message, the page's request is compared with the options.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from . import control_selectors as selectors
from .elements import first_of
from .page_options import not_applied

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.async_api import Page

    from ..._protocol.model_list import ModelList
    from .model_catalog import ModelCatalog
    from .page_menu import PageMenu

#: The labels of the efforts in several versions of the page. They are used if the page's list of models has no labels.
_EFFORT_LABELS = {
    "min": ("Light", "Low"),
    "standard": ("Standard", "Medium"),
    "extended": ("Extended", "High"),
    "max": ("Heavy", "Extra High", "Very High", "Max"),
}


class ModelPicker:
    """The model picker of one page."""

    def __init__(self, page: Page, menu: PageMenu, catalog: ModelCatalog) -> None:
        self._page = page
        self._menu = menu
        self._catalog = catalog

    async def choose(self, model: str | None, effort: str | None) -> None:
        """Choose a model, an effort, or both.

        If no effort is requested and the page's list of models does not have the model, do nothing: such a model can be chosen
        only by the address of the page (see :func:`.page_options.address_of`).

        :raises OptionNotAppliedError: the page has no control for the effort. Nothing was sent.
        """
        models = await self._catalog.read()
        if effort is None and models.models and not models.has_model(model or ""):
            return
        is_open = await self._menu.open(selectors.MODEL_BUTTON)
        if is_open and await self._choose_preset(models, model, effort):
            await self._menu.close()
            return
        is_chosen = model is not None and is_open and await self._choose_model(models, model)
        if effort is not None:
            is_open = is_open and (not is_chosen or await self._menu.open(selectors.MODEL_BUTTON))
            if not (is_open and await self._choose_effort(models, model, effort)):
                raise not_applied(
                    "effort",
                    effort,
                    None,
                    f"The site's page has no control for the effort {effort!r} that this version recognizes. Nothing was sent. "
                    "Check which efforts the model has (`list_models()`), or leave the effort out.",
                )
        await self._menu.close()

    async def _choose_preset(self, models: ModelList, model: str | None, effort: str | None) -> bool:
        """Move the slider to a preset with this model and effort. Return False if there is no slider or no such preset."""
        slider = Slider(self._page)
        levels = await slider.levels()
        if not levels:
            return False
        positions = models.find_positions(model, effort, levels)
        now = await slider.position()
        if now is not None and now in positions and levels > 1:
            # The slider may be at this position although the preset is not in use. Moving it away and back chooses the preset.
            await slider.move_to(now - 1 if now else 1)
            await slider.move_to(now)
            return await slider.position() == now
        titles = [preset.title for preset in models.find_presets(model, effort)]
        if not models.versions and effort is not None and model is None:
            titles = [*_EFFORT_LABELS.get(effort, ())]  # the page's list of models is unknown
        others = [position for position in range(levels) if titles and position not in positions]
        for position in [*positions, *others]:
            await slider.move_to(position)
            title = await slider.title()
            # If the page prints a title, it must be an expected title. Without a title, the position must be an expected one.
            is_right = bool(_exactly(titles).search(title)) if title else position in positions
            if is_right and await slider.position() == position:
                return True
        return False

    async def _choose_model(self, models: ModelList, model: str) -> bool:
        """Choose a model in the list. Return False if the list does not have the model."""
        name = f"[data-testid={json.dumps('model-switcher-' + model)}]"
        titles = models.titles_of_model(model) or [model]
        item = await self._menu.find(name=name, label=_exactly(titles))
        item = item or await self._menu.find(label=_beginning_with(titles, models.titles))
        if item is None:
            return False
        await self._menu.choose(item)
        return True

    async def _choose_effort(self, models: ModelList, model: str | None, effort: str) -> bool:
        """Choose an effort in the list of efforts. Return False if there is no such item."""
        labels = [*models.titles_of_effort(model, effort), *_EFFORT_LABELS.get(effort, ()), effort]
        known = [label for each in _EFFORT_LABELS.values() for label in each]
        item = await self._menu.find(label=_exactly(labels))
        item = item or await self._menu.find(label=_beginning_with(labels, known))
        if item is None:
            return False
        await self._menu.choose(item)
        return True


class Slider:
    """The slider of presets in an open picker. The slider reacts to keys while the element around the slider has the focus."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._slider = page.locator(selectors.SLIDER[0]).filter(visible=True).first

    async def levels(self) -> int:
        """Return the number of positions of the slider; 0 if there is no slider."""
        if not await self._slider.count():
            return 0
        low, high = await self._value("min"), await self._value("max")
        if low is not None and high is not None:
            return high - low + 1
        printed = _LEVEL.search(await self._description())
        return int(printed["levels"]) if printed else 0

    async def position(self) -> int | None:
        """Return the position of the slider, counted from 0; None if it is unknown."""
        now, low = await self._value("now"), await self._value("min")
        if now is not None:
            return now - (low or 0)
        printed = _LEVEL.search(await self._description())
        return int(printed["level"]) - 1 if printed else None

    async def title(self) -> str:
        """Return the title of the current preset as the page prints it, or "" if the page prints no title."""
        printed = _LEVEL.search(await self._description())
        return printed["title"].strip() if printed else ""

    async def move_to(self, position: int) -> None:
        """Move the slider to a position with the arrow keys. For a click, the coordinates of the position would be needed."""
        await self._slider.focus()
        for _ in range(2 * await self.levels()):  # a key may have no effect while the picker opens
            now = await self.position()
            if now is None or now == position:
                return
            await self._page.keyboard.press("ArrowRight" if now < position else "ArrowLeft")

    async def _value(self, name: str) -> int | None:
        own = self._slider.and_(self._page.locator(selectors.SLIDER[1]))
        found = await first_of((self._slider.locator(selectors.SLIDER[1]), own))
        text = await found.get_attribute(f"aria-value{name}") if found is not None else None
        return int(float(text)) if text and text.replace(".", "", 1).isdigit() else None

    async def _description(self) -> str:
        """Return the text that describes the slider, such as "High, 3 of 5."."""
        ids = (await self._slider.get_attribute("aria-describedby") or "").split()
        if not ids:
            return ""
        found = self._page.locator(", ".join(f"[id={json.dumps(each)}]" for each in ids))
        return " ".join(await found.all_text_contents())


#: Matches the description of a slider in English.
_LEVEL = re.compile(r"(?P<title>[^,.]+),\s*(?P<level>\d+) of (?P<levels>\d+)")


def _exactly(labels: Sequence[str]) -> re.Pattern[str]:
    """Return a pattern for an item whose label is one of the labels."""
    return re.compile(rf"^\s*({'|'.join(map(re.escape, labels))})\s*($|\n)", re.IGNORECASE)


def _beginning_with(labels: Sequence[str], others: Sequence[str]) -> re.Pattern[str]:
    """Return a pattern for an item whose label begins with one of ``labels``.

    The pattern does not match if the item's label begins with a longer text of ``others``. For example, if ``others`` contains
    "GPT-5 Pro", then the pattern for "GPT-5" does not match "GPT-5 Pro".
    """
    longer = [
        other for other in others if any(other.startswith(label) for label in labels) and other not in labels
    ]
    not_other = "".join(f"(?!{re.escape(other)})" for other in longer)
    return re.compile(rf"^\s*{not_other}({'|'.join(map(re.escape, labels))})\b", re.IGNORECASE)
