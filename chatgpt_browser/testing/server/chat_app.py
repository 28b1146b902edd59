"""`ChatApp`: the web application of the site (`form="app"`), and the tokens with which its page sends messages."""

from __future__ import annotations

import html
import json
import mimetypes
import secrets
from dataclasses import asdict
from string import Template
from typing import TYPE_CHECKING, Literal, TypeVar, get_args

from ..data.composer_options import ComposerOptions
from ..data.conversation_view import ConversationView
from ..script.responses import Answer
from .static_files import read_static

if TYPE_CHECKING:
    from ..data.recorded_request import RecordedRequest

_T = TypeVar("_T")

#: The layout of the page. `usual`: English labels, and attributes for tests. `moved`: without the attributes for tests.
#: `foreign`: labels in another language. `strange`: `moved` and `foreign`. `crowded`: additional text boxes, buttons and
#: a dialog besides the composer. `2023`: one text field and one button, without names and labels. `2025`: names and
#: labels. `2026`: labels, but neither ids nor attributes for tests.
Layout = Literal["usual", "moved", "foreign", "strange", "crowded", "2023", "2025", "2026"]

#: The language of the labels of the layouts `2023`, `2025` and `2026`.
Language = Literal["en", "de", "fr", "ja", "zh"]

#: A dialog of the page. `rate-limit`: too many requests. `expired-session`, `signed-out`: the user has to log in.
#: `announcement`: can be closed. `survey`: unknown. `overlay`: `survey` without a role. `choice`: which of two answers is better.
#: `choice-in-thread`: the same question below each reply, which blocks nothing.
Dialog = Literal[
    "rate-limit",
    "expired-session",
    "signed-out",
    "announcement",
    "survey",
    "overlay",
    "choice",
    "choice-in-thread",
]

#: The header that proves that the page itself sent a message.
REQUIREMENTS_HEADER = "openai-sentinel-chat-requirements-token"

_FILES = (
    "address.js",
    "app.css",
    "app.js",
    "api.js",
    "composer.js",
    "deltas.js",
    "dialogs.js",
    "icon.svg",
    "layouts.js",
    "view.js",
)
_POLICY = [
    ("content-security-policy", "default-src 'self'; frame-ancestors 'none'"),
    ("cache-control", "no-store"),
]


def _shell(options: ComposerOptions) -> str:
    """Return the form that the server renders in place of the composer, or an empty text."""
    if not options.shell:
        return ""
    return Template(read_static("app/shell.html")).substitute(
        inert="" if options.shell_accepts_clicks else "inert"
    )


class ChatApp:
    """The pages of the web application, and the single-use tokens of their messages."""

    def __init__(self) -> None:
        self.layout: Layout = "usual"
        #: The title of a modal dialog in each page opened from now on; None: no dialog.
        self.modal: str | None = None
        self.language: Language = "en"
        #: The dialog in each page opened from now on; None: no dialog.
        self.dialog: Dialog | None = None
        #: True: the page sends its own choice in place of the model that its address names.
        self.ignores_model = False
        #: Seconds until a newly opened page is hydrated. Until then it is visible but ignores input, and then discards it.
        self.wakes_after = 0.0
        #: The way in which each page opened from now on loads and shows a conversation.
        self.conversation_view = ConversationView()
        #: The behaviour of the composer in each page opened from now on.
        self.composer = ComposerOptions()
        # Used only by the server's thread, so without a lock.
        self._tokens: set[str] = set()

    def set_layout(self, layout: Layout) -> None:
        """Set the layout of each page opened from now on.

        :raises ValueError: for an unknown layout.
        """
        self.layout = _checked("layout", layout, get_args(Layout))

    def set_language(self, language: Language) -> None:
        """Set the language of each page opened from now on.

        :raises ValueError: for an unknown language.
        """
        self.language = _checked("language", language, get_args(Language))

    def set_dialog(self, dialog: Dialog | None) -> None:
        """Set the dialog of each page opened from now on.

        :raises ValueError: for an unknown dialog.
        """
        self.dialog = _checked("dialog", dialog, (*get_args(Dialog), None))

    def page(self, *, is_signed_in: bool) -> Answer:
        """Return the application's page, or the page that offers to log in."""
        if not is_signed_in:
            return Answer(200, read_static("app/signed_out.html"), _POLICY)

        page = Template(read_static("app/index.html"))
        modal = html.escape(self.modal or "", quote=True)
        values = {
            "layout": self.layout,
            "language": self.language,
            "modal": modal,
            "dialog": self.dialog or "",
            "ignores_model": "yes" if self.ignores_model else "",
            "wakes_after": int(self.wakes_after * 1000),
            "view": html.escape(json.dumps(self.conversation_view.to_json()), quote=True),
            "composer": html.escape(json.dumps(asdict(self.composer)), quote=True),
            "shell": _shell(self.composer),
            "composer_hidden": "hidden" * self.composer.shell,
        }
        return Answer(200, page.substitute(values), _POLICY)

    def file(self, name: str) -> Answer:
        """Return a static file of the pages, or a 404."""
        if name not in _FILES:
            return Answer.error(404, "Not Found")

        kind = mimetypes.guess_type(name)[0] or "text/plain"
        return Answer(200, read_static(f"app/{name}"), _POLICY, content_type=f"{kind}; charset=utf-8")

    def issue(self) -> Answer:
        """Return a response that contains a token for one message."""
        token = secrets.token_urlsafe(48)
        self._tokens.add(token)
        return Answer(200, {"persona": "chatgpt-fake", "token": token})

    def refuse(self, record: RecordedRequest) -> Answer | None:
        """Return the 403 for a message without a valid token, or None. The token becomes invalid."""
        token = record.headers.get(REQUIREMENTS_HEADER, "")
        if token in self._tokens:
            self._tokens.remove(token)
            return None
        return Answer.error(403, "Unusual activity has been detected from your device. Try again later.")


def _checked(name: str, value: _T, known: tuple[object, ...]) -> _T:
    if value not in known:
        raise ValueError(f"{name} must be one of {known}, not {value!r}")
    return value
