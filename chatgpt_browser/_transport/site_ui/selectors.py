"""The selectors and labels of the site's page. If the site changes its page, only this module has to change.

An element is searched first by its role and label, then by ids and test ids, and last by its place in the page's structure. The
structure depends neither on the page's language nor on ids.

Each entry contains the month in which it was last observed, and the source of this observation:

site     captures of the site's page of 22 November 2026 and before.
oracle   the npm package @steipete/oracle 0.21, src/browser/constants.ts and modelSelection.ts.
capture  public captures of the page of 2025 and 2026.
guess    a translation or a synonym that was not observed yet.
html     the HTML and WAI-ARIA specifications, which are the same for all sites.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

#: The kinds of dialogs that the client recognizes. It closes announcements, and raises an error for other dialogs.
DialogKind = Literal["rate_limit", "session", "choice", "announcement", "unusual_activity"]


class Entry(NamedTuple):
    """One way to find an element: a CSS selector, or a regular expression for a label."""

    pattern: str
    #: The month of the newest observation.
    seen: str
    source: str


@dataclass(frozen=True)
class ElementRule:
    """The ways to find one kind of element: by role and label, by an id or another attribute, or by its place in the page."""

    #: The ARIA roles that the element may have.
    roles: tuple[Literal["button", "link", "textbox"], ...]
    #: Regular expressions for the beginning of the accessible name of an element anywhere on the page.
    labels: tuple[Entry, ...]
    #: CSS selectors for ids, test ids and other attributes.
    names: tuple[Entry, ...]
    #: Regular expressions for the beginning of the accessible name of an element inside the composer's form. If the tuple is
    #: empty, ``labels`` are also used there.
    labels_in_form: tuple[Entry, ...] = ()
    #: CSS selectors for the element's place in the page, the most reliable first. They are used if nothing else matches.
    structures: tuple[Entry, ...] = ()

    @functools.cached_property
    def label(self) -> re.Pattern[str]:
        """The pattern for the accessible name of an element anywhere on the page."""
        return beginning_of(self.labels)

    @functools.cached_property
    def label_in_form(self) -> re.Pattern[str]:
        """The pattern for the accessible name of an element inside the composer's form."""
        return beginning_of(self.labels_in_form or self.labels)

    @functools.cached_property
    def name(self) -> str:
        """The selectors in ``names``, combined into one CSS selector."""
        return any_of(self.names)


def beginning_of(labels: tuple[Entry, ...]) -> re.Pattern[str]:
    """Return one pattern that combines the patterns of the entries. It matches only at the beginning of a label."""
    return re.compile(rf"^\s*({'|'.join(entry.pattern for entry in labels)})", re.IGNORECASE)


def any_of(entries: tuple[Entry, ...]) -> str:
    """Return one CSS selector that combines the selectors of the entries."""
    return ", ".join(entry.pattern for entry in entries)


# ---- The composer: the form for writing and sending a message --------------------------------------------------------

#: Matches an editor of any kind. The selectors that find elements by structure contain this selector.
EDITORS = ":is(textarea, [contenteditable]:not([contenteditable=false]))"

#: The regions of a page that are not its main part (source: html).
_BESIDE_MAIN = ":is(nav, aside, header, footer, [role=navigation], [role=complementary], [role=search])"

#: The form of the composer (source: html).
FORM = f"form:not([inert]):has({EDITORS}, [role=textbox])"

#: The field that the page has before its scripts run. It looks like the editor, but does not react to input.
SHELL_FIELD = 'textarea[name="prompt-textarea"]:not(#prompt-textarea)'
SHELL = (
    f":is(form[inert], form[inert] *, {SHELL_FIELD}, "
    f"form:has({SHELL_FIELD}):not(:has([contenteditable]:not([contenteditable=false]))) *)"
)

#: The parameter in the address to which the page navigates if the form of the ``SHELL`` is submitted. No message is sent.
SHELL_PARAMETER = "prompt-textarea"

