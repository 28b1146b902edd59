"""The elements of the site's page, as Playwright locators. Their selectors and labels are in :mod:`.selectors`."""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from ..._browser.playwright_errors import milliseconds
from ..._core.urls import origin_of
from . import selectors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from playwright.async_api import Locator, Page

    from .selectors import ElementRule


class Match(NamedTuple):
    """An entry of :mod:`.selectors` that matched an element of the page."""

    element: str
    way: str
    pattern: str
    seen: str


class PageElements:
    """Locators for one page.

    Each use of a locator searches the page again. So a locator stays valid when the page replaces its elements.
    """

    def __init__(self, page: Page) -> None:
        self._page = page

    @property
    def message_boxes(self) -> tuple[Locator, ...]:
        """The locators that may find the message box, most reliable first."""
        named, labelled = self._named_boxes, self._labelled_boxes
        multiline = labelled.and_(self._page.locator(selectors.EDITORS))
        known = labelled.and_(named), multiline.and_(self._page.locator("form *")), multiline, labelled, named
        return *known, *self._boxes_by_structure

    @property
    def message_box(self) -> Locator:
        """One locator for all elements that may be the message box."""
        return _any_of(self._labelled_boxes, self._named_boxes, *self._boxes_by_structure)

    @property
    def send_buttons(self) -> tuple[Locator, ...]:
        """The locators that may find the send button, most reliable first."""
        structures = (
            self._visible(entry.pattern).and_(self._not_in_text).last
            for entry in selectors.SEND_BUTTON.structures
        )
        return *self._buttons(selectors.SEND_BUTTON), *structures

    def buttons(self, rule: ElementRule) -> tuple[Locator, ...]:
        """Return the locators that may find the button that ``rule`` describes, most reliable first."""
        return self._buttons(rule)

    def in_form(self, selector: str) -> Locator:
        """Return a locator for the elements with this selector in the composer's form, even if they are hidden."""
        return self._forms.locator(selector)

    def attached_file(self, name: str) -> Locator:
        """Return a locator for the visible elements in the composer's form that show the attached file with this name."""
        text = re.compile(rf"(^|[^\w.-]){re.escape(name)}\W*$", re.IGNORECASE)
        forms = self._forms
        found = forms.get_by_label(text).or_(forms.get_by_alt_text(text)).or_(forms.get_by_text(text))
        return found.and_(self._not(f":is({selectors.EDITORS}, {selectors.EDITORS} *)")).filter(visible=True)

    def chosen_tools(self, label: re.Pattern[str]) -> Locator:
        """Return a locator for the composer's buttons that show a chosen tool with this label."""
        return self._forms.get_by_role("button", name=label).filter(visible=True)

    @property
    def enabled_send_button(self) -> Locator:
        """The send buttons that are enabled. The locator finds nothing if no send button is enabled."""
        return _any_of(*self.send_buttons).and_(self._page.locator(selectors.ENABLED))

    @property
    def form_buttons(self) -> Locator:
        """The visible buttons in the composer's form."""
        return self._forms.locator(selectors.BUTTONS).filter(visible=True)

    @property
    def stop_button(self) -> Locator:
        """The button that stops a reply."""
        return _any_of(*self._buttons(selectors.STOP_BUTTON))

    @property
    def log_in(self) -> Locator:
        """The links and buttons that open the log-in page."""
        found = self._by_role(selectors.LOG_IN).or_(self._page.locator(selectors.LOG_IN.name))
        return found.filter(visible=True)

    @property
    def log_in_of_site(self) -> Locator:
        """The links and buttons of :attr:`log_in`, except links to other sites.

        On a page with a message box, a link to another site is part of a message or of a conversation's title. Such a link does
        not open the log-in page.
        """
        origin = origin_of(self._page.url)
        elsewhere = f'a[href*="//"]:not([href="{origin}"], [href^="{origin}/"]):not({selectors.LOG_IN.name})'
        return self.log_in.and_(self._not(elsewhere))

    @property
    def blocking_dialogs(self) -> Locator:
        """The visible dialogs that block the page.

        A dialog whose children have the CSS property ``position: fixed`` may have the height 0. So a dialog is also found if an
        element in it is visible.
        """
        found = self._page.locator(selectors.BLOCKING_DIALOGS)
        return found.filter(visible=True).or_(found.filter(has=self._page.locator("*").filter(visible=True)))

    @property
    def shell(self) -> Locator:
        """The visible parts of the composer that ignore input, because the page's scripts have not run yet."""
        return self._page.locator(selectors.SHELL).filter(visible=True)

    @property
    def choice(self) -> Locator:
        """The site's question "which answer do you prefer?", unless it is part of a message."""
        (rule,) = (rule for rule in selectors.DIALOG_RULES if rule.kind == "choice")
        return self._page.get_by_text(rule.text).and_(self._not_in_text).filter(visible=True)

    @property
    def too_long_alerts(self) -> Locator:
        """The visible alerts about a message or a conversation that is too long."""
        return self._page.locator(selectors.ALERTS).filter(has_text=selectors.TOO_LONG, visible=True)

    @property
    def describable(self) -> Locator:
        """The elements that a report about the page describes."""
        return self._page.locator(selectors.DESCRIBABLE)

    def messages(self, message_ids: Iterable[str]) -> Locator:
        """Return a locator for the elements of the messages with these ids. At least one id is required."""
        quoted = (json.dumps(message_id, ensure_ascii=False) for message_id in message_ids)
        return self._page.locator(", ".join(map(selectors.message_selector, quoted)))

    async def matches(self) -> list[Match]:
        """Return the entries of :mod:`.selectors` that match visible elements of the composer now."""
        rules = {"message_box": selectors.MESSAGE_BOX, "send_button": selectors.SEND_BUTTON}
        found = []
        for element, rule in rules.items():
            labelled = [
                (entry, self._page.get_by_role(role, name=selectors.beginning_of((entry,))))
                for role in rule.roles
                for entry in (*rule.labels, *rule.labels_in_form)
            ]
            named = [(entry, self._page.locator(entry.pattern)) for entry in rule.names]
            structures = [(entry, self._page.locator(entry.pattern)) for entry in rule.structures]
            for way, pairs in (("label", labelled), ("name", named), ("structure", structures)):
                for entry, locator in pairs:
                    if await locator.and_(self._not_in_text).filter(visible=True).count():
                        found.append(Match(element, way, entry.pattern, entry.seen))
        return found

    @property
    def _named_boxes(self) -> Locator:
        return self._visible(selectors.MESSAGE_BOX.name).and_(self._not(selectors.SHELL))

    @property
    def _labelled_boxes(self) -> Locator:
        return self._by_role(selectors.MESSAGE_BOX).filter(visible=True).and_(self._not(selectors.SHELL))

    @property
    def _boxes_by_structure(self) -> tuple[Locator, ...]:
        """One locator for each kind of editor.

        Each locator finds only the last visible editor: the composer is below the conversation, so its editor comes after all
        editors in the conversation.
        """
        outside = self._not_in_text.and_(self._not(selectors.SHELL))
        return tuple(
            self._visible(entry.pattern).and_(outside).last for entry in selectors.MESSAGE_BOX.structures
        )

    @property
    def _forms(self) -> Locator:
        """The form of the composer."""
        return self._visible(selectors.FORM).and_(self._not_in_text)

    def _buttons(self, rule: ElementRule) -> tuple[Locator, ...]:
        form = self._forms
        in_form = (form.locator(rule.name), form.get_by_role("button", name=rule.label_in_form))
        elsewhere = (self._by_role(rule), self._page.locator(rule.name))
        awake = self._not(selectors.SHELL)
        return tuple(candidate.filter(visible=True).and_(awake) for candidate in (*in_form, *elsewhere))

    def _by_role(self, rule: ElementRule) -> Locator:
        """Return a locator for the elements with the rule's roles and label, except elements in messages and in dialogs."""
        found = _any_of(*(self._page.get_by_role(role, name=rule.label) for role in rule.roles))
        return found.and_(self._not_in_text)

    @property
    def _not_in_text(self) -> Locator:
        return self._not(f":is({selectors.CONVERSATION_TEXT}, {selectors.DIALOGS}) *")

    def _visible(self, selector: str) -> Locator:
        return self._page.locator(selector).filter(visible=True)

    def _not(self, selector: str) -> Locator:
        return self._page.locator(f":not({selector})")


async def first_of(candidates: Iterable[Locator]) -> Locator | None:
    """Return a locator for the first element of the first candidate that finds any element, or None if no candidate does."""
    for candidate in candidates:
        if await candidate.count():
            return candidate.first
    return None


async def becomes(element: Locator, state: Literal["attached", "hidden", "visible"], timeout: float) -> bool:
    """Return whether the first matching element reaches the state within the timeout, which is in seconds."""
    try:
        await element.first.wait_for(state=state, timeout=milliseconds(timeout))
    except PlaywrightTimeoutError:
        return False
    return True


def _any_of(first: Locator, *others: Locator) -> Locator:
    return functools.reduce(lambda one, other: one.or_(other), others, first)
