"""The selectors and labels of the site's page. If the site changes its page, only this module has to change.

An element is found by its role and its English label first, since a label changes less often than the markup. Ids and test ids
are the second choice; they also work on a page in another language.

Each group names its source and date:

[site]   the site's page as known on 22 November 2026. Public captures of the page from 2025 and 2026 confirm the ids
         prompt-textarea, composer-submit-button, send-button and stop-button.
[aria]   the HTML and WAI-ARIA specifications, which do not depend on the site.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ElementRule:
    """The ways to find one kind of element: by role and label, or by name."""

    #: The ARIA roles that the element may have.
    roles: tuple[Literal["button", "link", "textbox"], ...]
    #: A pattern for the accessible name, anywhere on the page.
    label: re.Pattern[str]
    #: A CSS selector of ids and test ids.
    names: str
    #: A wider pattern for the accessible name inside the composer's form. None: ``label`` is used there too.
    label_in_form: re.Pattern[str] | None = None


def _label(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"^\s*{pattern}", re.IGNORECASE)


# ---- The composer: the form for writing and sending a message [site] -------------------------------------------------

MESSAGE_BOX = ElementRule(
    roles=("textbox",),
    label=_label(
        r"(((send|type|write|enter|your)\s+)?((a|your)\s+)?(message|prompt)|ask\b|chat with|write|talk to|reply to)"
    ),
    names='#prompt-textarea, [data-testid="prompt-textarea"], [data-testid="composer-input"]',
)

SEND_BUTTON = ElementRule(
    roles=("button",),
    label=_label(r"send(\s+(a\s+|your\s+)?(message|prompt))?\s*$"),
    # Some layouts have one button that sends a message and, while a reply is streamed, stops it.
    names=(
        '[data-testid="send-button"], [data-testid="composer-send-button"], '
        '#composer-submit-button:not([data-testid="stop-button"])'
    ),
    label_in_form=_label(r"send\b"),
)

STOP_BUTTON = ElementRule(
    roles=("button",),
    label=_label(r"stop(\s+(answering|generating|streaming|responding|response))?\s*$"),
    names='[data-testid="stop-button"]',
    label_in_form=_label(r"stop\b"),
)

# ---- The page before its scripts run [site]: a form that the server has rendered, in place of the composer ------------

#: The text field of that form. It stays in the document afterwards, hidden. Its form, if submitted, sends no message.
SHELL_FIELD = 'textarea[name="prompt-textarea"]'

#: The parameter of the address to which that form, if submitted, navigates.
SHELL_PARAMETER = "prompt-textarea"

#: That form with its contents, and other contents of a form that the page has made inert.
SHELL = (
    f":is(form[inert] *, {SHELL_FIELD}, "
    f"form:has({SHELL_FIELD}):not(:has([contenteditable]:not([contenteditable=false]))) *)"
)

# ---- The page of a visitor who is not signed in [site] ---------------------------------------------------------------

LOG_IN = ElementRule(
    roles=("link", "button"),
    label=_label(r"(log|sign) in\s*$"),
    names='[data-testid="login-button"]',
)

# ---- The messages of the conversation [site] -------------------------------------------------------------------------

#: Containers of messages. A control inside them belongs to a message's text and is not part of the page's own interface.
CONVERSATION_TEXT = (
    "article, [role=article], [role=log], [aria-live], [data-message-id], [data-message-author-role]"
)


def message_selector(quoted_id: str) -> str:
    """Return a selector for the message with this id, which is given as a quoted CSS string."""
    return f"[data-message-id={quoted_id}]"


# ---- Alerts [aria] with the site's words [site] -----------------------------------------------------------------------

ALERTS = "[role=alert]"

#: The words of an alert about a message, or a conversation, that is too long.
TOO_LONG = re.compile(r"too (long|large)|maximum length|(length|character) limit|exceeds the", re.IGNORECASE)

# ---- Dialogs [aria] --------------------------------------------------------------------------------------------------

DIALOGS = "dialog, [role=dialog], [role=alertdialog]"

#: Dialogs that block the rest of the page. Other dialogs may not.
MODAL_DIALOGS = "dialog:modal, [role=alertdialog], [role=dialog][aria-modal=true]"

# ---- Kinds and states of controls [aria] -----------------------------------------------------------------------------

#: Fields that can hold several lines.
MULTILINE = ":is(textarea, [contenteditable]:not([contenteditable=false]))"

ENABLED = ":not(:disabled, [aria-disabled=true])"

# ---- Reports about an unknown page layout [aria] ---------------------------------------------------------------------

#: The elements that a report describes.
DESCRIBABLE = "textarea, input:not([type=hidden]), [contenteditable], [role=textbox], button, [role=button], [data-testid]"

#: The selectors for ``outline.js``. Private regions list conversations or contain messages: buttons in them are not described.
OUTLINE = {
    "fields": "textarea, input, [contenteditable], [role=textbox]",
    "dialogs": DIALOGS,
    "privateRegions": "nav, aside, article, [role=navigation], [role=complementary], [role=article]",
}