MESSAGE_BOX = ElementRule(
    roles=("textbox",),
    labels=(
        Entry(r"((send|type|write|enter|your)\s+)?((a|your)\s+)?(message|prompt)", "2026-11", "site"),
        Entry(r"ask\b|chat with|write|talk to|reply to", "2026-10", "site"),
        Entry(r"给\s*ChatGPT\s*发", "2026-10", "capture"),
    ),
    names=(
        Entry("#prompt-textarea", "2026-10", "oracle"),
        Entry('[data-testid="prompt-textarea"]:is([contenteditable], textarea)', "2026-10", "capture"),
        Entry('[data-testid="composer-input"]', "2026-11", "site"),
        Entry("form[data-chatgpt-composer] [contenteditable][role=textbox]", "2026-10", "capture"),
        Entry("[contenteditable][data-composer-markdown]", "2026-10", "capture"),
        Entry("textarea#mobile-composer-prompt", "2026-10", "capture"),
    ),
    structures=(
        Entry(f"{FORM} [contenteditable]:not([contenteditable=false])[role=textbox]", "2026-10", "capture"),
        Entry("[contenteditable][data-lexical-editor=true]", "2026-10", "capture"),
        Entry(f"{FORM} {EDITORS}", "2023-03", "capture"),
        # Matches the editor of a composer without a form.
        Entry(f":not({_BESIDE_MAIN} *){EDITORS}", "2026-11", "guess"),
    ),
)

#: Matches a send button with a known label or name, even if it is disabled. Only English labels are known here.
_KNOWN_SEND = (
    '[aria-label=send i], [aria-label^="send " i], [data-testid*="send-button"], #composer-submit-button'
)
_WITHOUT_SEND = f":not(:has({_KNOWN_SEND}))"

#: Matches native buttons that submit a form. `_AFTER_EDITOR` matches all elements after the editor.
_NATIVE_SEND = "[type=submit], button:not([type])"
_EDITOR = f":is({EDITORS}, :has({EDITORS}))"
_AFTER_EDITOR = f":is({_EDITOR} ~ *, {_EDITOR} ~ * *)"
_WITHOUT_NATIVE = f"{FORM}{_WITHOUT_SEND}:not(:has({_NATIVE_SEND}))"
_WITHOUT_TYPES = f"{FORM}{_WITHOUT_SEND}:not(:has([type=submit])) button:not([type])"

SEND_BUTTON = ElementRule(
    roles=("button",),
    labels=(
        Entry(r"send(\s+(a\s+|your\s+)?(message|prompt))?\s*$", "2026-11", "site"),
        Entry(r"发送(提示|消息)?\s*$", "2026-10", "capture"),
    ),
    names=(
        Entry('[data-testid="send-button"]', "2026-10", "oracle"),
        Entry('[data-testid="composer-send-button"]', "2026-11", "site"),
        # Some layouts have one button that sends a message and, while a reply is streamed, stops it.
        Entry('#composer-submit-button:not([data-testid="stop-button"])', "2026-10", "capture"),
        Entry("button[data-composer-submit]", "2026-10", "capture"),
    ),
    labels_in_form=(
        Entry(r"send\b", "2026-11", "site"),
        Entry(r"发送", "2026-10", "capture"),
    ),
    structures=(
        Entry(f"{FORM}{_WITHOUT_SEND} :is(button, input)[type=submit]", "2026-10", "capture"),
        # In the form of 2023, a button before the editor generates a new reply. So buttons after the editor are tried first.
        Entry(f"{_WITHOUT_TYPES}{_AFTER_EDITOR}", "2023-03", "capture"),
        Entry(_WITHOUT_TYPES, "2023-03", "capture"),
        # If there are several elements, the last one is used.
        Entry(f"{_WITHOUT_NATIVE} [role=button]:not(button){_AFTER_EDITOR}", "2026-11", "guess"),
    ),
)

#: Excludes buttons that stop dictation, a recording or reading aloud. Such buttons may also be in the composer.
_NOT_A_REPLY = r"(?!.*\b(dictat|record|read|listen|voice|talking|sharing|speaking|audio))"

STOP_BUTTON = ElementRule(
    roles=("button",),
    labels=(Entry(r"stop\s+(answering|generating|streaming|responding|response)\s*$", "2026-10", "oracle"),),
    names=(Entry('[data-testid="stop-button"]', "2026-10", "oracle"),),
    labels_in_form=(
        Entry(rf"stop\b{_NOT_A_REPLY}", "2026-10", "capture"),
        Entry(r"停止(生成|回答|响应|流式传输)?\s*$", "2026-10", "capture"),
        Entry(r"(stopp|anhalten|antwort anhalten|streaming (anhalten|stoppen))\s*$", "2026-11", "guess"),
    ),
)

