"""Chooses the model and the effort in the model picker of the site's page.

The picker has one of two shapes. The newer picker has a slider of presets, each with a model and an effort, and a list of models
behind "Advanced". The earlier picker is a menu of models, whose items have test ids, with a submenu for the effort. The model and
the effort of each preset are read from the page's own list of models. The page's request is compared with the options later.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from . import control_selectors as selectors
from .page_options import not_applied

if TYPE_CHECKING:
    from playwright.async_api import Page

    from ..._protocol.model_list import ModelList, Preset
    from .model_catalog import ModelCatalog
    from .page_menu import PageMenu

#: The labels of the efforts in several forms of the page, in case the page's list of models has no labels.
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
        """Choose a model, an effort, or both. A model that the page does not offer is left to the page's address.

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
        slider = self._page.locator(selectors.SLIDER[0]).filter(visible=True)
        found = models.find_presets(model, effort)
        if not found or not await slider.count():
            return False
        value = slider.first.locator(selectors.SLIDER[1]).or_(
            slider.first.and_(self._page.locator(selectors.SLIDER[1]))
        )
        low, high = [int(await value.get_attribute(f"aria-value{end}") or 0) for end in ("min", "max")]
        position = _position(models, found, high - low + 1)
        if position is None:
            return False
        target = low + position
        await slider.first.focus()
        for _ in range(2 * (high - low) + 2):  # a key may have no effect while the picker opens
            now = int(await value.get_attribute("aria-valuenow") or 0)
            if now == target:
                return True
            await self._page.keyboard.press("ArrowRight" if now < target else "ArrowLeft")
        return False

    async def _choose_model(self, models: ModelList, model: str) -> bool:
        """Choose a model in the list. Return False if the list does not have the model."""
        name = f"[data-testid={json.dumps('model-switcher-' + model)}]"
        item = await self._menu.find(name=name, label=_exactly(models.titles_of_model(model) or [model]))
        if item is None:
            return False
        await self._menu.choose(item)
        return True

    async def _choose_effort(self, models: ModelList, model: str | None, effort: str) -> bool:
        """Choose an effort in the list of efforts. Return False if there is no such item."""
        labels = [*models.titles_of_effort(model, effort), *_EFFORT_LABELS.get(effort, ()), effort]
        item = await self._menu.find(label=_exactly(labels))
        if item is None:
            return False
        await self._menu.choose(item)
        return True


def _position(models: ModelList, found: list[Preset], levels: int) -> int | None:
    """Return the position of one of the presets on a slider with this number of levels, or None."""
    for version in models.versions:
        if len(version) == levels:
            return next((version.index(preset) for preset in found if preset in version), None)
    return None


def _exactly(labels: list[str]) -> re.Pattern[str]:
    """Return a pattern for an item whose label is one of the labels. A description may follow on another line."""
    return re.compile(rf"^\s*({'|'.join(map(re.escape, labels))})\s*($|\n)", re.IGNORECASE)
