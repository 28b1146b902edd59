"""The elements of the site's page, as Playwright locators made from the rules in :mod:`.selectors`."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING

from ..._core.urls import origin_of
from . import selectors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from playwright.async_api import Locator, Page

    from .selectors import ElementRule


class PageElements:
    """Locators for one page. Each use of a locator searches the page again, since the page may have replaced its elements."""

    def __init__(self, page: Page) -> None:
        self._page = page

    @property
    def message_boxes(self) -> tuple[Locator, ...]:
        """The candidates for the message box, in order of decreasing certainty."""
        named = self._visible(selectors.MESSAGE_BOX.names).and_(self._not(selectors.SHELL))
        labelled = self._by_role(selectors.MESSAGE_BOX).filter(visible=True).and_(self._not(selectors.SHELL))
        multiline = labelled.and_(self._page.locator(selectors.MULTILINE))
        return labelled.and_(named), multiline.and_(self._page.locator("form *")), multiline, labelled, named

    @property
    def message_box(self) -> Locator:
        """Everything that may be the message box."""
        return _any_of(*self.message_boxes[-2:])

    @property
    def send_buttons(self) -> tuple[Locator, ...]:
        """The candidates for the send button, in order of decreasing certainty."""
        return self._buttons(selectors.SEND_BUTTON)

    @property
    def enabled_send_button(self) -> Locator:
        """The send button, if it can be clicked."""
        return _any_of(*self.send_buttons).and_(self._page.locator(selectors.ENABLED))

    @property
    def stop_button(self) -> Locator:
        """The button that stops a reply."""
        return _any_of(*self._buttons(selectors.STOP_BUTTON))

    @property
    def log_in(self) -> Locator:
        """The links and buttons that lead to the log-in page."""
        found = self._by_role(selectors.LOG_IN).or_(self._page.locator(selectors.LOG_IN.names))
        return found.filter(visible=True)

    @property
    def log_in_of_site(self) -> Locator:
        """The log-in links and buttons without links to other sites.

        If the page has a message box, a link to another site is part of a message or of a title.
        """
        origin = origin_of(self._page.url)
        elsewhere = f'a[href*="//"]:not([href="{origin}"], [href^="{origin}/"]):not({selectors.LOG_IN.names})'
        return self.log_in.and_(self._not(elsewhere))

    @property
    def dialogs(self) -> Locator:
        """The visible dialogs, modal or not."""
        return self._visible(selectors.DIALOGS)

    @property
    def modal_dialogs(self) -> Locator:
        """The visible dialogs that block the page."""
        return self._visible(selectors.MODAL_DIALOGS)

    @property
    def shell(self) -> Locator:
        """The visible text field of the form that the server has rendered in place of the composer."""
        return self._visible(selectors.SHELL_FIELD)

    @property
    def too_long_alerts(self) -> Locator:
        """The visible alerts about a message or a conversation that is too long."""
        return self._page.locator(selectors.ALERTS).filter(has_text=selectors.TOO_LONG, visible=True)

    @property
    def describable(self) -> Locator:
        """The elements that a report about the page describes."""
        return self._page.locator(selectors.DESCRIBABLE)

    def messages(self, message_ids: Iterable[str]) -> Locator:
        """Return a locator for the messages with these ids. At least one id is required."""
        quoted = (json.dumps(message_id, ensure_ascii=False) for message_id in message_ids)
        return self._page.locator(", ".join(map(selectors.message_selector, quoted)))

    def _buttons(self, rule: ElementRule) -> tuple[Locator, ...]:
        form = self._page.locator("form").filter(has=self.message_box)
        candidates = (
            form.get_by_role("button", name=rule.label_in_form or rule.label),
            form.locator(rule.names),
            self._by_role(rule),
            self._page.locator(rule.names),
        )
        awake = self._not(selectors.SHELL)
        return tuple(candidate.filter(visible=True).and_(awake) for candidate in candidates)

    def _by_role(self, rule: ElementRule) -> Locator:
        """Return the elements with the rule's roles and label, except in messages and dialogs."""
        found = _any_of(*(self._page.get_by_role(role, name=rule.label) for role in rule.roles))
        return found.and_(self._not(f":is({selectors.CONVERSATION_TEXT}, {selectors.DIALOGS}) *"))

    def _visible(self, selector: str) -> Locator:
        return self._page.locator(selector).filter(visible=True)

    def _not(self, selector: str) -> Locator:
        return self._page.locator(f":not({selector})")


async def first_of(candidates: Iterable[Locator]) -> Locator | None:
    """Return the first element of the first candidate that matches, or None."""
    for candidate in candidates:
        if await candidate.count():
            return candidate.first
    return None


def _any_of(first: Locator, *others: Locator) -> Locator:
    return functools.reduce(lambda one, other: one.or_(other), others, first)