# ---- The page of a visitor who is not signed in ----------------------------------------------------------------------

LOG_IN = ElementRule(
    roles=("link", "button"),
    labels=(Entry(r"(log|sign) in\s*$", "2026-11", "site"),),
    names=(Entry('[data-testid="login-button"]', "2026-11", "site"),),
)

# ---- The messages of the conversation --------------------------------------------------------------------------------

#: Containers of messages. A control inside a container belongs to the text of a message, not to the page's own interface.
TURNS = (
    Entry("article, [role=article], [role=log], [aria-live]", "2026-11", "html"),
    Entry("[data-message-id], [data-message-author-role], [data-turn-id]", "2026-10", "oracle"),
    Entry(
        "[data-turn-key], [data-chatgpt-search-unit-key], [data-user-message-bubble]", "2026-10", "capture"
    ),
    Entry("[data-conversation-transcript] > li", "2026-10", "capture"),
)
CONVERSATION_TEXT = any_of(TURNS)

#: The attributes that contain ids of messages: one id, or several ids separated by spaces. The page of autumn 2026 has neither
#: ``data-message-id`` nor ``data-turn-id`` [public captures of September and October 2026].
MESSAGE_ID_ATTRIBUTES = (
    "data-message-id",
    "data-turn-id",
    "data-turn-key",
    "data-chatgpt-search-message-ids",
    "data-chatgpt-selection-message-id",
)
#: CSS selectors for the elements that have the id of a message. The quoted id replaces ``{}``.
MESSAGE_IDS = (
    Entry("[data-message-id~={}]", "2026-10", "oracle"),
    Entry("[data-turn-id~={}]", "2026-10", "oracle"),
    Entry("[data-turn-key~={}]", "2026-10", "capture"),
    Entry("[data-chatgpt-search-message-ids~={}]", "2026-10", "capture"),
    Entry("[data-chatgpt-selection-message-id~={}]", "2026-10", "capture"),
    Entry("[data-conversation-transcript] > li[id={}]", "2026-10", "capture"),
)


def message_selector(quoted_id: str) -> str:
    """Return a selector for the message with this id. The id must be given as a quoted CSS string."""
    return ", ".join(entry.pattern.replace("{}", quoted_id) for entry in MESSAGE_IDS)


# ---- Alerts [html] with the site's words [site] -----------------------------------------------------------------------

ALERTS = "[role=alert]"

#: Matches the text of an alert that reports that a message or a conversation is too long.
TOO_LONG = re.compile(r"too (long|large)|maximum length|(length|character) limit|exceeds the", re.IGNORECASE)

# ---- Dialogs ---------------------------------------------------------------------------------------------------------

DIALOGS = "dialog, [role=dialog], [role=alertdialog]"

#: Dialogs that always block the rest of the page. Other dialogs block it only in some cases.
MODAL_DIALOGS = "dialog:modal, [role=alertdialog], [role=dialog][aria-modal=true]"


@dataclass(frozen=True)
class DialogRule:
    """The ways to recognize one kind of dialog: CSS selectors (``names``), and patterns for its title or text (``texts``)."""

    kind: DialogKind
    names: tuple[Entry, ...]
    texts: tuple[Entry, ...]
    #: True: such a dialog always blocks the page. False: it blocks the page only if it covers the composer.
    is_blocking: bool = True

    @functools.cached_property
    def name(self) -> str:
        """The selectors in ``names``, combined into one CSS selector."""
        return any_of(self.names)

    @functools.cached_property
    def text(self) -> re.Pattern[str]:
        """The pattern for the title or the text of the dialog."""
        return re.compile("|".join(entry.pattern for entry in self.texts), re.IGNORECASE)


#: The kinds of dialogs, in the order in which they are recognized.
DIALOG_RULES = (
    DialogRule(
        "session",
        (
            Entry('[data-testid*="expired-session"], [id*="expired-session"]', "2026-10", "capture"),
            Entry('[data-testid^="modal-no-auth"], [id^="modal-no-auth"]', "2026-10", "capture"),
        ),
        (
            Entry(r"your session (has )?(expired|ended)", "2026-10", "capture"),
            Entry(r"(please )?(log|sign) (back )?in (again )?to continue", "2026-11", "guess"),
            Entry(r"sitzung ist abgelaufen|会话已(过期|失效)|session a expiré", "2026-11", "guess"),
        ),
    ),
    DialogRule(
        "rate_limit",
        (
            Entry('[data-testid="modal-conversation-history-rate-limit"]', "2026-10", "oracle"),
            Entry('[data-testid^="modal-"][data-testid*="rate-limit"]', "2026-10", "guess"),
            Entry('[id^="modal-"][id*="rate-limit"]', "2026-10", "guess"),
        ),
        (
            Entry(r"too many requests|making requests too quickly", "2026-10", "oracle"),
            Entry(r"temporarily limited access to your conversations", "2026-10", "oracle"),
            Entry(r"zu viele anfragen|请求过(多|于频繁)|trop de requêtes", "2026-11", "guess"),
            Entry(r"demasiadas solicitudes", "2026-11", "guess"),
        ),
    ),
    DialogRule(
        "choice",
        (Entry('[data-testid*="paragen"], [data-testid*="comparison"]', "2026-11", "guess"),),
        (
            Entry(r"which response do you prefer", "2026-10", "capture"),
            Entry(r"giving feedback on a new version", "2026-10", "capture"),
        ),
        is_blocking=False,
    ),
    DialogRule(
        "announcement",
        (
            Entry('[data-testid="modal-beacon"], [id="modal-beacon"]', "2026-10", "capture"),
            Entry('[data-testid*="announcement"], [data-testid*="whats-new"]', "2026-11", "guess"),
        ),
        (
            Entry(r"^\s*(what['\u2019]s new|introducing\b)", "2026-10", "capture"),
            Entry(r"^\s*(neuigkeiten|das ist neu|was ist neu)", "2026-11", "guess"),
            Entry(r"^\s*(新功能|最新|nouveaut|novedad)", "2026-11", "guess"),
        ),
    ),
)

#: The buttons that close an announcement. No other button is clicked, because it may start or buy something.
CLOSE_BUTTONS = (
    Entry('[data-testid="close-button"], [data-testid$="-close-button"]', "2026-10", "oracle"),
    Entry("button[aria-label=Close i], button[aria-label=Dismiss i]", "2026-10", "capture"),
    Entry("button[aria-label=Schlie\u00dfen i], button[aria-label=Fermer i]", "2026-11", "guess"),
    Entry("button[aria-label=Cerrar i], button[aria-label=Fechar i]", "2026-11", "guess"),
    Entry("button[aria-label=Chiudi i]", "2026-11", "guess"),
    Entry("button[aria-label=\u5173\u95ed], button[aria-label=\u9589\u3058\u308b]", "2026-11", "guess"),
)

#: Dialogs that always block the page: modal dialogs, and the dialogs of each rule with `is_blocking`.
BLOCKING_DIALOGS = ", ".join((MODAL_DIALOGS, *(rule.name for rule in DIALOG_RULES if rule.is_blocking)))

#: The selectors for ``obstruction.js``.
OBSTRUCTION = {
    "boxes": [MESSAGE_BOX.name, f"{FORM} :is({EDITORS}, [role=textbox])", f"{EDITORS}, [role=textbox]"],
    "sendButtons": f"{SEND_BUTTON.name}, {_NATIVE_SEND}",
    "notInComposer": f":is({CONVERSATION_TEXT}, {DIALOGS}, form[inert]) *, {SHELL}",
    "dialogs": DIALOGS,
    "blocking": BLOCKING_DIALOGS,
    "closeButtons": any_of(CLOSE_BUTTONS),
    "kinds": [[rule.kind, rule.name] for rule in DIALOG_RULES],
}

# ---- Kinds and states of controls [html] -----------------------------------------------------------------------------

ENABLED = ":not(:disabled, [aria-disabled=true])"

#: The elements of a form that can be clicked like a button.
BUTTONS = "button, [role=button], input[type=submit], input[type=button], input[type=image]"

# ---- Reports about an unknown page layout [html] ---------------------------------------------------------------------

#: The elements that a report describes.
DESCRIBABLE = "textarea, input:not([type=hidden]), [contenteditable], [role=textbox], button, [role=button], [data-testid]"

#: The selectors for ``outline.js``. Private regions contain messages or lists of conversations, so their buttons are omitted.
OUTLINE = {
    "fields": "textarea, input, [contenteditable], [role=textbox]",
    "dialogs": DIALOGS,
    "privateRegions": "nav, aside, article, [role=navigation], [role=complementary], [role=article]",
}
